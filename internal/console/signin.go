package console

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/creativeflow/aigen/internal/web"
)

// whyExpired is why somebody whose token has ended is asked to sign in.
const whyExpired = "expired"

// signInWords say why somebody is asked to sign in.
var signInWords = map[string]string{
	whyExpired: "Your session has ended. Sign in again to go on: what you typed is kept in this tab.",
	"invalid":  "That session is not valid here. Sign in with another token.",
	"key":      "The key in that address is not the one of this service.",
}

// signInData is the sign-in page's.
type signInData struct {
	Why   string // what brought the person here
	Error string // what was wrong with the token
	Next  string
	Local bool // the service has a key for the person who started it
}

func (k *Console) signInPage(w http.ResponseWriter, r *http.Request) error {
	next, why := localPath(r.URL.Query().Get("next")), r.URL.Query().Get("why")
	switch s := sessionOf(r.Context()); {
	case s.SignedIn() && !s.Local && why == whyExpired:
		// A token is still accepted for a moment after its end, since clocks differ. A page
		// that said it has ended must not lead back to itself.
		r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, session{}))
	case s.SignedIn() && !s.Local:
		redirect(w, r, next)
		return nil
	}
	k.render(w, r, http.StatusOK, "signin", "layout", page{Title: "Sign in", Data: signInData{
		Why: signInWords[why], Next: next, Local: k.c.Local != nil,
	}})
	return nil
}

// signIn takes a token from our own form, or from one of a portal, and puts it into a
// cookie.
func (k *Console) signIn(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	next := localPath(r.PostFormValue("next"))
	token := strings.TrimSpace(r.PostFormValue("token"))
	token = strings.TrimSpace(strings.TrimPrefix(token, "Bearer "))
	if k.c.Local.hasKey(keyOf(token)) {
		k.letIn(w, r)
		k.setFlash(w, r, "signed-in")
		redirect(w, r, next)
		return nil
	}
	ends, says, err := k.tryToken(r, token)
	if err != nil {
		return err
	}
	if says != "" {
		k.render(w, r, http.StatusUnprocessableEntity, "signin", "layout", page{Title: "Sign in", Data: signInData{
			Error: says, Next: next, Local: k.c.Local != nil,
		}})
		return nil
	}
	http.SetCookie(w, k.sessionCookie(r, token, ends))
	k.setFlash(w, r, "signed-in")
	redirect(w, r, next)
	return nil
}

// tryToken checks a token; says is what is wrong with it, for the person.
func (k *Console) tryToken(r *http.Request, token string) (ends time.Time, says string, err error) {
	switch {
	case token == "":
		return ends, "Paste a token first.", nil
	case len(token) > maxToken:
		return ends, "This token is too long to be kept in a cookie. Ask for one with fewer claims.", nil
	}
	id, err := k.c.Authenticator.Authenticate(r.Context(), token)
	switch {
	case errors.Is(err, web.ErrAuthUnavailable):
		return ends, "", &fault{code: web.CodeAuthUnavailable, cause: err}
	case err != nil:
		why, _, _ := strings.Cut(err.Error(), ":")
		return ends, strings.ToUpper(why[:1]) + why[1:] + ".", nil
	case id.UserID.IsZero():
		return ends, "The token names no user.", nil
	}
	web.InfoFrom(r.Context()).User = id.UserID
	return id.ExpiresAt, "", nil
}

// signOut forgets the token. It is a form of ours like any other, but needs no valid
// session: who wants to leave may.
func (k *Console) signOut(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, k.sessionCookie(r, "", time.Time{}))
	// What the browser may still show of a person who left is not for the next one.
	w.Header().Set("Clear-Site-Data", `"cache"`)
	k.setFlash(w, r, "signed-out")
	redirect(w, r, signInPath)
	return nil
}

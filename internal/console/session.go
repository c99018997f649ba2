package console

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// session is who asks. The zero value is nobody.
type session struct {
	web.Identity

	Local  bool   // let in by the key of the installation
	secret []byte // form tokens are made from it
}

type sessionKey struct{}

func sessionOf(ctx context.Context) session {
	s, _ := ctx.Value(sessionKey{}).(session)
	return s
}

// SignedIn reports whether somebody is.
func (s session) SignedIn() bool { return !s.UserID.IsZero() }

// Operator reports whether it is one: by a role, or as the person who holds the key.
func (s session) Operator() bool { return s.Local || s.Identity.Operator() }

// maxToken is what fits into a cookie, with its name and attributes (RFC 6265, 6.1).
const maxToken = 3800

// keepExpired is how long a cookie outlives its token, so that the person is told
// that the session has ended, and not asked to sign in as if they never had.
const keepExpired = 7 * 24 * time.Hour

// signedOutError is a fault of a request whose session does not count any more, or that
// has none.
type signedOutError struct {
	why   string // for the sign-in page: a key of signInWords
	cause error
}

func (e *signedOutError) Error() string {
	if e.cause != nil {
		return "signed out: " + e.why + ": " + e.cause.Error()
	}
	return "signed out: " + e.why
}

func (e *signedOutError) Unwrap() error { return e.cause }

// identify finds out by the cookie who asks. The error is why there is nobody.
func (k *Console) identify(r *http.Request) (session, error) {
	cookie, err := r.Cookie(k.cookieName(r))
	if err != nil || cookie.Value == "" {
		return session{}, &signedOutError{why: "needed"}
	}
	if strings.HasPrefix(cookie.Value, localPrefix) {
		return k.c.Local.session(cookie.Value, k.c.Now())
	}
	id, err := k.c.Authenticator.Authenticate(r.Context(), cookie.Value)
	switch {
	case errors.Is(err, web.ErrAuthUnavailable):
		return session{}, &fault{code: web.CodeAuthUnavailable, cause: err}
	case err != nil:
		return session{}, &signedOutError{why: whyExpired, cause: err}
	case id.UserID.IsZero():
		return session{}, &signedOutError{why: "invalid"}
	}
	return session{Identity: id, secret: []byte(cookie.Value)}, nil
}

// isSecure reports whether the browser speaks https, to us or to a proxy before us: by
// the public address of the service, or by what proxies say. With several in a row, the
// first value is that of the one before the browser. Who forges it only changes the
// attributes of a cookie of their own.
func (k *Console) isSecure(r *http.Request) bool {
	if r.TLS != nil || strings.HasPrefix(k.c.PublicBase, "https://") {
		return true
	}
	if first(r.Header.Get("X-Forwarded-Proto")) == "https" {
		return true
	}
	for pair := range strings.SplitSeq(first(r.Header.Get("Forwarded")), ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if name == "proto" && strings.Trim(value, `"`) == "https" {
			return true
		}
	}
	return false
}

// first is the first element of a list in a header, in lower case.
func first(list string) string {
	element, _, _ := strings.Cut(list, ",")
	return strings.ToLower(strings.TrimSpace(element))
}

// cookieName is that of the session. With https, the prefix has browsers refuse one
// that another host, or plain http, has set. Without it, cookies of all ports of a
// host are one pot: the port keeps two services on this machine apart.
func (k *Console) cookieName(r *http.Request) string {
	if k.isSecure(r) {
		return "__Host-aigen"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return "aigen-" + port
	}
	return "aigen"
}

// maxCookieAge bounds the life of a cookie: tokens that "never" end have an exp of the
// year 9999, and browsers keep nothing for longer than some 400 days.
const maxCookieAge = 365 * 24 * time.Hour

// sessionCookie holds the token. No script sees it; it comes along when the person
// follows a link to here from elsewhere (Lax), and with nothing else that another site
// does.
func (k *Console) sessionCookie(r *http.Request, token string, ends time.Time) *http.Cookie {
	age := 0
	switch {
	case token == "":
		age = -1
	case !ends.IsZero():
		// The bound first: the sum could be more than a Duration holds.
		left := min(ends.Sub(k.c.Now()), maxCookieAge-keepExpired)
		age = int((left + keepExpired).Seconds())
	}
	return k.newCookie(r, k.cookieName(r), token, age)
}

// newCookie is one that no script sees. age in seconds; 0: until the browser is
// closed, negative: it is removed.
func (k *Console) newCookie(r *http.Request, name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure follows the scheme; plain http on loopback could keep no other
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: k.isSecure(r), SameSite: http.SameSiteLaxMode,
	}
}

// projectOf is where a user's generations go when none is named: a user has one
// project from the start, whose id is the user's.
func (k *Console) projectOf(s session) aigen.ID {
	if s.Local {
		return k.c.Local.ProjectID
	}
	return s.UserID
}

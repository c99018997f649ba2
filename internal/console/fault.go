package console

import (
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/sse"
	"github.com/creativeflow/aigen/internal/web"
)

// The codes that only the console has. Those of the domain stand in the root package.
const (
	codeNoPage      aigen.Code = "no_page"
	codeForeignForm aigen.Code = "foreign_form"
	codeStaleForm   aigen.Code = "stale_form"
	codeBadForm     aigen.Code = "bad_form"
	codeSignedOut   aigen.Code = "signed_out"
	codeNoSample    aigen.Code = "no_sample"
)

// fault is an error of this package.
type fault struct {
	code  aigen.Code
	wait  time.Duration // Retry-After
	cause error         // for the log only
}

func (f *fault) Error() string {
	if f.cause != nil {
		return string(f.code) + ": " + f.cause.Error()
	}
	return string(f.code)
}

func (f *fault) Unwrap() error { return f.cause }

var errNoPage = &fault{code: codeNoPage}

// codeOf is the code of any error. What is not known is a defect of ours.
func codeOf(err error) aigen.Code {
	var f *fault
	var out *signedOutError
	switch {
	case errors.As(err, &f):
		return f.code
	case errors.As(err, &out):
		return codeSignedOut
	case errors.Is(err, app.ErrVersionConflict):
		return web.CodeBusy
	case errors.Is(err, app.ErrStoreUnavailable):
		return web.CodeDatabaseUnavailable
	}
	return aigen.CodeOf(err)
}

// problem is what a person is told of an error.
type problem struct {
	Code   aigen.Code
	Status int
	message
	RequestID string
}

// fail answers with an error: a page, or a note in the corner of the page that asked.
func (k *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	var out *signedOutError
	if errors.As(err, &out) {
		k.askToSignIn(w, r, out)
		return
	}
	p := problemOf(err)
	p.RequestID = w.Header().Get("X-Request-Id")
	var f *fault
	if errors.As(err, &f) && f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.wait.Seconds()))))
	}
	switch {
	case wantsStream(r):
		http.Error(w, p.Title, p.Status)
	case isPart(r):
		w.Header().Set("HX-Retarget", "#toasts")
		w.Header().Set("HX-Reswap", "beforeend")
		k.render(w, r, p.Status, "problem", "toast", page{Data: toast{Kind: "bad", Title: p.Title, Text: p.Text}})
	default:
		k.render(w, r, p.Status, "problem", "layout", page{Title: p.Title, Data: p})
	}
}

// tellable reports whether a form's own page can say it: what is none of the person's
// affairs is a defect, and has a page that names the number in the log.
func (p problem) tellable(cause error) bool {
	var known *aigen.Error
	return errors.As(cause, &known) && p.Code != aigen.CodeInternal || p.Code == web.CodeBusy || p.Code == web.CodeDatabaseUnavailable || p.Code == codeNoSample
}

func problemOf(err error) problem {
	code := codeOf(err)
	p := problem{Code: code, Status: statusOf(code), message: messageOf(code)}
	var known *aigen.Error
	if errors.As(err, &known) && code == aigen.CodeInvalidInput && len(known.Fields) > 0 {
		p.Text = "Please correct it: " + known.Fields[0].Message + "."
	}
	return p
}

// askToSignIn leads to the sign-in page and, from there, back.
func (k *Console) askToSignIn(w http.ResponseWriter, r *http.Request, out *signedOutError) {
	if wantsStream(r) {
		http.Error(w, "Sign in.", http.StatusUnauthorized)
		return
	}
	q := url.Values{"why": {out.why}}
	next := r.URL.RequestURI()
	if isPart(r) || r.Method != http.MethodGet {
		next = k.refererPath(r)
	}
	if next != studioPath {
		q.Set("next", next)
	}
	if out.why != "needed" { // the cookie is of no use any more
		http.SetCookie(w, k.sessionCookie(r, "", time.Time{}))
	}
	to := signInPath + "?" + q.Encode()
	if isPart(r) {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	redirect(w, r, to)
}

// refererPath is the page that a form was on, as far as the browser says.
func (k *Console) refererPath(r *http.Request) string {
	u, err := url.Parse(r.Referer())
	if err != nil || u.Host != r.Host && u.Scheme+"://"+u.Host != originOf(k.c.PublicBase) {
		return studioPath
	}
	return localPath(u.RequestURI())
}

// localPath takes a path of this service, and nothing that leads elsewhere.
func localPath(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || len(u.Path) == 0 || u.Path[0] != '/' ||
		len(text) > 1 && (text[1] == '/' || text[1] == '\\') {
		return studioPath
	}
	return u.RequestURI()
}

// redirect leads the browser to a page of this service, by GET.
func redirect(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, to, http.StatusSeeOther) //nolint:gosec // G710: every to is a path of ours, or went through localPath
}

// isPart reports whether a script of the page asks, for a part of it.
func isPart(r *http.Request) bool {
	return r.Header.Get("HX-Request") != "" && r.Header.Get("HX-History-Restore-Request") == ""
}

func wantsStream(r *http.Request) bool { return r.Header.Get("Accept") == sse.MediaType }

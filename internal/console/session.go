package console

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// session is who asks. The zero value is nobody.
type session struct {
	Identity
	Local  bool   // let in without a token, since it is this machine
	secret []byte // form tokens are made from it
}

type sessionKey struct{}

func sessionOf(ctx context.Context) session {
	s, _ := ctx.Value(sessionKey{}).(session)
	return s
}

// SignedIn reports whether somebody is.
func (s session) SignedIn() bool { return !s.UserID.IsZero() }

// Operator reports whether it is one: by a role, or as the person at this machine.
func (s session) Operator() bool { return s.Local || slices.Contains(s.Roles, operatorRole) }

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

// identify finds out who asks: by the cookie, else as the person at this machine. The
// error is why there is nobody.
func (k *Console) identify(r *http.Request) (session, error) {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil || cookie.Value == "" {
		if s, ok := k.localSession(r); ok {
			return s, nil
		}
		return session{}, &signedOutError{why: "needed"}
	}
	id, err := k.c.Authenticator.Authenticate(r.Context(), cookie.Value)
	switch {
	case errors.Is(err, ErrAuthUnavailable):
		return session{}, &fault{code: codeAuthUnavailable, cause: err}
	case err != nil:
		return session{}, &signedOutError{why: "expired", cause: err}
	case id.UserID.IsZero():
		return session{}, &signedOutError{why: "invalid"}
	}
	return session{Identity: id, secret: []byte(cookie.Value)}, nil
}

// localSession is that of the person at this machine. Two kinds of strangers could
// pass for them, since the connection is from loopback either way: a web page whose
// name was made to point here (DNS rebinding), which the Host header gives away, and
// visitors of a proxy on this machine, whose headers say that there is one.
func (k *Console) localSession(r *http.Request) (session, bool) {
	if k.c.Local == nil || !isLoopbackHost(r.Host) || cameByProxy(r.Header) || !isLoopbackAddress(r.RemoteAddr) {
		return session{}, false
	}
	return session{Identity: Identity{UserID: k.c.Local.UserID, Roles: []string{operatorRole}}, Local: true, secret: k.c.Local.Secret}, true
}

// isLoopbackHost takes the names that cannot be made to point elsewhere.
func isLoopbackHost(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

func isLoopbackAddress(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	return err == nil && at.Addr().Unmap().IsLoopback()
}

func cameByProxy(h http.Header) bool {
	return slices.ContainsFunc([]string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via"},
		func(name string) bool { return h.Get(name) != "" })
}

// isSecure reports whether the browser speaks https, to us or to a proxy before us.
// Who forges the header only changes the attributes of a cookie of their own.
func isSecure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// cookieName is that of the session. With https, the prefix has browsers refuse one
// that another host, or plain http, has set. Without it, cookies of all ports of a
// host are one pot: the port keeps two services on this machine apart.
func cookieName(r *http.Request) string {
	if isSecure(r) {
		return "__Host-aigen"
	}
	if _, port, err := net.SplitHostPort(r.Host); err == nil {
		return "aigen-" + port
	}
	return "aigen"
}

// sessionCookie holds the token. No script sees it; it comes along when the person
// follows a link to here from elsewhere (Lax), and with nothing else that another site
// does.
func (k *Console) sessionCookie(r *http.Request, token string, ends time.Time) *http.Cookie {
	age := 0
	switch {
	case token == "":
		age = -1
	case !ends.IsZero():
		age = int((ends.Sub(k.c.Now()) + keepExpired).Seconds())
	}
	return newCookie(r, cookieName(r), token, age)
}

// newCookie is one that no script sees. age in seconds; 0: until the browser is
// closed, negative: it is removed.
func newCookie(r *http.Request, name, value string, age int) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // G124: Secure follows the scheme; plain http on loopback could keep no other
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: isSecure(r), SameSite: http.SameSiteLaxMode,
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

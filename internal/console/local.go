package console

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

// Local is the person who started a service that made its own secrets and listens on
// loopback alone. Where a connection comes from proves nothing: a proxy on the machine
// connects from loopback for everybody, and so does every other user of the machine. So
// they prove themselves by a key, which stands in the address that the service prints
// at its start, once; a cookie follows from it.
type Local struct {
	UserID    aigen.ID
	ProjectID aigen.ID
	Secret    []byte // of this installation; key, cookies and form tokens are made from it
}

const (
	keyParameter  = "key"
	localPrefix   = "local." // no JWT begins like that
	localLifetime = 30 * 24 * time.Hour
)

func (l *Local) mac(text string) []byte {
	m := hmac.New(sha256.New, l.Secret)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// Key is the same for as long as the secret is, so that a bookmark goes on to work.
func (l *Local) Key() string {
	return base64.RawURLEncoding.EncodeToString(l.mac("aigen console key 1"))
}

// LocalAddress is the address that lets the holder in.
func LocalAddress(base string, l *Local) string {
	return strings.TrimSuffix(base, "/") + studioPath + "?" + keyParameter + "=" + l.Key()
}

func (l *Local) hasKey(key string) bool {
	return l != nil && hmac.Equal([]byte(key), []byte(l.Key()))
}

// cookie is what the browser keeps in place of the key: it ends, and cannot be turned
// back into one.
func (l *Local) cookie(ends time.Time) string {
	end := strconv.FormatInt(ends.Unix(), 10)
	return localPrefix + end + "." + base64.RawURLEncoding.EncodeToString(l.mac("aigen console cookie 1 "+end))
}

// session is that of a cookie which was made here.
func (l *Local) session(cookie string, now time.Time) (session, error) {
	if l == nil {
		return session{}, &signedOutError{why: "invalid"}
	}
	end, _, _ := strings.Cut(strings.TrimPrefix(cookie, localPrefix), ".")
	seconds, err := strconv.ParseInt(end, 10, 64)
	ends := time.Unix(seconds, 0)
	switch {
	case err != nil || !hmac.Equal([]byte(cookie), []byte(l.cookie(ends))):
		return session{}, &signedOutError{why: "invalid"}
	case !now.Before(ends):
		return session{}, &signedOutError{why: whyExpired}
	}
	return session{
		Identity: web.Identity{UserID: l.UserID, Roles: []string{web.RoleOperator}, ExpiresAt: ends}, Local: true, secret: l.Secret,
	}, nil
}

// enter exchanges the key of an address for a cookie, and leads away from that address
// at once. It reports whether it has answered.
func (k *Console) enter(w http.ResponseWriter, r *http.Request) bool {
	query := r.URL.Query()
	if r.URL.Path != studioPath || !query.Has(keyParameter) {
		return false
	}
	key := query.Get(keyParameter)
	query.Del(keyParameter)
	to := url.URL{Path: studioPath, RawQuery: query.Encode()}
	w.Header().Set("Referrer-Policy", "no-referrer")
	if !k.c.Local.hasKey(key) {
		redirect(w, r, signInPath+"?"+url.Values{"why": {"key"}, "next": {to.String()}}.Encode())
		return true
	}
	k.letIn(w, r)
	redirect(w, r, to.String())
	return true
}

func (k *Console) letIn(w http.ResponseWriter, r *http.Request) {
	ends := k.c.Now().Add(localLifetime)
	http.SetCookie(w, k.sessionCookie(r, k.c.Local.cookie(ends), ends))
}

// keyOf finds the key in what a person has pasted: the whole address, or the key alone.
func keyOf(pasted string) string {
	if u, err := url.Parse(pasted); err == nil && u.Query().Has(keyParameter) {
		return u.Query().Get(keyParameter)
	}
	return pasted
}

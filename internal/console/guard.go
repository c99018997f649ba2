package console

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/creativeflow/aigen"
)

// contentPolicy: nothing inline, nothing from elsewhere but pictures, which engines
// keep where they like. In a page, no text can become code.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; manifest-src 'self'; " +
	"img-src 'self' https: http: data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// secure sets what every answer of the console bears, in place of what the API's has.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	// With no-referrer browsers would send "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store") // prompts and pictures are the person's own
}

// origins tells requests of our own pages from those of others.
type origins struct {
	own    *http.CrossOriginProtection
	portal *http.CrossOriginProtection
}

// newOrigins takes the service's own public address for its own origin: behind a proxy
// that passes on another Host, nothing in a request over plain http says what it is.
func newOrigins(publicBase string, portals []string) (origins, error) {
	o := origins{own: http.NewCrossOriginProtection(), portal: http.NewCrossOriginProtection()}
	if own := originOf(publicBase); own != "" {
		if err := errors.Join(o.own.AddTrustedOrigin(own), o.portal.AddTrustedOrigin(own)); err != nil {
			return o, fmt.Errorf("own address: %w", err)
		}
	}
	for _, p := range portals {
		if p == "*" {
			continue // anybody may call the API with a token; nobody may sign a person in unasked
		}
		if err := o.portal.AddTrustedOrigin(p); err != nil {
			return o, fmt.Errorf("portal: %w", err)
		}
	}
	return o, nil
}

// originOf is the origin of a base URL, "" if there is none.
func originOf(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

func (o origins) check(r *http.Request, portal bool) error {
	which := o.own
	if portal {
		which = o.portal
	}
	if err := which.Check(r); err != nil {
		err = fmt.Errorf("%w: from %.200q; if that is the address of this service, set PUBLIC_BASE_URL to it", err, r.Header.Get("Origin"))
		return &fault{code: codeForeignForm, cause: err}
	}
	return nil
}

// The token of a form proves that the page it came from was made for this session.
// It is a MAC with the session's secret, so every replica knows it and a restart
// forgets nothing. Each page has another spelling of it: compressed pages would else
// give it away to who can make them and see their length (BREACH).
const (
	formField  = "csrf"
	formHeader = "X-Csrf-Token"
	macSize    = sha256.Size
)

func (s session) mac() []byte {
	m := hmac.New(sha256.New, s.secret)
	m.Write([]byte("aigen console form 1"))
	return m.Sum(nil)
}

// FormToken is a spelling of the session's token: random bytes, and their XOR with it.
func (s session) FormToken() string {
	if len(s.secret) == 0 {
		return ""
	}
	b := make([]byte, 2*macSize)
	_, _ = rand.Read(b[:macSize]) // never fails
	subtle.XORBytes(b[macSize:], b[:macSize], s.mac())
	return base64.RawURLEncoding.EncodeToString(b)
}

func (s session) goodToken(text string) bool {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) != 2*macSize || len(s.secret) == 0 {
		return false
	}
	mac := make([]byte, macSize)
	subtle.XORBytes(mac, b[:macSize], b[macSize:])
	return hmac.Equal(mac, s.mac())
}

// maxForm bounds a form: the longest prompt and style, each character four bytes,
// each of them written as %XX.
const maxForm = 3*4*(aigen.MaxPromptLength+aigen.MaxStyleLength) + 16<<10

// checkForm reads the form and checks its token.
func (s session) checkForm(w http.ResponseWriter, r *http.Request) error {
	if err := readForm(w, r); err != nil {
		return err
	}
	text := r.Header.Get(formHeader)
	if text == "" {
		text = r.PostFormValue(formField)
	}
	if !s.goodToken(text) {
		return &fault{code: codeStaleForm}
	}
	return nil
}

func readForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &fault{code: codeBadForm, cause: err}
	}
	return nil
}

// limit counts a request against the user's rate, as the API does.
func (k *Console) limit(ctx context.Context, user aigen.ID) error {
	if k.c.Limiter == nil {
		return nil
	}
	if d := k.c.Limiter.Allow(ctx, user); !d.OK {
		return &fault{code: aigen.CodeRateLimited, wait: d.Reset}
	}
	return nil
}

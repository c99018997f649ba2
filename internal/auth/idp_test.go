package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

// idp is an issuer that serves a JWKS and counts how often it is asked.
type idp struct {
	*httptest.Server
	fetches atomic.Int32

	mu   sync.Mutex
	keys []map[string]any
	fail bool
	hold chan struct{} // while not nil and open, requests wait
}

func newIDP(t testing.TB, keys ...map[string]any) *idp {
	t.Helper()
	p := &idp{keys: keys}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.fetches.Add(1)
	p.mu.Lock()
	keys, fail, hold := p.keys, p.fail, p.hold
	p.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
		}
	}
	if fail {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys}) //nolint:errchkjson // made of strings
}

func (p *idp) publish(keys ...map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

func (p *idp) down(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fail = down
}

// block makes requests wait until the returned func is called.
func (p *idp) block() (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	hold := make(chan struct{})
	p.hold = hold
	return sync.OnceFunc(func() { close(hold) })
}

// jwk writes a public key as RFC 7517 and 8037 have it. Changes are a name and
// a value each.
func jwk(kid string, key crypto.PublicKey, changes ...any) map[string]any {
	b64 := base64.RawURLEncoding.EncodeToString
	out := map[string]any{"kid": kid}
	switch key := key.(type) {
	case *rsa.PublicKey:
		out["kty"], out["n"], out["e"] = "RSA", b64(key.N.Bytes()), b64(big.NewInt(int64(key.E)).Bytes())
	case *ecdsa.PublicKey:
		point := must(key.Bytes())[1:]
		half := len(point) / 2
		out["kty"], out["crv"], out["x"], out["y"] = "EC", key.Params().Name, b64(point[:half]), b64(point[half:])
	case ed25519.PublicKey:
		out["kty"], out["crv"], out["x"] = "OKP", "Ed25519", b64(key)
	}
	for i := 0; i < len(changes); i += 2 {
		out[changes[i].(string)] = changes[i+1]
	}
	return out
}

func remote(t testing.TB, p *idp, c *clock) *auth.Verifier {
	t.Helper()
	config := config(c)
	config.JWKSURL = p.URL
	return verifier(t, config)
}

func kid(name string) map[string]any { return map[string]any{"kid": name} }

// accepts and refuses keep the scenarios readable.
func accepts(t *testing.T, v *auth.Verifier, token string) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	require.NoError(t, err)
}

func refuses(t *testing.T, v *auth.Verifier, token string, want error) {
	t.Helper()
	_, err := v.Verify(t.Context(), token)
	require.ErrorIs(t, err, want)
}

package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/auth"
)

const (
	issuer   = "https://id.example"
	audience = "aigen"
	userText = "018f6b1e-7f2a-7c3d-9e4f-5a6b7c8d9e0f"
)

var (
	start  = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	userID = aigen.ID{0x01, 0x8f, 0x6b, 0x1e, 0x7f, 0x2a, 0x7c, 0x3d, 0x9e, 0x4f, 0x5a, 0x6b, 0x7c, 0x8d, 0x9e, 0x0f}
	secret = []byte("a secret of more than thirty-two bytes")

	// Making RSA keys is slow, so the tests share them. They only read them.
	rsaKey, rsaOther, rsaWeak = newRSA(2048), newRSA(2048), newRSA(1024)
	ecKey, ecOther, ecP384    = newEC(elliptic.P256()), newEC(elliptic.P256()), newEC(elliptic.P384())
	edKey, edOther            = newEd(), newEd()
	rsaPEM, ecPEM, edPEM      = publicPEM(rsaKey.Public()), publicPEM(ecKey.Public()), publicPEM(edKey.Public())
	quiet                     = slog.New(slog.DiscardHandler)
	hs256, rs256, es256       = jwt.SigningMethodHS256, jwt.SigningMethodRS256, jwt.SigningMethodES256
	edDSA                     = jwt.SigningMethodEdDSA
)

func newRSA(bits int) *rsa.PrivateKey          { return must(rsa.GenerateKey(rand.Reader, bits)) }
func newEC(c elliptic.Curve) *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(c, rand.Reader)) }
func newEd() ed25519.PrivateKey {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return must(key, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func publicPEM(key any) []byte {
	der := must(x509.MarshalPKIXPublicKey(key))
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// clock is a clock that only the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: start} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// config is a complete configuration but for the key.
func config(c *clock) auth.Config {
	return auth.Config{Issuer: issuer, Audience: audience, Now: c.Now, Logger: quiet}
}

func verifier(t testing.TB, c auth.Config) *auth.Verifier {
	t.Helper()
	v, err := auth.NewVerifier(context.Background(), c)
	require.NoError(t, err)
	t.Cleanup(v.Close)
	return v
}

// claims are good ones; each change is a name and a value, nil takes it out.
func claims(changes ...any) map[string]any {
	all := map[string]any{
		"sub": userText, "iss": issuer, "aud": audience,
		"iat": start.Unix(), "exp": start.Add(time.Hour).Unix(),
	}
	for i := 0; i < len(changes); i += 2 {
		all[changes[i].(string)] = changes[i+1]
		if changes[i+1] == nil {
			delete(all, changes[i].(string))
		}
	}
	return all
}

// token signs whatever header and payload it is given.
func token(t testing.TB, method jwt.SigningMethod, key any, header, payload map[string]any) string {
	t.Helper()
	all := map[string]any{"alg": method.Alg(), "typ": "JWT"}
	for name, value := range header {
		all[name] = value
	}
	text := segment(t, all) + "." + segment(t, payload)
	signature, err := method.Sign(text, key)
	require.NoError(t, err)
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func segment(t testing.TB, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(text)
}

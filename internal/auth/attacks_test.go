package auth_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

func TestVerifyRefusesForgedSignatures(t *testing.T) {
	t.Parallel()
	bySecret := func(c *auth.Config) { c.Secret = secret }
	byRSA := func(c *auth.Config) { c.PublicKeyPEM = rsaPEM }
	byEC := func(c *auth.Config) { c.PublicKeyPEM = ecPEM }
	byEd := func(c *auth.Config) { c.PublicKeyPEM = edPEM }
	good := token(t, hs256, secret, nil, claims())
	goodES := token(t, es256, ecKey, nil, claims())
	// The attacker's own key, sent along in the header.
	own := map[string]any{
		"jwk": map[string]any{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(edOther[32:])},
		"jku": "https://evil.example/keys", "x5u": "https://evil.example/cert", "kid": "../../dev/null",
	}
	for _, tc := range []struct {
		name  string
		set   func(*auth.Config)
		token string
		want  error
	}{
		{"none", bySecret, token(t, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, claims()), auth.ErrAlgorithm},
		{"None with a public key", byRSA, segment(t, map[string]any{"alg": "None"}) + "." + segment(t, claims()) + ".", auth.ErrAlgorithm},
		{"none with a signature", byEd, segment(t, map[string]any{"alg": "none"}) + "." + good[strings.Index(good, ".")+1:], auth.ErrAlgorithm},
		{"no alg", bySecret, segment(t, map[string]any{"typ": "JWT"}) + "." + good[strings.Index(good, ".")+1:], auth.ErrAlgorithm},
		{"alg is a number", bySecret, token(t, hs256, secret, map[string]any{"alg": 256}, claims()), auth.ErrAlgorithm},
		{"alg in lower case", bySecret, token(t, hs256, secret, map[string]any{"alg": "hs256"}, claims()), auth.ErrAlgorithm},
		{"HS512 with the right secret", bySecret, token(t, jwt.SigningMethodHS512, secret, nil, claims()), auth.ErrAlgorithm},
		{"RS256 for a secret", bySecret, token(t, rs256, rsaKey, nil, claims()), auth.ErrAlgorithm},
		{"HS256 with the RSA key's PEM", byRSA, token(t, hs256, rsaPEM, nil, claims()), auth.ErrAlgorithm},
		{"HS256 with the EC key's PEM", byEC, token(t, hs256, ecPEM, nil, claims()), auth.ErrAlgorithm},
		{"HS256 with the Ed25519 key's bytes", byEd, token(t, hs256, []byte(edKey[32:]), nil, claims()), auth.ErrAlgorithm},
		{"HMAC with the PEM, called RS256", byRSA, hmacCalled(t, "RS256", rsaPEM), auth.ErrSignature},
		{"HMAC with the PEM, called ES256", byEC, hmacCalled(t, "ES256", ecPEM), auth.ErrSignature},
		{"HMAC with the key, called EdDSA", byEd, hmacCalled(t, "EdDSA", edKey[32:]), auth.ErrSignature},
		{"PS256 with the right key", byRSA, token(t, jwt.SigningMethodPS256, rsaKey, nil, claims()), auth.ErrAlgorithm},
		{"RS512 with the right key", byRSA, token(t, jwt.SigningMethodRS512, rsaKey, nil, claims()), auth.ErrAlgorithm},
		{"another secret", bySecret, token(t, hs256, []byte("another secret of thirty-two bytes"), nil, claims()), auth.ErrSignature},
		{"an empty secret", bySecret, token(t, hs256, []byte{}, nil, claims()), auth.ErrSignature},
		{"another RSA key", byRSA, token(t, rs256, rsaOther, nil, claims()), auth.ErrSignature},
		{"another EC key", byEC, token(t, es256, ecOther, nil, claims()), auth.ErrSignature},
		{"another Ed25519 key", byEd, token(t, edDSA, edOther, nil, claims()), auth.ErrSignature},
		{"a key in the header", byEd, token(t, edDSA, edOther, own, claims()), auth.ErrSignature},
		// CVE-2022-21449: r = s = 0 was valid for every message.
		{"ES256 of zeros", byEC, withSignature(goodES, make([]byte, 64)), auth.ErrSignature},
		{"no signature", bySecret, good[:strings.LastIndex(good, ".")+1], auth.ErrSignature},
		{"a truncated signature", bySecret, withSignature(good, []byte{1, 2, 3}), auth.ErrSignature},
		{"another payload", bySecret, otherPayload(t, good, claims("roles", "admin")), auth.ErrSignature},
		{"unknown crit", bySecret, token(t, hs256, secret, map[string]any{"crit": []string{"b64"}, "b64": false}, claims()), auth.ErrMalformed},
		{"kid is a number", bySecret, token(t, hs256, secret, map[string]any{"kid": 1}, claims()), auth.ErrMalformed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := config(newClock())
			tc.set(&c)
			v := verifier(t, c)
			for range 2 { // a refusal is not remembered as anything else
				got, err := v.Verify(t.Context(), tc.token)
				require.ErrorIs(t, err, tc.want)
				require.Zero(t, got)
			}
		})
	}
}

func TestVerifyRefusesClaims(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		changes []any
		want    error
	}{
		{"no exp", []any{"exp", nil}, auth.ErrExpired},
		{"exp is now", []any{"exp", start.Unix()}, auth.ErrExpired},
		{"exp has passed", []any{"exp", start.Add(-time.Hour).Unix()}, auth.ErrExpired},
		{"exp is zero", []any{"exp", 0}, auth.ErrExpired},
		{"exp is null", []any{"exp", jsonNull{}}, auth.ErrMalformed},
		{"exp is text", []any{"exp", "4102444800"}, auth.ErrMalformed},
		{"exp is negative", []any{"exp", -1}, auth.ErrMalformed},
		{"exp is beyond time", []any{"exp", 1e300}, auth.ErrMalformed},
		{"exp wraps around", []any{"exp", 9.3e18}, auth.ErrMalformed},
		{"nbf is later", []any{"nbf", start.Add(time.Minute).Unix()}, auth.ErrNotYetValid},
		{"nbf is text", []any{"nbf", "now"}, auth.ErrMalformed},
		{"no issuer", []any{"iss", nil}, auth.ErrIssuer},
		{"another issuer", []any{"iss", "https://evil.example"}, auth.ErrIssuer},
		{"issuer with a slash", []any{"iss", issuer + "/"}, auth.ErrIssuer},
		{"issuer is a list", []any{"iss", []string{issuer}}, auth.ErrIssuer},
		{"no audience", []any{"aud", nil}, auth.ErrAudience},
		{"another audience", []any{"aud", "billing"}, auth.ErrAudience},
		{"other audiences", []any{"aud", []string{"billing", "aigen2"}}, auth.ErrAudience},
		{"audience is an object", []any{"aud", map[string]any{audience: true}}, auth.ErrAudience},
		{"no user", []any{"sub", nil}, auth.ErrUserClaim},
		{"user is a number", []any{"sub", 7}, auth.ErrUserClaim},
		{"user is a name", []any{"sub", "alice"}, auth.ErrUserClaim},
		{"user is a URN", []any{"sub", "urn:uuid:" + userText}, auth.ErrUserClaim},
		{"user in braces", []any{"sub", "{" + userText + "}"}, auth.ErrUserClaim},
		{"user without hyphens", []any{"sub", strings.ReplaceAll(userText, "-", "")}, auth.ErrUserClaim},
		{"user with a space", []any{"sub", userText + " "}, auth.ErrUserClaim},
		{"user is no hex", []any{"sub", "g" + userText[1:]}, auth.ErrUserClaim},
		{"nil user", []any{"sub", "00000000-0000-0000-0000-000000000000"}, auth.ErrUserClaim},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := config(newClock())
			c.Secret = secret
			_, err := verifier(t, c).Verify(t.Context(), token(t, hs256, secret, nil, claims(tc.changes...)))
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func TestVerifyRefusesWhatIsNoToken(t *testing.T) {
	t.Parallel()
	c := config(newClock())
	c.Secret = secret
	v := verifier(t, c)
	good := token(t, hs256, secret, nil, claims())
	long := token(t, hs256, secret, nil, claims("x", strings.Repeat("x", auth.MaxTokenBytes)))
	// The last character of a 32-byte signature has two bits that mean nothing.
	respelled := good[:len(good)-1] + string(good[len(good)-1]+1)
	for name, text := range map[string]string{
		"empty": "", "words": "not a token", "dots": "..", "two parts": "a.b", "five parts (JWE)": "a.b.c.d.e",
		"payload is no JSON": "e30.eA." + good[strings.LastIndex(good, ".")+1:], "space before": " " + good, "line after": good + "\n",
		"padding": good + "=", "too long": long, "another spelling": respelled, "Bearer": "Bearer " + good,
	} {
		_, err := v.Verify(t.Context(), text)
		require.ErrorIs(t, err, auth.ErrMalformed, name)
	}
	_, err := v.Verify(t.Context(), good)
	require.NoError(t, err)
}

func TestLeewayAndCacheHonourExp(t *testing.T) {
	t.Parallel()
	at := newClock()
	c := config(at)
	c.Secret, c.Leeway = secret, 30*time.Second
	v := verifier(t, c)
	text := token(t, hs256, secret, nil, claims("exp", start.Add(time.Minute).Unix(), "nbf", start.Add(30*time.Second).Unix()))
	for _, step := range []struct {
		wait time.Duration
		want error
	}{{0, nil}, {89 * time.Second, nil}, {time.Second, auth.ErrExpired}, {time.Hour, auth.ErrExpired}} {
		at.Advance(step.wait)
		_, err := v.Verify(t.Context(), text)
		require.ErrorIs(t, err, step.want)
	}
}

type jsonNull struct{}

func (jsonNull) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// hmacCalled signs with HMAC under another algorithm's name.
func hmacCalled(t *testing.T, alg string, key []byte) string {
	t.Helper()
	text := segment(t, map[string]any{"alg": alg}) + "." + segment(t, claims())
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return text + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func withSignature(token string, signature []byte) string {
	return token[:strings.LastIndex(token, ".")+1] + base64.RawURLEncoding.EncodeToString(signature)
}

func otherPayload(t *testing.T, token string, payload any) string {
	t.Helper()
	parts := strings.Split(token, ".")
	return parts[0] + "." + segment(t, payload) + "." + parts[2]
}

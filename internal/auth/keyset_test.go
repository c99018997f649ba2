package auth_test

import (
	"encoding/base64"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

func TestJWKSKeysAndAlgorithms(t *testing.T) {
	t.Parallel()
	oct := map[string]any{"kty": "oct", "kid": "oct", "k": base64.RawURLEncoding.EncodeToString(secret)}
	v := remote(t, newIDP(t,
		jwk("rsa", rsaKey.Public(), "alg", "RS256", "use", "sig", "key_ops", []string{"verify"}),
		jwk("ec", ecKey.Public()), jwk("ed", edKey.Public(), "alg", "EdDSA"),
		jwk("odd cert", ecKey.Public(), "x5c", []string{"no certificate"}, "x5u", "http://evil.example", "x5t", "x"),
		// None of the following checks any token, nor spoils the others.
		oct, jwk("enc", rsaKey.Public(), "use", "enc"), jwk("ops", rsaKey.Public(), "key_ops", []string{"encrypt"}),
		jwk("RS512", rsaKey.Public(), "alg", "RS512"), jwk("weak", rsaWeak.Public()), jwk("P-384", ecP384.Public()),
		jwk("off curve", ecKey.Public(), "x", "AQ"), jwk("short", edKey.Public(), "x", "AQ"), map[string]any{"kty": 7}, nil,
		// One kid for two types of key, and for two keys.
		jwk("types", rsaKey.Public()), jwk("types", ecKey.Public()),
		jwk("twice", edKey.Public()), jwk("twice", edOther.Public()),
	), newClock())

	for _, tc := range []struct {
		name   string
		method jwt.SigningMethod
		key    any
		kid    string
		want   error
	}{
		{"RSA", rs256, rsaKey, "rsa", nil},
		{"EC", es256, ecKey, "ec", nil},
		{"Ed25519", edDSA, edKey, "ed", nil},
		{"an odd certificate", es256, ecKey, "odd cert", nil},
		{"RSA of two types", rs256, rsaKey, "types", nil},
		{"EC of two types", es256, ecKey, "types", nil},
		{"one of two keys of a type", edDSA, edKey, "twice", nil},
		{"the other of two keys of a type", edDSA, edOther, "twice", nil},
		{"neither of two keys of a type", edDSA, newEd(), "twice", auth.ErrSignature},
		{"another key", rs256, rsaOther, "rsa", auth.ErrSignature},
		{"the right key under another's kid", es256, ecKey, "ed", auth.ErrAlgorithm},
		{"unknown kid", es256, ecKey, "nobody", auth.ErrUnknownKey},
		{"no kid where several could be meant", edDSA, edKey, "", nil},
		{"PS256", jwt.SigningMethodPS256, rsaKey, "rsa", auth.ErrAlgorithm},
		{"RS512", jwt.SigningMethodRS512, rsaKey, "rsa", auth.ErrAlgorithm},
		{"RS512 with a key for it", jwt.SigningMethodRS512, rsaKey, "RS512", auth.ErrAlgorithm},
		{"RS256 with a key for RS512", rs256, rsaKey, "RS512", auth.ErrAlgorithm},
		{"ES384", jwt.SigningMethodES384, ecP384, "P-384", auth.ErrAlgorithm},
		{"HS256 with the published secret", hs256, secret, "oct", auth.ErrAlgorithm},
		{"HS256 with the RSA key's PEM", hs256, rsaPEM, "rsa", auth.ErrAlgorithm},
		{"none", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "rsa", auth.ErrAlgorithm},
		{"a key for encryption", rs256, rsaKey, "enc", auth.ErrAlgorithm},
		{"a key with other operations", rs256, rsaKey, "ops", auth.ErrAlgorithm},
		{"a short RSA key", rs256, rsaWeak, "weak", auth.ErrAlgorithm},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var header map[string]any
			if tc.kid != "" {
				header = kid(tc.kid)
			}
			_, err := v.Verify(t.Context(), token(t, tc.method, tc.key, header, claims()))
			require.ErrorIs(t, err, tc.want)
		})
	}
}

func TestJWKSTokenWithoutKid(t *testing.T) {
	t.Parallel()
	v := remote(t, newIDP(t, jwk("rsa", rsaKey.Public()), jwk("rsa2", rsaOther.Public()), jwk("ec", ecKey.Public())), newClock())
	accepts(t, v, token(t, rs256, rsaKey, nil, claims()))
	accepts(t, v, token(t, rs256, rsaOther, nil, claims()))
	accepts(t, v, token(t, es256, ecKey, nil, claims()))
	refuses(t, v, token(t, es256, ecOther, nil, claims()), auth.ErrSignature)
	refuses(t, v, token(t, edDSA, edKey, nil, claims()), auth.ErrUnknownKey)
}

// An issuer that names none of its keys may name them in its tokens all the same. Where
// some have names, a name that is not known is a new key's.
func TestJWKSKeysWithoutKid(t *testing.T) {
	t.Parallel()
	v := remote(t, newIDP(t, jwk("", rsaKey.Public()), jwk("", ecKey.Public())), newClock())
	accepts(t, v, token(t, rs256, rsaKey, kid("k1"), claims()))
	accepts(t, v, token(t, es256, ecKey, nil, claims()))
	refuses(t, v, token(t, rs256, rsaOther, kid("k1"), claims()), auth.ErrSignature)
	refuses(t, v, token(t, edDSA, edKey, kid("k1"), claims()), auth.ErrAlgorithm)

	mixed := remote(t, newIDP(t, jwk("", rsaKey.Public()), jwk("ec", ecKey.Public())), newClock())
	refuses(t, mixed, token(t, rs256, rsaKey, kid("k1"), claims()), auth.ErrUnknownKey)

	many := make([]map[string]any, 9)
	for i := range many {
		many[i] = jwk("", edOther.Public())
	}
	refuses(t, remote(t, newIDP(t, many...), newClock()), token(t, edDSA, edOther, nil, claims()), auth.ErrUnknownKey)
}

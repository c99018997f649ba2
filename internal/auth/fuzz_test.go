package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

// FuzzVerify looks for a panic, and for any text that is accepted though it is
// not one of the tokens that were signed. One verifier for each kind of key
// reads the same text.
func FuzzVerify(f *testing.F) {
	at := newClock()
	sets := []func(*auth.Config){
		func(c *auth.Config) { c.Secret = secret },
		func(c *auth.Config) { c.PublicKeyPEM = rsaPEM },
		func(c *auth.Config) { c.PublicKeyPEM = ecPEM },
		func(c *auth.Config) { c.PublicKeyPEM = edPEM },
		func(c *auth.Config) { c.JWKSURL = newIDP(f, jwk("a", edKey.Public()), jwk("b", rsaKey.Public())).URL },
	}
	var all []*auth.Verifier
	for _, set := range sets {
		c := config(at)
		set(&c)
		all = append(all, verifier(f, c))
	}
	signed := map[string]bool{}
	for _, text := range []string{
		token(f, hs256, secret, nil, claims("roles", "a b")), token(f, rs256, rsaKey, kid("b"), claims()),
		token(f, es256, ecKey, nil, claims()), token(f, edDSA, edKey, kid("a"), claims()),
	} {
		signed[text] = true
		f.Add(text)
	}
	f.Add(token(f, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, claims()))
	f.Add(token(f, hs256, rsaPEM, nil, claims()))
	f.Add("null.null.")
	f.Add("bnVsbA.bnVsbA.AA")
	f.Add(strings.Repeat(".", 100))
	f.Fuzz(func(t *testing.T, text string) {
		for _, v := range all {
			id, err := v.Verify(context.Background(), text)
			if err == nil {
				require.True(t, signed[text], "accepted %q", text)
				require.Equal(t, userID, id.UserID)
				continue
			}
			require.Zero(t, id)
		}
	})
}

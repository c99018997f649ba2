package auth_test

import (
	"context"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/creativeflow/aigen/internal/auth"
)

// BenchmarkVerify compares a token that was seen before with one that was not:
// the same token checked by hand-emptied caches (see Forget).
func BenchmarkVerify(b *testing.B) {
	for _, tc := range []struct {
		name   string
		set    func(*auth.Config)
		method jwt.SigningMethod
		key    any
	}{
		{"HS256", func(c *auth.Config) { c.Secret = secret }, hs256, secret},
		{"RS256", func(c *auth.Config) { c.PublicKeyPEM = rsaPEM }, rs256, rsaKey},
		{"ES256", func(c *auth.Config) { c.PublicKeyPEM = ecPEM }, es256, ecKey},
		{"EdDSA", func(c *auth.Config) { c.PublicKeyPEM = edPEM }, edDSA, edKey},
		{"JWKS-RS256", func(c *auth.Config) { c.JWKSURL = newIDP(b, jwk("a", rsaKey.Public())).URL }, rs256, rsaKey},
	} {
		c := config(newClock())
		tc.set(&c)
		v := verifier(b, c)
		text := token(b, tc.method, tc.key, kid("a"), claims())
		for name, forget := range map[string]bool{"cached": false, "uncached": true} {
			b.Run(tc.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if forget {
						v.Forget()
					}
					if _, err := v.Verify(context.Background(), text); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkVerifyParallel(b *testing.B) {
	c := config(newClock())
	c.PublicKeyPEM, c.Now = rsaPEM, nil
	c.Issuer, c.Audience = "", ""
	v := verifier(b, c)
	text := token(b, rs256, rsaKey, nil, claims("exp", 4102444800))
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := v.Verify(context.Background(), text); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

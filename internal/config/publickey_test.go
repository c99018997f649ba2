package config_test

import (
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func publicPEM(t *testing.T, key crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// rsaKey is no key at all, but one of that many bits as far as PEM can tell.
func rsaKey(bits uint) *rsa.PublicKey {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return &rsa.PublicKey{N: n.Add(n, big.NewInt(1)), E: 65537}
}

func TestPublicKeys(t *testing.T) {
	t.Parallel()
	ed, edPrivate, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(edPrivate)
	require.NoError(t, err)
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))

	tests := map[string]struct{ text, fault string }{
		"Ed25519":       {publicPEM(t, ed), ""},
		"P-256":         {publicPEM(t, &p256.PublicKey), ""},
		"RSA 2048":      {publicPEM(t, rsaKey(2048)), ""},
		"RSA 1024":      {publicPEM(t, rsaKey(1024)), "1024 bits"},
		"P-384":         {publicPEM(t, &p384.PublicKey), "use P-256"},
		"X25519":        {publicPEM(t, x25519.PublicKey()), "another kind"},
		"a private key": {private, "is a private key"},
		"two keys":      {publicPEM(t, ed) + publicPEM(t, ed), "not one PEM block"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			escaped := strings.ReplaceAll(strings.TrimSpace(tt.text), "\n", `\n`)
			for how, f := range map[string]files{
				"file": {".env": "JWT_PUBLIC_KEY_FILE=/k", "/k": tt.text}, "escaped": {".env": "JWT_PUBLIC_KEY=" + escaped},
				"quoted": {".env": `JWT_PUBLIC_KEY="` + escaped + `"`}, "lines": {".env": `JWT_PUBLIC_KEY="` + tt.text + `"`},
			} {
				c, err := load(f)
				if tt.fault != "" {
					require.ErrorContains(t, err, tt.fault, how)
					assert.NotContains(t, err.Error(), strings.Split(tt.text, "\n")[1])
					continue
				}
				require.NoError(t, err, how)
				assert.Equal(t, strings.TrimSpace(tt.text), strings.TrimSpace(c.Auth.PublicKey), how)
				assert.Equal(t, escaped, settingOf(t, c, "JWT_PUBLIC_KEY").Value)
			}
		})
	}
}

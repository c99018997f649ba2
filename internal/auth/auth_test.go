package auth_test

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/web"
)

func TestVerifyAcceptsEachKindOfKey(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		set    func(*auth.Config)
		method jwt.SigningMethod
		key    any
	}{
		{"secret", func(c *auth.Config) { c.Secret = secret }, hs256, secret},
		{"RSA", func(c *auth.Config) { c.PublicKeyPEM = rsaPEM }, rs256, rsaKey},
		{"EC", func(c *auth.Config) { c.PublicKeyPEM = ecPEM }, es256, ecKey},
		{"Ed25519", func(c *auth.Config) { c.PublicKeyPEM = edPEM }, edDSA, edKey},
		{"PKCS1", func(c *auth.Config) {
			c.PublicKeyPEM = pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&rsaKey.PublicKey)})
		}, rs256, rsaKey},
		{"PEM in one line", func(c *auth.Config) {
			c.PublicKeyPEM = []byte(strings.ReplaceAll(string(ecPEM), "\n", `\n`))
		}, es256, ecKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := config(newClock())
			tc.set(&c)
			v := verifier(t, c)
			text := token(t, tc.method, tc.key, nil, claims("roles", []string{"admin", "user"}))
			want := web.Identity{UserID: userID, Roles: []string{"admin", "user"}, ExpiresAt: start.Add(time.Hour)}
			for range 2 { // the second answer comes from the cache
				got, err := v.Verify(t.Context(), text)
				require.NoError(t, err)
				require.Equal(t, want, got)
				got.Roles[0] = "changed by a caller"
			}
		})
	}
}

func TestNewVerifierNamesWhatToChange(t *testing.T) {
	t.Parallel()
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(edKey))})
	for _, tc := range []struct {
		name string
		c    auth.Config
		want string
	}{
		{"no key", auth.Config{}, "set JWT_SECRET, JWT_PUBLIC_KEY or JWT_JWKS_URL"},
		{"two keys", auth.Config{Secret: secret, PublicKeyPEM: rsaPEM}, "keep only one"},
		{"three keys", auth.Config{Secret: secret, PublicKeyPEM: rsaPEM, JWKSURL: "https://id.example"}, "keep only one"},
		{"short secret", auth.Config{Secret: secret[:31]}, "JWT_SECRET has 31 bytes: use at least 32"},
		{"PEM as secret", auth.Config{Secret: rsaPEM}, "put a public key into JWT_PUBLIC_KEY"},
		{"no PEM", auth.Config{PublicKeyPEM: []byte("ssh-rsa AAAA")}, "no PEM block"},
		{"private key", auth.Config{PublicKeyPEM: private}, "holds a private key"},
		{"two PEM blocks", auth.Config{PublicKeyPEM: append(append([]byte{}, rsaPEM...), ecPEM...)}, "more than one PEM block"},
		{"broken PEM", auth.Config{PublicKeyPEM: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})}, "cannot be read"},
		{"other PEM", auth.Config{PublicKeyPEM: pem.EncodeToMemory(&pem.Block{Type: "X509 CRL"})}, "put a PUBLIC KEY here"},
		{"weak RSA", auth.Config{PublicKeyPEM: publicPEM(rsaWeak.Public())}, "has 1024 bits"},
		{"P-384", auth.Config{PublicKeyPEM: publicPEM(ecP384.Public())}, "use P-256"},
		{"file URL", auth.Config{JWKSURL: "file:///etc/passwd"}, "JWT_JWKS_URL is not an address"},
		{"URL with password", auth.Config{JWKSURL: "https://u:hunter2@id.example"}, "take them out"},
		{"leeway", auth.Config{Secret: secret, Leeway: time.Hour}, "leeway"},
		{"negative leeway", auth.Config{Secret: secret, Leeway: -1}, "leeway"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := auth.NewVerifier(context.Background(), tc.c)
			require.ErrorContains(t, err, tc.want)
			require.NotContains(t, err.Error(), string(secret[:31]))
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestVerifyReadsRolesAndUser(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		claim   string
		changes []any
		want    []string
	}{
		{"none", "", nil, nil},
		{"a text is one role, as it stands", "", []any{"roles", "x operator"}, []string{"x operator"}},
		{"role", "", []any{"role", "admin"}, []string{"admin"}},
		{"roles win over role", "", []any{"roles", []string{"a"}, "role", "admin"}, []string{"a"}},
		{"what is no text grants nothing", "", []any{"roles", []any{1, nil, "", "a", map[string]any{"admin": true}}}, []string{"a"}},
		{"an object grants nothing", "", []any{"roles", map[string]any{"admin": true}}, nil},
		{"upper case", "", []any{"sub", strings.ToUpper(userText)}, nil},
		{"another claim", "https://id.example/uid", []any{"sub", "someone", "https://id.example/uid", userText}, nil},
		{"one of several audiences", "", []any{"aud", []string{"x", audience}}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := config(newClock())
			c.Secret, c.UserClaim = secret, tc.claim
			got, err := verifier(t, c).Verify(t.Context(), token(t, hs256, secret, nil, claims(tc.changes...)))
			require.NoError(t, err)
			require.Equal(t, userID, got.UserID)
			require.Equal(t, tc.want, got.Roles)
		})
	}
}

// Who may write their own text into a claim must not make an operator of themselves by
// it: another claim can be named, another value, and nothing but that value counts.
func TestTheOperatorsClaimAndValue(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		claim, value string
		changes      []any
		operator     bool
	}{
		{"", "", []any{"role", "operator"}, true},
		{"", "", []any{"roles", []string{"user", "operator"}}, true},
		{"", "", []any{"role", "x operator"}, false},
		{"", "", []any{"role", "operator "}, false},
		{"", "", []any{"role", "x\toperator"}, false},
		{"", "", []any{"role", "x\u00a0operator"}, false},
		{"", "", []any{"role", "Operator"}, false},
		{"", "", []any{"roles", []any{"x operator", []string{"operator"}}}, false},
		{"https://id.example/groups", "", []any{"role", "operator", "roles", []string{"operator"}}, false},
		{"https://id.example/groups", "", []any{"https://id.example/groups", []string{"operator"}}, true},
		{"", "aigen-operators", []any{"roles", []string{"operator"}}, false},
		{"", "aigen-operators", []any{"roles", []string{"aigen-operators"}}, true},
		{"groups", "aigen operators", []any{"groups", "aigen operators"}, true},
	} {
		c := config(newClock())
		c.Secret, c.RoleClaim, c.Operator = secret, tc.claim, tc.value
		got, err := verifier(t, c).Verify(t.Context(), token(t, hs256, secret, nil, claims(tc.changes...)))
		require.NoError(t, err)
		require.Equal(t, tc.operator, slices.Contains(got.Roles, web.RoleOperator), "%+v", tc)
	}
}

func TestAServiceProvesThatItHasTheSecret(t *testing.T) {
	t.Parallel()
	proof := auth.Proof(secret, "challenge", "8000")
	require.True(t, auth.CheckProof(secret, "challenge", "8000", proof))
	require.False(t, auth.CheckProof(secret, "another", "8000", proof), "a proof that was seen before")
	require.False(t, auth.CheckProof(secret, "challenge", "8001", proof), "one that was passed on from another port")
	require.False(t, auth.CheckProof([]byte("another secret of thirty-two bytes!"), "challenge", "8000", proof))
	require.False(t, auth.CheckProof(secret, "challenge", "8000", ""))
}

func TestMint(t *testing.T) {
	t.Parallel()
	good := auth.Claims{
		UserID: userID, UserClaim: "uid", Roles: []string{"admin"}, Issuer: issuer, Audience: audience,
		IssuedAt: start, ExpiresAt: start.Add(time.Minute),
	}
	text, err := auth.Mint(secret, good)
	require.NoError(t, err)
	for _, claim := range []string{"uid", "sub"} {
		c := config(newClock())
		c.Secret, c.UserClaim = secret, claim
		got, err := verifier(t, c).Verify(t.Context(), text)
		require.NoError(t, err)
		require.Equal(t, web.Identity{UserID: userID, Roles: []string{"admin"}, ExpiresAt: start.Add(time.Minute)}, got)
	}

	_, err = auth.Mint(secret[:10], good)
	require.ErrorContains(t, err, "JWT_SECRET")
	for _, spoil := range []func(*auth.Claims){
		func(c *auth.Claims) { c.UserID = [16]byte{} },
		func(c *auth.Claims) { c.ExpiresAt = start },
		func(c *auth.Claims) { c.ExpiresAt = time.Time{} },
		func(c *auth.Claims) { c.IssuedAt = time.Time{} },
	} {
		bad := good
		spoil(&bad)
		_, err := auth.Mint(secret, bad)
		require.Error(t, err)
	}
}

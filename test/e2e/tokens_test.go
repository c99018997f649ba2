package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// call asks for the credits with a token, and returns the status.
func call(t *testing.T, base, token string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"/api/v1/credits", http.NoBody)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode
}

// Clocks may differ by JWT_LEEWAY. The times are far enough from the bounds for a
// machine that is slow.
func TestLeeway(t *testing.T) {
	t.Parallel()
	const secret = "a secret of tokens that is long enough"
	sign := func(notBefore, expires time.Duration) string {
		now := time.Now()
		text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
			"sub": uuid.NewString(), "nbf": now.Add(notBefore).Unix(), "exp": now.Add(expires).Unix(),
		}).SignedString([]byte(secret))
		require.NoError(t, err)
		return text
	}
	for leeway, want := range map[string][3]int{"": {200, 401, 401}, "5m": {200, 200, 200}, "0": {0, 401, 401}} {
		p := testprogram.Start(t, t.TempDir(), map[string]string{"JWT_SECRET": secret, "JWT_LEEWAY": leeway})
		if want[0] != 0 {
			require.Equal(t, want[0], call(t, p.URL, sign(20*time.Second, time.Hour)), "%s: an issuer that is a little ahead", leeway)
		}
		require.Equal(t, want[1], call(t, p.URL, sign(4*time.Minute, time.Hour)), "%s: far ahead", leeway)
		require.Equal(t, want[2], call(t, p.URL, sign(-time.Hour, -time.Minute)), "%s: expired a minute ago", leeway)
	}
}

// Without the keys of JWT_JWKS_URL no token is of use: /readyz says so, stays ready for
// callbacks, and says when they are back.
func TestReadyNamesTheKeys(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !up.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	}))
	t.Cleanup(keys.Close)
	p := testprogram.Start(t, t.TempDir(), map[string]string{"JWT_SECRET": "", "JWT_JWKS_URL": keys.URL})
	says := func(state string) func() bool {
		return func() bool {
			res, err := http.Get(p.URL + "/readyz")
			require.NoError(t, err)
			defer res.Body.Close()
			require.Equal(t, http.StatusOK, res.StatusCode, "ready for callbacks")
			var answer struct {
				Dependencies []struct{ Name, State, Detail string }
			}
			require.NoError(t, json.NewDecoder(res.Body).Decode(&answer))
			for _, d := range answer.Dependencies {
				if d.Name == "tokens" {
					return d.State == state
				}
			}
			require.Fail(t, "no line for the keys")
			return false
		}
	}
	testprogram.Eventually(t, "the keys are missed", says("degraded"))
	up.Store(true)
	testprogram.Eventually(t, "the keys are there, though nobody calls", says("ok"))
}

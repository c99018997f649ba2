package auth_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

// answering serves one body, whatever is asked.
func answering(t *testing.T, body []byte) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	t.Cleanup(s.Close)
	return s.URL
}

func TestCheckKeys(t *testing.T) {
	t.Parallel()
	set := must(json.Marshal(map[string]any{"keys": []any{jwk("a", edKey.Public()), jwk("b", rsaWeak.Public())}}))
	weak := must(json.Marshal(map[string]any{"keys": []any{jwk("b", rsaWeak.Public())}}))
	for name, tc := range map[string]struct{ body, says string }{
		"a set":                   {string(set), ""},
		"a byte order mark":       {"\xef\xbb\xbf" + string(set), ""},
		"the discovery document":  {`{"issuer":"x","jwks_uri":"https://id.example/keys"}`, `set JWT_JWKS_URL to its jwks_uri, "https://id.example/keys"`},
		"a single key":            {string(must(json.Marshal(jwk("a", edKey.Public())))), "is a single key"},
		"another document":        {`{}`, `has no "keys"`},
		"a page":                  {`<html>`, "no JWK Set"},
		"no key that can be used": {string(weak), "1024 bits"},
		"no key at all":           {`{"keys":[]}`, "holds no key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, err := auth.CheckKeys(t.Context(), auth.Config{JWKSURL: answering(t, []byte(tc.body)), Now: time.Now})
			if tc.says == "" {
				require.NoError(t, err)
				require.Equal(t, 1, n)
				return
			}
			require.ErrorContains(t, err, tc.says)
		})
	}
	_, err := auth.CheckKeys(t.Context(), auth.Config{JWKSURL: "http://u:hunter2@127.0.0.1:1/", Now: time.Now})
	require.ErrorContains(t, err, "holds a user name or password")
	require.NotContains(t, err.Error(), "hunter2")
}

func TestKeyState(t *testing.T) {
	t.Parallel()
	p, at := newIDP(t, jwk("a", edKey.Public())), newClock()
	p.down(true)
	v := remote(t, p, at)
	state := func(ok func(auth.KeyState) bool) {
		t.Helper()
		require.Eventually(t, func() bool {
			s, remote := v.Keys()
			return remote && ok(s)
		}, time.Minute, time.Millisecond)
	}
	state(func(s auth.KeyState) bool { return s.Fetched.IsZero() && s.Err != nil })
	p.down(false)
	at.Advance(time.Second) // nobody calls: to ask for the state is enough
	state(func(s auth.KeyState) bool { return !s.Fetched.IsZero() && s.Err == nil })

	p.down(true)
	at.Advance(6 * time.Minute)
	accepts(t, v, token(t, edDSA, edKey, kid("a"), claims()))
	state(func(s auth.KeyState) bool { return !s.Fetched.IsZero() && s.Err != nil })

	static := verifier(t, auth.Config{Secret: secret, Logger: quiet})
	_, isRemote := static.Keys()
	require.False(t, isRemote)
}

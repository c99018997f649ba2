package httpcall_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpcall"
)

// TestWhatIsQuotedIsStruckOut: a server that refuses a call and says what it was sent
// says it without the secrets.
func TestWhatIsQuotedIsStruckOut(t *testing.T) {
	t.Parallel()
	status := http.StatusInternalServerError
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"message": fmt.Sprint(r.Header, r.URL)})
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL)
	require.NoError(t, err)
	u.User = url.UserPassword("user", "pass word+1")
	for name, c := range map[string]httpcall.Config{
		"a key":               {Key: "the-key-of-it", BaseURL: u.String()},
		"a password":          {BaseURL: u.String()},
		"a token of the path": {BaseURL: u.String(), Secrets: []string{"tok en/1"}},
	} {
		caller, err := httpcall.New(c)
		require.NoError(t, err)
		t.Cleanup(caller.Close)
		a, err := caller.Do(t.Context(), httpcall.Request{Method: http.MethodGet, Path: "/x", Query: url.Values{"token": {"tok en/1"}}})
		require.NoError(t, err)
		for _, hidden := range []string{"the-key-of-it", "pass word", "pass+word", "dXNlcjpwYXNz"} {
			assert.NotContains(t, string(a.Body), hidden, name)
		}
		assert.Contains(t, string(a.Body), "[secret]", name)
		assert.Equal(t, c.Secrets == nil, strings.Contains(string(a.Body), "tok+en"), name)
		_, ok := a.JSON()
		assert.True(t, ok, "what is left is the JSON that it was")
	}
	assert.Equal(t, "ab and [secret]", httpcall.Redactor("ab", "secret-1").Replace("ab and secret-1"), "what is short may be any word")
}

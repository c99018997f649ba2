package auth_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
)

// TestJWKSBombs: a key server that has been taken over cannot exhaust us: what is too
// large, packed or not, nested, or endless is no key set. The calls of users fail, as
// those do whose keys cannot be had.
func TestJWKSBombs(t *testing.T) {
	t.Parallel()
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, err := z.Write(bytes.Repeat([]byte(" "), 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	forever := func(encoding string, chunk []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			if encoding != "" {
				w.Header().Set("Content-Encoding", encoding)
			}
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}
	}
	once := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, h := range map[string]http.HandlerFunc{
		"a bomb":              forever("gzip", member.Bytes()),
		"blanks without end":  forever("", bytes.Repeat([]byte(" "), 4096)),
		"nested":              once(strings.Repeat("[", 100_000)),
		"nested in its place": once(`{"keys":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`),
		"a page":              once("<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(h)
			t.Cleanup(server.Close)
			c := newClock()
			config := config(c)
			config.JWKSURL = server.URL
			v := verifier(t, config)
			_, err := v.Verify(t.Context(), token(t, edDSA, edKey, kid("a"), claims()))
			require.ErrorIs(t, err, auth.ErrKeysUnavailable)
		})
	}
}

package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi"
)

// FuzzRequestID: whatever a caller calls its request, what is answered and logged is a
// plain word, and the caller's own if that is one.
func FuzzRequestID(f *testing.F) {
	for _, seed := range []string{"", "trace-1", "a b", "x\r\nSet-Cookie: y", "\x1b[2J", "ä", strings.Repeat("x", 129), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"} {
		f.Add(seed, seed)
	}
	x := setup(f)
	f.Fuzz(func(t *testing.T, id, other string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/nowhere", nil)
		r.Header["X-Request-Id"], r.Header["X-Correlation-Id"] = []string{id}, []string{other}
		got := x.serve(t, r).Header().Get("X-Request-Id")
		if got == "" || len(got) > 128 || strings.ContainsFunc(got, func(r rune) bool { return r > '~' || r <= ' ' || r == '"' || r == '<' || r == '\\' }) {
			t.Fatalf("%q is not sane", got)
		}
		if httpapi.SaneRequestID(id) && got != id {
			t.Fatalf("%q was sane, and became %q", id, got)
		}
	})
}

// FuzzIdempotencyKey: a key is taken as it is or refused; two requests have one hash
// only if they mean the same.
func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"", "k", "a b", "\x00", "ä", strings.Repeat("k", 256), "\"quoted\""} {
		f.Add(seed, `{"a":1}`, `{ "a": 1 }`)
	}
	f.Fuzz(func(t *testing.T, key, one, two string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, base, nil)
		r.Header["Idempotency-Key"] = []string{key}
		first, err := httpapi.RequestKey(r, base, aigen.ID{}, []byte(one))
		second, err2 := httpapi.RequestKey(r, base, aigen.ID{}, []byte(two))
		if err != nil || err2 != nil {
			return
		}
		if first.Key != key || len(key) > aigen.MaxKeyLength || strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }) {
			t.Fatalf("%q was taken as %q", key, first.Key)
		}
		if one == two && first.Hash != second.Hash {
			t.Fatal("one request has two hashes")
		}
	})
}

package auth_test

import (
	"encoding/json"
	"testing"

	"github.com/creativeflow/aigen/internal/auth"
)

// FuzzKeySet reads key sets of any bytes: keys that may not be used are left out, and
// what is left checks with an algorithm that we accept.
func FuzzKeySet(f *testing.F) {
	for _, keys := range [][]any{
		{}, {jwk("a", edKey.Public())}, {jwk("b", rsaKey.Public()), jwk("b", ecKey.Public())}, {jwk("c", ecKey.Public(), "use", "enc")},
		{jwk("d", rsaKey.Public(), "alg", "HS256")}, {map[string]any{"kty": "oct", "k": "AAAA"}}, {jwk("e", rsaKey.Public(), "e", "AQ")},
		{jwk("f", ecKey.Public(), "x", "AA")}, {1, nil, "x"},
	} {
		raw, err := json.Marshal(map[string]any{"keys": keys})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Add([]byte("<html>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, alg := range auth.AlgorithmsOf(body) {
			switch alg {
			case "", "RS256", "ES256", "EdDSA":
			default:
				t.Fatalf("a key for %s", alg)
			}
		}
	})
}

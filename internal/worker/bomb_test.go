package worker_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestImageAPIBombs: an image server that sends more than any picture has, packed into
// little, or never comes to an end, fails the picture and keeps nothing.
func TestImageAPIBombs(t *testing.T) {
	t.Parallel()
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, err := z.Write(bytes.Repeat([]byte(" "), 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	for name, status := range map[string]int{"instead of a picture": http.StatusOK, "instead of an error": http.StatusBadGateway} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setupAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Encoding", "gzip")
				w.WriteHeader(status)
				for {
					if _, err := w.Write(member.Bytes()); err != nil {
						return
					}
				}
			})
			e := a.fault(t)
			require.NotContains(t, e.Error(), a.url)
		})
	}
}

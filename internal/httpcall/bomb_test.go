package httpcall_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpcall"
)

// packed is a megabyte of blanks in a kilobyte. Several of them in a row are one stream
// to a reader, so that a server can go on for ever.
func packed(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	require.NoError(t, err)
	_, err = z.Write(bytes.Repeat([]byte(" "), 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

// TestBombs: an answer that unpacks to more than anybody wants, or has no end, is given
// up at the limit. Not parallel: it watches the memory of the process.
func TestBombs(t *testing.T) { //nolint:paralleltest // see above
	member := packed(t)
	forever := func(header http.Header, chunk []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			for name, values := range header {
				w.Header()[name] = values
			}
			for {
				if _, err := w.Write(chunk); err != nil {
					return // the caller has had enough
				}
			}
		}
	}
	gzipped := http.Header{"Content-Encoding": {"gzip"}, "Content-Type": {"application/json"}}
	for name, h := range map[string]http.HandlerFunc{
		"a bomb":             forever(gzipped, member),
		"a stream of blanks": forever(nil, bytes.Repeat([]byte(" "), 4096)),
		"nested without end": forever(nil, []byte(strings.Repeat("[", 4096))),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := setup(t, httpcall.Config{Timeout: 20 * time.Second, MaxAnswer: 1 << 20}, h)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := post(t.Context(), c)
			runtime.ReadMemStats(&after)
			assert.Equal(t, httpcall.TooLarge, kindOf(t, err))
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(32<<20))
		})
	}
	t.Run("headers without end", func(t *testing.T) {
		c, _ := setup(t, httpcall.Config{Timeout: 20 * time.Second}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Big", strings.Repeat("x", 1<<20))
			_, _ = io.WriteString(w, "{}")
		})
		_, err := post(t.Context(), c)
		assert.Equal(t, httpcall.Unreachable, kindOf(t, err))
	})
	t.Run("what is at the limit is read", func(t *testing.T) {
		c, _ := setup(t, httpcall.Config{Timeout: 20 * time.Second, MaxAnswer: 1 << 20}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(member)
		})
		a, err := post(t.Context(), c)
		require.NoError(t, err)
		assert.Len(t, a.Body, 1<<20)
	})
}

// TestDeepAnswers: an answer within the limit may be nested as deep as it likes; it is
// no JSON to us then, and costs no stack.
func TestDeepAnswers(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 200_000) + "1" + strings.Repeat("}", 200_000)
	_, ok := httpcall.Answer{Body: []byte(deep)}.JSON()
	assert.False(t, ok)
	o, ok := httpcall.Answer{Body: []byte(`{"ok":true,"ok":false}`)}.JSON()
	assert.True(t, ok)
	value, _ := o.Bool("ok")
	assert.False(t, value, "of a key that comes twice the last counts, as everywhere in Go")
}

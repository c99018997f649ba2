package client_test

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/client"
)

// onlyFile asserts that path holds want and that nothing lies beside it.
func onlyFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, want, string(got))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestDownloadTriesAgainFromTheBeginning(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Authorization"), "an asset's host gets no token")
		assert.Equal(t, "/assets/a.png", r.URL.Path)
		w.Header().Set("Content-Length", "7")
		if calls.Add(1) == 1 {
			_, _ = io.WriteString(w, "pic")
			return // cut off
		}
		_, _ = io.WriteString(w, "picture")
	})
	path := filepath.Join(t.TempDir(), "fox.png")
	n, err := c.Download(t.Context(), "/assets/a.png", path, false)
	require.NoError(t, err)
	assert.EqualValues(t, 7, n)
	onlyFile(t, path, "picture")

	_, err = c.Download(t.Context(), c.URL()+"/assets/a.png", path, true)
	require.NoError(t, err)
	onlyFile(t, path, "picture")
}

func TestDownloadLeavesWhatIsThereAlone(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "new") })
	path := filepath.Join(t.TempDir(), "fox.png")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	_, err := c.Download(t.Context(), "/assets/a.png", path, false)
	require.ErrorIs(t, err, fs.ErrExist)
	onlyFile(t, path, "old")
	_, err = c.Download(t.Context(), "/assets/a.png", path, true)
	require.NoError(t, err)
	onlyFile(t, path, "new")
}

func TestDownloadLeavesNoHalfPicture(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"missing": http.NotFound,
		"cut off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "pic")
		},
		"too large, and says so": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", 2000))
		},
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			for range 200 {
				_, _ = io.WriteString(w, strings.Repeat("x", 10))
				flush(w)
			}
		},
		"silent": func(w http.ResponseWriter, r *http.Request) {
			flush(w)
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := setup(t, h, func(c *client.Config) {
				c.MaxDownload, c.IdleTimeout, c.Attempts = 1000, 50*time.Millisecond, 2
			})
			_, err := c.Download(t.Context(), "/assets/a.png", filepath.Join(dir, "fox.png"), false)
			require.Error(t, err)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			assert.Empty(t, entries)
		})
	}
}

func TestOnlyTheWebIsDownloadedFrom(t *testing.T) {
	t.Parallel()
	c := setup(t, http.NotFound)
	for _, u := range []string{"file:///etc/passwd", "etc/passwd", "", "javascript:x", "//evil", "data:image/png;base64,AA", "http:///x"} {
		_, err := c.Download(t.Context(), u, filepath.Join(t.TempDir(), "x"), false)
		require.ErrorContains(t, err, "URL", u)
	}
}

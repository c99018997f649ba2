package client_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/client"
)

// Go takes a token along to another port, and from https to http: it looks at the name
// of the host alone.
func TestATokenFollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var arrived atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(elsewhere.Close)
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+r.URL.Path, http.StatusTemporaryRedirect)
	})
	_, err := c.Get(t.Context(), someGeneration)
	require.ErrorContains(t, err, "leads elsewhere")
	require.ErrorContains(t, err, elsewhere.URL)
	_, err = c.Create(t.Context(), client.NewGeneration{}, "")
	require.ErrorContains(t, err, "leads elsewhere")
	for _, err := range c.Stream(t.Context(), someGeneration, "") {
		require.ErrorContains(t, err, "leads elsewhere")
	}
	assert.Zero(t, arrived.Load())
	_, err = c.Download(t.Context(), "/picture", filepath.Join(t.TempDir(), "p"), false)
	require.NoError(t, err, "pictures may be elsewhere: no token goes with them")
	assert.Equal(t, int32(1), arrived.Load())
}

// The token is asked for before each request: it may have been renewed, or may not be
// given to who answers there now.
func TestTheTokenIsAskedForEachTime(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	var seen atomic.Value
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Header.Get("Authorization"))
		_, _ = w.Write([]byte("{}"))
	}, func(c *client.Config) {
		c.Attempts = 1
		c.Token = func(context.Context) (string, error) {
			if i := n.Add(1); i < 3 {
				return "token-" + strconv.Itoa(int(i)), nil
			}
			return "", errors.New("not to them")
		}
	})
	for i := range 2 {
		_, err := c.Credits(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "Bearer token-"+strconv.Itoa(i+1), seen.Load())
	}
	_, err := c.Credits(t.Context())
	require.EqualError(t, err, "not to them")
	for _, err := range c.Stream(t.Context(), someGeneration, "") {
		require.EqualError(t, err, "not to them")
	}
	assert.Equal(t, "Bearer token-2", seen.Load(), "nothing was sent")
}

func TestDownloadAsNamesAFileByItsBytes(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("bytes")) })
	dir := t.TempDir()
	taken, free := filepath.Join(dir, "taken"), filepath.Join(dir, "free")
	require.NoError(t, os.WriteFile(taken, nil, 0o600))
	names := []string{taken, free}
	n, err := c.DownloadAs(t.Context(), "/x", filepath.Join(dir, "stem"), false, func(part string) string {
		got, err := os.ReadFile(part)
		require.NoError(t, err)
		require.Equal(t, "bytes", string(got), "the name is given after a look")
		name := names[0]
		names = names[1:]
		return name
	})
	require.NoError(t, err)
	assert.Equal(t, int64(5), n)
	assert.FileExists(t, free)
	_, err = c.DownloadAs(t.Context(), "/x", filepath.Join(dir, "stem"), false, func(string) string { return taken })
	require.ErrorIs(t, err, fs.ErrExist)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, left, 2, "no part is left")
}

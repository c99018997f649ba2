package e2e_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// A folder of pictures that is gone shows in /readyz, and is found again when it is back.
func TestReadyzLooksAtTheFolderOfThePictures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"WORKER_RENDER": "false"})
	ready := func() (int, string) {
		res, err := http.Get(p.URL + "/readyz")
		require.NoError(t, err)
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(body)
	}
	missing := func() bool {
		status, body := ready()
		require.Equal(t, http.StatusOK, status, "the API goes on")
		return strings.Contains(body, "cannot keep pictures")
	}
	require.False(t, missing())
	var assets string
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == "assets" {
			assets = path
		}
		return nil
	}))
	require.NotEmpty(t, assets)
	require.NoError(t, os.RemoveAll(assets))
	testprogram.Eventually(t, "/readyz to miss the folder", missing)
	require.NoError(t, os.Mkdir(assets, 0o700))
	testprogram.Eventually(t, "/readyz to find the folder", func() bool { return !missing() })
}

package filestore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/filestore"
	"github.com/creativeflow/aigen/internal/objecttest"
)

func open(t *testing.T, dir string) *filestore.Store {
	t.Helper()
	s, err := filestore.Open(dir)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestSuite(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "assets")
	objecttest.Run(t, func(t *testing.T) assets.Objects { return open(t, dir) })
}

// A folder that was replaced takes files that nobody finds again.
func TestCheckNoticesAReplacedFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "assets")
	s := open(t, dir)
	require.NoError(t, s.Check(t.Context()))
	require.NoError(t, os.Rename(dir, dir+".old"))
	require.Error(t, s.Check(t.Context()))
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.ErrorContains(t, s.Check(t.Context()), "replaced")
}

func TestStaysBelowItsFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "assets")
	s := open(t, dir)
	require.Error(t, s.Put(t.Context(), "../outside/x", []byte("x"), "image/png"))
	require.NoFileExists(t, filepath.Join(dir, "..", "outside", "x"))
}

package worker_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/worker"
)

// A folder that goes away is missed, and found again when it is back, without a restart.
func TestAssetsFollowTheirFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "assets")
	synctest.Test(t, func(t *testing.T) {
		b := bundle{openAssets(t, dir, "key"), dir}
		require.NoError(t, b.Check())
		require.Empty(t, b.names(t), "the check leaves nothing behind")

		require.NoError(t, os.RemoveAll(dir))
		require.NoError(t, b.Check(), "an answer holds for a moment: anybody may ask")
		time.Sleep(time.Second)
		require.ErrorIs(t, b.Check(), os.ErrNotExist)
		_, err := worker.NewStub(b.Assets)
		require.ErrorIs(t, err, os.ErrNotExist, "it may be a disk that is not mounted: nothing is made beside it")
		require.Equal(t, http.StatusNotFound, b.get(http.MethodGet, "/assets/stub.png").Code)

		require.NoError(t, os.Mkdir(dir, 0o700))
		time.Sleep(time.Second)
		require.NoError(t, b.Check())
		_, err = worker.NewStub(b.Assets)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, b.get(http.MethodGet, "/assets/stub.png").Code)

		require.NoError(t, os.Rename(dir, dir+".old"))
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.Equal(t, http.StatusNotFound, b.get(http.MethodGet, "/assets/stub.png").Code, "another folder, another content")
	})
}

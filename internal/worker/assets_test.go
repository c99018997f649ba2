package worker_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/worker"
)

// notFound stands for the API's own answer.
var notFound = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("problem"))
})

func (b bundle) get(method, target string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequestWithContext(context.Background(), method, target, http.NoBody)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	b.Handler(notFound).ServeHTTP(w, req)
	return w
}

// stubID is the asset id that the stub gives to a sample, since that costs nothing.
func stubID(t testing.TB, assets *worker.Assets, job aigen.ID, i int) string {
	t.Helper()
	s, err := worker.NewStub(assets)
	require.NoError(t, err)
	a, err := s.Sample(t.Context(), app.Job{RunID: job}, i)
	require.NoError(t, err)
	return a.AssetID
}

func TestAssetIDs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	one, same, other := openAssets(t, dir, "k"), openAssets(t, dir, "k"), openAssets(t, dir, "K")
	job := aigen.ID{7}
	id := stubID(t, one, job, 0)
	require.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, id)
	require.Equal(t, id, stubID(t, same, job, 0), "every job of a run has the same ids")

	seen := map[string]bool{id: true}
	for _, another := range []string{
		stubID(t, other, job, 0), // without the key, ids cannot be made from a run's id that somebody knows
		stubID(t, one, job, 1), stubID(t, one, job, 11), stubID(t, one, aigen.ID{8}, 0),
	} {
		require.False(t, seen[another])
		seen[another] = true
	}
	s, err := worker.NewStub(one)
	require.NoError(t, err)
	final, err := s.Final(t.Context(), app.Job{RunID: job})
	require.NoError(t, err)
	require.False(t, seen[final.AssetID])
	require.Equal(t, base+"/assets/stub.png", final.URL)
	require.Equal(t, "embedded/stub", s.Model())
}

func TestHandlerServesPictures(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := worker.NewStub(b.Assets)
	require.NoError(t, err)
	whole := b.file(t, "stub.png")

	w := b.get(http.MethodGet, "/assets/stub.png")
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, whole, w.Body.Bytes())
	require.Equal(t, "image/png", w.Header().Get("Content-Type"))
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))

	head := b.get(http.MethodHead, "/assets/stub.png")
	require.Equal(t, http.StatusOK, head.Code)
	require.Empty(t, head.Body.Bytes())
	require.Equal(t, w.Header().Get("Content-Length"), head.Header().Get("Content-Length"))

	part := b.get(http.MethodGet, "/assets/stub.png", "Range", "bytes=1-3")
	require.Equal(t, http.StatusPartialContent, part.Code)
	require.Equal(t, "PNG", part.Body.String())

	again := b.get(http.MethodGet, "/assets/stub.png", "If-Modified-Since", w.Header().Get("Last-Modified"))
	require.Equal(t, http.StatusNotModified, again.Code)
}

func TestHandlerServesNothingElse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := worker.NewStub(b.Assets)
	require.NoError(t, err)
	const id = "0123abcd-0123-8123-8123-0123456789ab"
	for _, name := range []string{id + ".orig", id + ".prompt", id + ".png.part", id + ".png.XYZ.part", "other.png"} {
		require.NoError(t, os.WriteFile(filepath.Join(b.dir, name), []byte("secret"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(b.dir), "stub.png"), []byte("secret"), 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, id+".png"), 0o700))
	outside := "11111111-1111-8111-8111-111111111111.png"
	require.NoError(t, os.Symlink(filepath.Join(filepath.Dir(b.dir), "stub.png"), filepath.Join(b.dir, outside)))

	for _, path := range []string{
		"/assets/" + id + ".png", // a folder
		"/assets/" + outside,     // leads out
		"/assets/" + id + ".orig", "/assets/" + id + ".prompt", "/assets/" + id + ".png.part",
		"/assets/" + id + ".png.XYZ.part", "/assets/other.png", "/assets/" + strings.ToUpper(id) + ".png",
		"/assets/22222222-2222-8222-8222-222222222222.png", // not there
		"/assets", "/assets/", "/assets/.", "/assets/..", "/", "/stub.png", "/assets/stub.png/", "/assets//stub.png",
		"/assets/../assets/stub.png", "/assets/../stub.png", "/assets/%2e%2e/stub.png", "/assets/..%2fstub.png",
		"/assets/%2e/stub.png", "/assets/x/stub.png", "/assets/stub.png%00", "/assets/stub.png%0a", "/assets/..%5cstub.png",
	} {
		w := b.get(http.MethodGet, path)
		require.Equal(t, http.StatusNotFound, w.Code, path)
		require.Equal(t, "problem", w.Body.String(), "the API's own answer for %s", path)
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		require.Equal(t, http.StatusNotFound, b.get(method, "/assets/stub.png").Code, method)
	}
}

func TestAssetsFolder(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := worker.NewAssets(file, nil, nil)
	require.ErrorContains(t, err, "folder for assets")

	b := setup(t)
	require.NoError(t, os.Mkdir(filepath.Join(b.dir, "stub.png"), 0o700))
	_, err = worker.NewStub(b.Assets)
	require.ErrorContains(t, err, "write asset")
	require.Equal(t, []string{"stub.png"}, b.names(t), "what could not be finished is cleared away")
}

// A lease that ended too soon makes two of us work on one job.
func TestAssetsAreWrittenByTwoAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var wg sync.WaitGroup
	errs := make([]error, 32)
	for i := range errs {
		wg.Go(func() { _, errs[i] = worker.NewStub(b.Assets) })
	}
	wg.Wait()
	require.NoError(t, errors.Join(errs...))
	require.Equal(t, []string{"stub.png"}, b.names(t))
}

func TestAssetsClearWhatACrashLeft(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"old.png.A.part", "young.png.B.part", "old.png"} {
		require.NoError(t, os.WriteFile(filepath.Join(b.dir, name), nil, 0o600))
		if strings.HasPrefix(name, "old") {
			past := time.Now().Add(-2 * time.Hour)
			require.NoError(t, os.Chtimes(filepath.Join(b.dir, name), past, past))
		}
	}
	openAssets(t, b.dir, "key")
	require.Equal(t, []string{"old.png", "young.png.B.part"}, b.names(t))
}

package assets_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/filestore"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/safehttp"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// fixture is a service over a real database, a real folder and an engine that serves
// pictures over HTTP.
type fixture struct {
	t        *testing.T
	ctx      context.Context //nolint:containedctx // of the test
	user     aigen.ID
	policy   *aigen.Policy
	moved    atomic.Int64
	store    *sqlite.Store
	objects  *faultyObjects
	app      *app.Service
	pictures *assets.Service
	links    *assets.Links
	handler  outbox.Handler
	engine   *engine
}

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

func setup(t *testing.T) *fixture {
	t.Helper()
	w := &fixture{t: t, ctx: t.Context(), user: newID(), engine: newEngine(t)}
	w.policy = &aigen.Policy{
		SamplesTimeout: time.Hour, FinalTimeout: time.Hour, SelectionTimeout: 720 * time.Hour, ReserveTimeout: time.Minute, MaxStageAttempts: 3,
		RetryDelay: func(int) time.Duration { return 0 }, NewID: newID,
		Now: func() time.Time { return time.Now().Add(time.Duration(w.moved.Load())) },
		NewAssetName: func() (n aigen.AssetName) {
			_, _ = rand.Read(n[:])
			return n
		},
	}
	var err error
	w.store, err = sqlite.Open(w.ctx, filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { _ = w.store.Close() })
	files, err := filestore.Open(filepath.Join(t.TempDir(), "assets"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = files.Close() })
	w.objects = &faultyObjects{Objects: files}
	w.links = assets.NewLinks(func() string { return "https://pictures.example" }, 0, []byte("secret"), w.policy.Now)
	w.app, err = app.New(app.Config{
		Policy: w.policy, Store: w.store, Ledger: w.store,
		Assets: app.AssetConfig{Links: w.links, SamplesRetention: 24 * time.Hour, UploadRetention: 48 * time.Hour},
	})
	require.NoError(t, err)
	allowed, err := safehttp.ParseAllowed([]string{"127.0.0.1"})
	require.NoError(t, err)
	w.pictures = assets.New(assets.Config{
		Policy: w.policy, Repository: w.store, Objects: w.objects, Generations: w.app, Links: w.links, UploadRetention: 48 * time.Hour,
		Fetcher: safehttp.NewClient(safehttp.Config{Allowed: allowed, MaxBytes: 1 << 20, Timeout: 5 * time.Second}),
	})
	w.handler = w.pictures.Handler()
	return w
}

// engine serves pictures, until its links die.
type engine struct {
	*httptest.Server

	mu     sync.Mutex
	files  map[string][]byte
	asked  map[string]int
	status int // of every answer; 0: the file
}

func newEngine(t *testing.T) *engine {
	e := &engine{files: map[string][]byte{}, asked: map[string]int{}}
	e.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		data, ok := e.files[r.URL.Path]
		e.asked[r.URL.Path]++
		status := e.status
		e.mu.Unlock()
		switch {
		case status != 0:
			rw.WriteHeader(status)
		case !ok:
			rw.WriteHeader(http.StatusNotFound)
		default:
			_, _ = rw.Write(data)
		}
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *engine) put(path string, data []byte) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.files[path] = data
	return e.URL + path
}

func (e *engine) answer(status int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status = status
}

// faultyObjects fails as often as it is told to.
type faultyObjects struct {
	assets.Objects

	failPuts    atomic.Int64
	failDeletes atomic.Int64
}

func (f *faultyObjects) Put(ctx context.Context, key string, data []byte, mediaType string) error {
	if f.failPuts.Add(-1) >= 0 {
		return io.ErrUnexpectedEOF
	}
	return f.Objects.Put(ctx, key, data, mediaType)
}

func (f *faultyObjects) Delete(ctx context.Context, keys ...string) error {
	if f.failDeletes.Add(-1) >= 0 {
		return io.ErrUnexpectedEOF
	}
	return f.Objects.Delete(ctx, keys...)
}

// keys lists what is stored.
func (w *fixture) keys() (keys []string) {
	w.t.Helper()
	for o, err := range w.objects.Each(w.ctx) {
		require.NoError(w.t, err)
		keys = append(keys, o.Key)
	}
	return keys
}

// photo is a PNG that no other call returns.
func photo(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	var b [4]byte
	_, _ = rand.Read(b[:])
	for x := range 60 {
		img.Set(x, x%40, color.RGBA{b[0], b[1], b[2], 0xff})
	}
	var out bytes.Buffer
	require.NoError(t, png.Encode(&out, img))
	return out.Bytes()
}

// generation is one whose samples are being made.
func (w *fixture) generation(references ...aigen.Reference) (*aigen.Generation, aigen.ID) {
	w.t.Helper()
	in, err := aigen.NewInput("a fox", "", []byte(`{"samples":2}`))
	require.NoError(w.t, err)
	in.References = references
	a, err := w.app.InitiateGeneration(w.ctx, app.InitiateGeneration{UserID: w.user, ProjectID: newID(), Input: in})
	require.NoError(w.t, err)
	g := w.get(a.GenerationID)
	return g, g.Runs[0].Jobs[0].ID
}

func (w *fixture) get(id aigen.ID) *aigen.Generation {
	w.t.Helper()
	g, err := w.app.GetGeneration(w.ctx, w.user, id)
	require.NoError(w.t, err)
	return g
}

func (w *fixture) report(g *aigen.Generation, job aigen.ID, samples ...aigen.Asset) *aigen.Generation {
	w.t.Helper()
	p, err := w.app.ProcessN8NResult(w.ctx, app.ProcessResult{GenerationID: g.ID, Report: aigen.Report{
		JobID: job, Kind: aigen.ReportSamples, Samples: samples, AIModelUsed: "painter/1",
	}})
	require.NoError(w.t, err)
	require.Equal(w.t, aigen.OutcomeApplied, p.Outcome)
	return w.get(g.ID)
}

// ingest makes one round over all deliveries of the queue, and returns how each ended.
func (w *fixture) ingest() []error {
	w.t.Helper()
	ds, err := w.store.ListDeliveries(w.ctx, outbox.DeliveryQuery{Queue: outbox.QueueAssets, State: outbox.DeliveryWaiting, Limit: 1000})
	require.NoError(w.t, err)
	errs := make([]error, len(ds))
	var mu sync.Mutex
	w.handler.Deliver(w.ctx, ds, func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		errs[i] = err
	})
	return errs
}

func (w *fixture) stored(name aigen.AssetName) aigen.StoredAsset {
	w.t.Helper()
	a, err := w.store.Asset(w.ctx, name)
	require.NoError(w.t, err)
	return a
}

func (w *fixture) read(name aigen.AssetName, size assets.Size) (data []byte, p assets.Picture) {
	w.t.Helper()
	p, err := w.pictures.Open(w.ctx, name, size, true, "")
	require.NoError(w.t, err)
	require.Empty(w.t, p.Redirect)
	data, err = io.ReadAll(p.Object)
	require.NoError(w.t, err)
	require.NoError(w.t, p.Object.Close())
	return data, p
}

func resultOf(g *aigen.Generation, job aigen.ID, asset string) app.ProcessResult {
	return app.ProcessResult{GenerationID: g.ID, Report: aigen.Report{JobID: job, Kind: aigen.ReportSamples, Samples: []aigen.Asset{{AssetID: asset}}}}
}

func cancelOf(g *aigen.Generation) app.CancelGeneration {
	return app.CancelGeneration{UserID: g.UserID, GenerationID: g.ID}
}

// try asks for a generation of a user with a reference.
func (w *fixture) try(user aigen.ID, r aigen.Reference) error {
	w.t.Helper()
	in, err := aigen.NewInput("a fox", "", nil)
	require.NoError(w.t, err)
	in.References = []aigen.Reference{r}
	_, err = w.app.InitiateGeneration(w.ctx, app.InitiateGeneration{UserID: user, ProjectID: newID(), Input: in})
	return err
}

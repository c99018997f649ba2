package assets_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/assets"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/picture"
)

// The engine's links die, and the pictures are still there a week later.
func TestPicturesOutliveTheirSource(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g, job := w.generation()
	data := photo(t)
	url := w.engine.put("/1.png", data)
	g = w.report(g, job, aigen.Asset{AssetID: "1", URL: url}, aigen.Asset{AssetID: "2", URL: "data:image/png;base64," + base64.StdEncoding.EncodeToString(photo(t))})
	require.Empty(t, g.Samples[0].URL, "the engine's location is not for users")

	p, err := w.pictures.Open(w.ctx, g.Samples[0].Name, assets.Original, false, "")
	require.NoError(t, err)
	require.Equal(t, url, p.Redirect, "until the picture is copied")

	for _, err := range w.ingest() {
		require.NoError(t, err)
	}
	w.engine.answer(http.StatusGone)
	w.moved.Store(int64(7 * 24 * time.Hour))
	for _, s := range g.Samples {
		stored, p := w.read(s.Name, assets.Original)
		require.Equal(t, picture.PNG, p.Format)
		a := w.stored(s.Name)
		require.Equal(t, sha256.Sum256(stored), a.SHA256)
		require.EqualValues(t, len(stored), a.Size)
		require.Equal(t, 60, a.Width)
		require.Empty(t, a.SourceURL)
		require.Contains(t, string(stored), "trainedAlgorithmicMedia")
		require.Contains(t, string(stored), g.ID.String())
		thumb, p := w.read(s.Name, assets.Thumb)
		require.Equal(t, picture.WebP, p.Format)
		require.Contains(t, string(thumb), "trainedAlgorithmicMedia")
	}
	require.Equal(t, "https://pictures.example/assets/"+g.Samples[0].Name.String(), w.links.Show(g.Samples[0]).URL)
}

// A repeat of a copy, after a fault at any step, does the rest and nothing twice.
func TestIngestIsIdempotent(t *testing.T) {
	t.Parallel()
	for fails := range int64(3) {
		w := setup(t)
		g, job := w.generation()
		g = w.report(g, job, aigen.Asset{AssetID: "1", URL: w.engine.put("/1.png", photo(t))})
		w.objects.failPuts.Store(fails)
		for range fails {
			require.Error(t, w.ingest()[0])
			require.Equal(t, aigen.AssetWaiting, w.stored(g.Samples[0].Name).State)
		}
		require.NoError(t, w.ingest()[0])
		first := w.stored(g.Samples[0].Name)
		require.NoError(t, w.ingest()[0], "the row of the outbox was not removed: a crash")
		require.Equal(t, first, w.stored(g.Samples[0].Name))
		require.Len(t, w.keys(), 2, "the original and a thumbnail")
	}
}

func TestIngestRefusesForGood(t *testing.T) {
	t.Parallel()
	w := setup(t)
	cut := photo(t)
	for name, url := range map[string]string{
		"svg": w.engine.put("/svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)), "html": w.engine.put("/html", []byte("<!doctype html>")),
		"cut off": w.engine.put("/cut", cut[:len(cut)-20]), "too large": w.engine.put("/large", make([]byte, 2<<20)),
		"inside": "http://10.0.0.1/x.png", "scheme": "ftp://files.example/x.png",
	} {
		g, job := w.generation()
		g = w.report(g, job, aigen.Asset{AssetID: "1", URL: url})
		ds, err := w.store.ListDeliveries(w.ctx, outbox.DeliveryQuery{Queue: outbox.QueueAssets, GenerationID: g.ID, Limit: 1})
		require.NoError(t, err)
		var permanent *outbox.PermanentError
		w.handler.Deliver(w.ctx, ds, func(_ int, err error) { require.ErrorAs(t, err, &permanent, name) })
		require.NotContains(t, permanent.Error(), "10.0.0.1")

		for range 2 { // the relay may ask again
			require.NoError(t, w.handler.OnDeadLetter(w.ctx, ds[0]), name)
		}
		require.Equal(t, aigen.AssetLost, w.stored(g.Samples[0].Name).State)
		events, err := w.app.ListEvents(w.ctx, w.user, g.ID, 0)
		require.NoError(t, err)
		last := events[len(events)-1]
		require.Equal(t, aigen.EventAssetLost, last.Type, name)
		require.Equal(t, "1", last.Data.AssetID)
		require.Equal(t, aigen.StatusAwaitingSelection, w.get(g.ID).Status, "no state has changed")
	}
	require.Empty(t, w.keys())
}

// A source that fails is asked again; a picture that was removed meanwhile is not.
func TestIngestOfWhatIsGone(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g, job := w.generation()
	g = w.report(g, job, aigen.Asset{AssetID: "1", URL: w.engine.put("/1.png", photo(t))})
	w.engine.answer(http.StatusServiceUnavailable)
	var permanent *outbox.PermanentError
	err := w.ingest()[0]
	require.Error(t, err)
	require.NotErrorAs(t, err, &permanent)
	w.engine.answer(0)

	require.NoError(t, w.store.RemoveAssets(w.ctx, g.Assets(), time.Now()))
	n, err := w.pictures.RemoveDue(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.NoError(t, w.ingest()[0])
	require.Empty(t, w.keys(), "no bytes without a row")
}

// An engine hands over the bytes: no URL is needed then.
func TestEngineHandsOverBytes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g, job := w.generation()
	data := photo(t)
	a, again, err := w.pictures.UploadByEngine(w.ctx, g.ID, job, data)
	require.NoError(t, err)
	require.False(t, again)
	same, again, err := w.pictures.UploadByEngine(w.ctx, g.ID, job, data)
	require.NoError(t, err)
	require.True(t, again)
	require.Equal(t, a.AssetID, same.AssetID)
	_, _, err = w.pictures.UploadByEngine(w.ctx, g.ID, newID(), data)
	require.ErrorIs(t, err, aigen.ErrInvalidState, "no job of the generation")
	unused, _, err := w.pictures.UploadByEngine(w.ctx, g.ID, job, photo(t))
	require.NoError(t, err)

	g = w.report(g, job, aigen.Asset{AssetID: a.AssetID})
	require.Equal(t, a.Name, g.Samples[0].Name)
	require.Equal(t, 60, g.Samples[0].Width)
	require.Zero(t, w.stored(a.Name).RemoveAt, "it stays with its generation")
	require.Empty(t, w.ingest(), "there is nothing to copy")
	_, _, err = w.pictures.UploadByEngine(w.ctx, g.ID, job, photo(t))
	require.ErrorIs(t, err, aigen.ErrInvalidState, "the job has ended")

	w.moved.Store(int64(49 * time.Hour))
	n, err := w.pictures.RemoveDue(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = w.store.Asset(w.ctx, unused.Name)
	require.ErrorIs(t, err, assets.ErrNoAsset, "no report has named it")
	w.read(a.Name, assets.Original)
}

// A repeat of a callback is a duplicate, also when its pictures were removed meanwhile.
func TestRepeatAfterRemoval(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g, job := w.generation()
	a, _, err := w.pictures.UploadByEngine(w.ctx, g.ID, job, photo(t))
	require.NoError(t, err)
	_, err = w.app.ProcessN8NResult(w.ctx, resultOf(g, job, a.AssetID))
	require.NoError(t, err)
	require.NoError(t, w.store.RemoveAssets(w.ctx, []aigen.AssetName{a.Name}, time.Now()))
	n, err := w.pictures.RemoveDue(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	p, err := w.app.ProcessN8NResult(w.ctx, resultOf(g, job, a.AssetID))
	require.NoError(t, err)
	require.Equal(t, aigen.OutcomeDuplicate, p.Outcome)
}

func TestReportOfWhatNobodyHandedOver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g, job := w.generation()
	other, otherJob := w.generation()
	a, _, err := w.pictures.UploadByEngine(w.ctx, other.ID, otherJob, photo(t))
	require.NoError(t, err)
	for _, id := range []string{"unknown", a.AssetID} {
		_, err := w.app.ProcessN8NResult(w.ctx, resultOf(g, job, id))
		require.ErrorIs(t, err, aigen.ErrInvalidInput, id)
	}
}

// An upload serves as a reference of its user alone, and stays while it is used.
func TestUploadsAndReferences(t *testing.T) {
	t.Parallel()
	w := setup(t)
	data := photo(t)
	a, err := w.pictures.UploadByUser(w.ctx, w.user, data)
	require.NoError(t, err)
	bytesOf, _ := w.read(a.Name, assets.Original)
	require.True(t, bytes.Equal(data, bytesOf), "what a person brings is not marked as made by AI")
	_, err = w.pictures.Own(w.ctx, newID(), a.AssetID)
	require.Equal(t, aigen.CodeAssetNotFound, aigen.CodeOf(err))
	require.Equal(t, aigen.CodeAssetNotFound, aigen.CodeOf(w.pictures.RemoveUpload(w.ctx, newID(), a.AssetID)))

	g, job := w.generation(aigen.Reference{AssetID: a.AssetID, Role: aigen.RoleStyle})
	require.Equal(t, a.Name, g.Input.References[0].Name)
	ds, err := w.store.ListDeliveries(w.ctx, outbox.DeliveryQuery{Queue: outbox.QueueJobs, GenerationID: g.ID, Limit: 1})
	require.NoError(t, err)
	require.Contains(t, string(ds[0].Payload), `"references":[{"assetId":"`+a.AssetID+`","role":"style","url":"https://pictures.example/assets/`)
	require.ErrorIs(t, w.try(newID(), aigen.Reference{AssetID: a.AssetID, Role: aigen.RoleStyle}), aigen.ErrInvalidInput)

	require.Equal(t, aigen.CodeAssetInUse, aigen.CodeOf(w.pictures.RemoveUpload(w.ctx, w.user, a.AssetID)))
	g = w.report(g, job, aigen.Asset{AssetID: "1", URL: w.engine.put("/1.png", photo(t))})
	require.NoError(t, w.ingest()[0])
	marked, _ := w.read(g.Samples[0].Name, assets.Original)
	require.Contains(t, string(marked), "compositeWithTrainedAlgorithmicMedia")
	_, _, err = w.app.CancelGeneration(w.ctx, cancelOf(g))
	require.NoError(t, err)
	require.True(t, w.stored(a.Name).RemoveAt.After(time.Now().Add(47*time.Hour)), "counted from the end of the last use")
	require.NoError(t, w.pictures.RemoveUpload(w.ctx, w.user, a.AssetID))
	n, err := w.pictures.RemoveDue(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = w.pictures.Open(w.ctx, a.Name, assets.Original, false, "")
	require.ErrorIs(t, err, assets.ErrNoAsset)
}

// Samples that nobody chose go after a while; a fault on the way loses nothing of that.
func TestUnchosenSamplesGo(t *testing.T) {
	t.Parallel()
	w := setup(t)
	g, job := w.generation()
	g = w.report(g, job, aigen.Asset{AssetID: "1", URL: w.engine.put("/1.png", photo(t))}, aigen.Asset{AssetID: "2", URL: w.engine.put("/2.png", photo(t))})
	_, _, err := w.app.CancelGeneration(w.ctx, cancelOf(g))
	require.NoError(t, err)
	for _, err := range w.ingest() { // the copy comes after the end
		require.NoError(t, err)
	}
	n, err := w.pictures.RemoveDue(w.ctx)
	require.NoError(t, err)
	require.Zero(t, n)
	w.moved.Store(int64(25 * time.Hour))
	w.objects.failDeletes.Store(1)
	_, err = w.pictures.RemoveDue(w.ctx)
	require.Error(t, err)
	w.moved.Add(int64(5 * time.Minute)) // another process takes over
	n, err = w.pictures.RemoveDue(w.ctx)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	require.Empty(t, w.keys())
}

func TestSignedLinks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	l := assets.NewLinks(func() string { return "https://p.example" }, time.Hour, []byte("k"), func() time.Time { return now })
	name := aigen.AssetName{1}
	url := l.URL(name)
	_, query, _ := strings.Cut(url, "?expires=")
	expires, signature, _ := strings.Cut(query, "&signature=")
	require.True(t, l.Allowed(name, expires, signature))
	require.False(t, l.Allowed(aigen.AssetName{2}, expires, signature))
	require.False(t, l.Allowed(name, expires+"0", signature))
	require.False(t, l.Allowed(name, "", ""))
	now = now.Add(59 * time.Minute)
	require.True(t, l.Allowed(name, expires, signature))
	now = now.Add(2 * time.Hour)
	require.False(t, l.Allowed(name, expires, signature))
	require.NotEqual(t, url, l.URL(name), "every read gives a fresh one")
	require.True(t, strings.HasPrefix(l.URLUntil(name, now.Add(48*time.Hour)), "https://p.example/assets/"))
}

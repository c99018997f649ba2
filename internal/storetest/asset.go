package storetest

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
)

func assetName() (n aigen.AssetName) {
	_, _ = rand.Read(n[:])
	return n
}

func (w *fixture) upload(user aigen.ID, id string) aigen.StoredAsset {
	w.t.Helper()
	a := aigen.StoredAsset{
		Name: assetName(), AssetID: id, Kind: aigen.AssetUpload, UserID: user, State: aigen.AssetWaiting,
		CreatedAt: w.now(), RemoveAt: w.now().Add(time.Hour),
	}
	w.must(w.AddAsset(w.ctx, a))
	require.Equal(w.t, a, w.asset(a.Name))
	facts := w.facts()
	done, err := w.FinishAsset(w.ctx, a.Name, facts, w.now().Add(10*time.Hour))
	w.must(err)
	require.True(w.t, done)
	a.State, a.Format, a.Width, a.Height, a.Size = aigen.AssetStored, facts.Format, facts.Width, facts.Height, facts.Size
	a.SHA256, a.SourceHash, a.SourceType = facts.SHA256, facts.SourceHash, facts.SourceType
	a.StoredAt, a.RemoveAt = facts.StoredAt, w.now().Add(10*time.Hour)
	require.Equal(w.t, a, w.asset(a.Name))
	w.clock.advance(time.Second)
	return a
}

func (w *fixture) facts() aigen.AssetFacts {
	f := aigen.AssetFacts{Format: "png", Width: 640, Height: 480, Size: 1 << 33, SourceType: "x", StoredAt: w.now()}
	_, _ = rand.Read(f.SHA256[:])
	_, _ = rand.Read(f.SourceHash[:])
	return f
}

func (w *fixture) asset(name aigen.AssetName) aigen.StoredAsset {
	w.t.Helper()
	a, err := w.Asset(w.ctx, name)
	w.must(err)
	return a
}

// Pictures of a report are written with it, and only if it is.
func testAssetsOfChange(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	w.policy.NewAssetName = assetName
	g := w.pending(w.id())
	w.keep(w.reserved(g))
	w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples(), AIModelUsed: "model/1"})
	c := w.change(g)
	want := c.Assets
	require.Len(t, want, len(g.Samples))
	require.Equal(t, samples()[0].URL, want[0].SourceURL)
	require.Empty(t, g.Samples[0].URL)
	stale := &app.Change{Generation: g.Clone(), From: c.From - 1, Assets: []aigen.StoredAsset{{Name: assetName(), Kind: aigen.AssetResult, GenerationID: g.ID}}}
	w.keep(c)
	require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{stale})[0], app.ErrVersionConflict)

	names := append(g.Assets(), assetName())
	got, err := w.AssetsOf(w.ctx, names)
	w.must(err)
	require.ElementsMatch(t, want, got)
	_, err = w.Asset(w.ctx, stale.Assets[0].Name)
	require.ErrorIs(t, err, assets.ErrNoAsset)

	lost, err := w.LoseAsset(w.ctx, want[0].Name)
	w.must(err)
	require.True(t, lost)
	lost, err = w.LoseAsset(w.ctx, want[0].Name)
	w.must(err)
	require.False(t, lost, "it was lost before")
	require.Equal(t, aigen.AssetLost, w.asset(want[0].Name).State)

	facts := w.facts()
	for range 2 { // a repeat says the same
		done, err := w.FinishAsset(w.ctx, want[1].Name, facts, time.Time{})
		w.must(err)
		require.True(t, done)
	}
	require.Empty(t, w.asset(want[1].Name).SourceURL)
	done, err := w.FinishAsset(w.ctx, want[1].Name, w.facts(), time.Time{})
	w.must(err)
	require.False(t, done, "other bytes do not replace those that are there")
	done, err = w.FinishAsset(w.ctx, assetName(), w.facts(), time.Time{})
	w.must(err)
	require.False(t, done, "the row is gone")

	found, err := w.AssetsHandedOver(w.ctx, g.ID, []string{want[0].AssetID, want[1].AssetID})
	w.must(err)
	require.Len(t, found, 1, "the other one is not stored")
	same, err := w.UploadedFor(w.ctx, want[1].JobID, g.ID, facts.SourceHash)
	w.must(err)
	require.Equal(t, want[1].Name, same.Name)
	_, err = w.UploadedFor(w.ctx, want[1].JobID, g.ID, facts.SHA256)
	require.ErrorIs(t, err, assets.ErrNoAsset)
}

func testUploads(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	user, other := w.id(), w.id()
	first, second, third := w.upload(user, "a"), w.upload(user, "b"), w.upload(user, "a")
	w.upload(other, "a")

	list, err := w.Uploads(w.ctx, assets.UploadQuery{UserID: user, Limit: 2})
	w.must(err)
	require.Equal(t, []aigen.StoredAsset{third, second}, list)
	list, err = w.Uploads(w.ctx, assets.UploadQuery{UserID: user, Limit: 2, Before: &assets.Cursor{CreatedAt: second.CreatedAt, Name: second.Name}})
	w.must(err)
	require.Equal(t, []aigen.StoredAsset{first}, list)

	own, err := w.OwnAssets(w.ctx, user, []string{"a", "b", "c"})
	w.must(err)
	require.ElementsMatch(t, []aigen.StoredAsset{third, second}, own, "the newest of those with the same id")
}

// A picture that a generation works with stays until the generation has ended.
func testAssetsInUse(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	user := w.id()
	a := w.upload(user, "a")
	g := w.pending(user)
	g.Input.References = []aigen.Reference{{AssetID: "a", Role: aigen.RoleStyle, Name: a.Name, Width: 640, Height: 480, Format: "png"}}
	w.keep(w.reserved(g))

	require.ErrorIs(t, w.RemoveUpload(w.ctx, user, a.Name, w.now()), assets.ErrInUse)
	w.clock.advance(100 * time.Hour)
	require.Empty(t, w.claimRemovals())
	w.must(g.Cancel(w.policy))
	w.keep(w.change(g))
	require.ErrorIs(t, w.RemoveUpload(w.ctx, w.id(), a.Name, w.now()), assets.ErrInUse, "somebody else's")
	w.must(w.RemoveUpload(w.ctx, user, a.Name, w.now()))
	require.Equal(t, []aigen.AssetName{a.Name}, w.claimRemovals())
	require.Empty(t, w.claimRemovals(), "another process has it")
	w.clock.advance(2 * time.Minute)
	require.Equal(t, []aigen.AssetName{a.Name}, w.claimRemovals(), "that process has died")
	w.must(w.ForgetAssets(w.ctx, []aigen.AssetName{a.Name}))
	_, err := w.Asset(w.ctx, a.Name)
	require.ErrorIs(t, err, assets.ErrNoAsset)
}

func (w *fixture) claimRemovals() (names []aigen.AssetName) {
	w.t.Helper()
	list, err := w.ClaimRemovals(w.ctx, w.now(), w.now().Add(time.Minute), 10)
	w.must(err)
	for _, a := range list {
		names = append(names, a.Name)
	}
	return names
}

// A step says when pictures go: uploads stay for longer, results go when it says.
func testAssetRemovals(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	w.policy.NewAssetName = assetName
	user := w.id()
	upload := w.upload(user, "a") // for another ten hours
	g := w.pending(user)
	w.keep(w.reserved(g))
	w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	c := w.change(g)
	c.AssetRemovals = []app.AssetRemoval{
		{Name: g.Samples[0].Name, At: w.now().Add(time.Minute)}, {Name: g.Samples[1].Name, At: w.now().Add(time.Hour), Upload: true},
		{Name: upload.Name, At: w.now().Add(time.Hour), Upload: true},
	}
	w.keep(c)
	require.Equal(t, upload.RemoveAt, w.asset(upload.Name).RemoveAt)
	require.Equal(t, c.AssetRemovals[0].At, w.asset(g.Samples[0].Name).RemoveAt)
	require.Zero(t, w.asset(g.Samples[1].Name).RemoveAt, "it is no upload")

	w.must(g.Cancel(w.policy))
	c = w.change(g)
	later := w.now().Add(20 * time.Hour)
	c.AssetRemovals = []app.AssetRemoval{{Name: g.Samples[0].Name}, {Name: upload.Name, At: later, Upload: true}}
	w.keep(c)
	require.Zero(t, w.asset(g.Samples[0].Name).RemoveAt)
	require.Equal(t, later, w.asset(upload.Name).RemoveAt)
}

// With a generation go its pictures.
func testAssetsOfRemoved(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.pending(w.id())
	c := w.change(g)
	kept, gone := assetName(), assetName()
	w.must(w.AddAsset(w.ctx, aigen.StoredAsset{Name: kept, Kind: aigen.AssetUpload, State: aigen.AssetWaiting, UserID: g.UserID, CreatedAt: w.now()}))
	c.Assets = []aigen.StoredAsset{{Name: gone, Kind: aigen.AssetResult, State: aigen.AssetWaiting, UserID: g.UserID, GenerationID: g.ID, CreatedAt: w.now()}}
	w.keep(c)
	w.keep(w.reserved(g))
	w.must(g.Cancel(w.policy))
	w.keep(w.change(g))
	w.clock.advance(time.Hour)
	require.Empty(t, w.claimRemovals())
	require.Equal(t, 1, w.removeEnded(10))
	require.Equal(t, []aigen.AssetName{gone}, w.claimRemovals())

	var all []aigen.AssetName
	for after := (aigen.AssetName{}); ; {
		page, err := w.EachAsset(w.ctx, after, 1)
		w.must(err)
		if len(page) == 0 {
			break
		}
		after = page[0].Name
		all = append(all, after)
	}
	require.Subset(t, all, []aigen.AssetName{kept, gone})
}

// What callers add to a request comes back as it was, and an external id is unique.
func testOptions(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10_000})
	user, batch := w.id(), w.id()
	request := func(user aigen.ID, o aigen.Options) *aigen.Generation {
		return aigen.New(w.policy, user, w.id(), w.input(), o)
	}
	g := request(user, aigen.Options{
		ExternalID: "order-1 é", Metadata: map[string]string{"a": "<b>", "": "x"}, AutoSelect: true, BatchID: batch, RetryOf: w.id(),
	})
	w.keep(w.reserved(g))
	w.must(g.Cancel(w.policy))
	w.keep(w.change(g))

	again, others := request(user, aigen.Options{ExternalID: "order-1 é"}), request(w.id(), aigen.Options{ExternalID: "order-1 é"})
	twins := []*aigen.Generation{request(user, aigen.Options{ExternalID: "twin"}), request(user, aigen.Options{ExternalID: "twin"})}
	changes := []*app.Change{w.change(again), w.change(others), w.change(twins[0]), w.change(twins[1])}
	errs := w.Apply(w.ctx, changes)
	require.ErrorIs(t, errs[0], app.ErrExternalIDTaken)
	w.must(errs[1])
	w.must(errs[2])
	require.ErrorIs(t, errs[3], app.ErrExternalIDTaken)

	list, err := w.List(w.ctx, app.ListQuery{UserID: user, ExternalID: "order-1 é", Limit: 10})
	w.must(err)
	require.Equal(t, []*aigen.Generation{g}, list)
	list, err = w.List(w.ctx, app.ListQuery{UserID: user, BatchID: batch, Limit: 10})
	w.must(err)
	require.Equal(t, []*aigen.Generation{g}, list)
	list, err = w.List(w.ctx, app.ListQuery{UserID: user, BatchID: w.id(), Limit: 10})
	w.must(err)
	require.Empty(t, list)
}

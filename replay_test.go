package aigen_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// folded is a generation as somebody sees it who has only its events.
type folded struct {
	Status     aigen.Status
	Stage      aigen.Stage
	Attempt    int
	Credits    aigen.CreditTotals
	Samples    []aigen.Asset
	SelectedID string
	FinalID    string
	Final      *aigen.Asset
	Failure    *aigen.Failure
	UpdatedAt  time.Time
}

// fold reads the events in order and checks that they are a log: no gap, no step
// back in time, and no move that the state table does not have.
func fold(t require.TestingT, events []aigen.Event) folded {
	f := folded{Status: aigen.StatusPending}
	for i, e := range events {
		require.Equal(t, int64(i+1), e.Seq, "a gap or a repeat")
		require.False(t, e.At.Before(f.UpdatedAt), "the log runs backwards")
		require.False(t, f.Status.Ended(), "%s after the end", e.Type)
		if e.Data.Status != f.Status {
			require.True(t, f.Status.CanMoveTo(e.Data.Status), "%s: %s to %s", e.Type, f.Status, e.Data.Status)
		}
		f.Status, f.Stage, f.Attempt = e.Data.Status, e.Data.Stage, e.Data.Attempt
		f.Credits, f.UpdatedAt = e.Data.Credits, e.At
		switch e.Type {
		case aigen.EventSamplesReady:
			f.Samples, f.SelectedID = e.Data.SampleAssets, ""
		case aigen.EventFinalStarted:
			f.SelectedID = e.Data.SelectedSampleID
		case aigen.EventCompleted:
			f.FinalID, f.Final = e.Data.FinalAssetID, e.Data.FinalAsset
		case aigen.EventFailed, aigen.EventCancelled, aigen.EventRejected:
			f.Failure = e.Data.Error
		default: // says what it says by the status alone
		}
	}
	return f
}

func seen(g *aigen.Generation, like folded) folded {
	return folded{
		Status: g.Status, Stage: g.Stage(), Attempt: g.Attempt(), Credits: g.Totals(), Samples: g.Samples,
		SelectedID: g.SelectedSampleID, FinalID: g.FinalAssetID, Final: g.FinalAsset, Failure: g.Failure,
		UpdatedAt: like.UpdatedAt, // a request that waits for credits is no event
	}
}

// TestReplay lives every end, from every state that can have it, and folds the log.
func TestReplay(t *testing.T) {
	t.Parallel()
	ways := map[string]verb{
		"rejected": verbs()["Report rejected"], "failed": verbs()["Fail"], "cancelled": verbs()["Cancel"],
		"expired": verbs()["Expire when due"], "retried": verbs()["Report failed samples, retry"],
		"retried final": verbs()["Report failed final, retry"], "done": verbs()["Report final"],
		"not dispatched": verbs()["DispatchFailed newest"], "nothing": func(*fixture, *aigen.Generation) (string, error) { return "", nil },
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for until := range 5 {
				w := setup()
				g, events := liveUntil(t, w, until)
				w.advance(time.Minute)
				_, _ = way(w, g)
				more, _ := g.Drain()
				events = append(events, more...)
				f := fold(t, events)
				assert.Equal(t, seen(g, f), f)
				assert.Equal(t, int64(len(events)), g.LastEvent)
				for _, e := range events {
					assert.Equal(t, g.ID, e.GenerationID)
					assert.Equal(t, g.UserID, e.UserID)
					assert.Equal(t, g.ID, e.Data.GenerationID)
					assert.Equal(t, g.ProjectID, e.Data.ProjectID)
				}
			}
		})
	}
}

// liveUntil takes that many steps of a long life and returns all its events.
func liveUntil(t *testing.T, w *fixture, steps int) (*aigen.Generation, []aigen.Event) {
	t.Helper()
	g := w.pending(t)
	require.NoError(t, g.DeferReservation(w.Policy))
	for _, step := range []func(){
		func() { w.reserved(t, g) },
		func() { w.applied(t, g, w.samples(job(g))) },
		func() {
			require.NoError(t, g.Regenerate(w.Policy, g.Input))
			w.reserved(t, g)
			w.applied(t, g, w.samples(job(g)))
		},
		func() {
			require.NoError(t, g.SelectSample(w.Policy, secondSample, aigen.Resolution{}))
			w.reserved(t, g)
		},
	}[:steps] {
		w.advance(time.Second)
		step()
	}
	events, _ := g.Drain()
	return g, events
}

// TestReleaseIsNoEvent: it may come after the end, when nobody listens any more.
func TestReleaseIsNoEvent(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.pending(t)
	_, err := g.AbandonReservation(w.Policy, newestRun(g).ID)
	require.NoError(t, err)
	events, _ := g.Drain()
	did, err := g.ConfirmRelease(w.Policy, newestRun(g).ID, true)
	require.NoError(t, err)
	require.True(t, did)
	more, effects := g.Drain()
	assert.Empty(t, more)
	assert.Empty(t, effects)
	f := fold(t, events)
	assert.Equal(t, aigen.CreditTotals{}, f.Credits)
	f.Credits = aigen.CreditTotals{Reserved: 100, Refunded: 100}
	assert.Equal(t, seen(g, f), f)
}

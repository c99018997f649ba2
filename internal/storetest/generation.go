package storetest

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// keep writes what the verbs since the last time have done, and checks that the
// store gives back the very same value, by both ways of reading.
func (w *fixture) keep(c *app.Change) {
	w.t.Helper()
	from := c.From
	w.apply(c)
	require.Equal(w.t, from+1, c.Generation.Version)
	require.Equal(w.t, c.Generation, w.get(c.Generation.ID))
	list, err := w.List(w.ctx, app.ListQuery{UserID: c.Generation.UserID, Limit: 1})
	w.must(err)
	require.Equal(w.t, []*aigen.Generation{c.Generation}, list)
	w.clock.advance(time.Second + time.Microsecond)
}

func testRoundTrip(t *testing.T, open Open) {
	reach := map[string]func(*fixture, *aigen.Generation){
		"Completed": func(w *fixture, g *aigen.Generation) {
			w.keep(w.reserved(g))
			w.report(g, aigen.Report{Kind: aigen.ReportFailure, Fingerprint: aigen.Fingerprint{1, 2}, Failure: aigen.Failure{Code: "gpu", Message: "busy", Retryable: true}})
			w.keep(w.change(g))
			w.report(g, aigen.Report{Kind: aigen.ReportSamples, Fingerprint: aigen.Fingerprint{3}, Samples: samples(), AIModelUsed: "model/1"})
			w.keep(w.change(g))
			w.must(g.SelectSample(w.policy, "s2 é", aigen.Resolution{Width: 2160, Height: 3840}))
			w.keep(w.change(g))
			w.keep(w.reserved(g))
			final := samples()[0]
			w.report(g, aigen.Report{Kind: aigen.ReportFinal, FinalAssetID: "final", FinalAsset: &final, AIModelUsed: "model/2"})
			w.keep(w.change(g))
		},
		"Completed by id alone": func(w *fixture, g *aigen.Generation) {
			w.keep(w.reserved(g))
			w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
			w.must(g.SelectSample(w.policy, "s1", aigen.Resolution{}))
			w.keep(w.reserved(g)) // three verbs in one change
			w.report(g, aigen.Report{Kind: aigen.ReportFinal, FinalAssetID: "final"})
			w.keep(w.change(g))
		},
		"Failed": func(w *fixture, g *aigen.Generation) {
			w.keep(w.reserved(g))
			w.must(g.Fail(w.policy, aigen.Failure{Code: aigen.CodeTimeout, Message: "too <slow>", Retryable: true}))
			w.keep(w.change(g))
		},
		"ContentRejected": func(w *fixture, g *aigen.Generation) {
			w.keep(w.reserved(g))
			w.report(g, aigen.Report{Kind: aigen.ReportRejected, Failure: aigen.Failure{Code: aigen.CodeContentRejected, Message: "no"}})
			w.keep(w.change(g))
		},
		"Cancelled": func(w *fixture, g *aigen.Generation) {
			w.must(g.Cancel(w.policy)) // while the reservation is pending: releasing
			w.keep(w.change(g))
		},
		"regenerated": func(w *fixture, g *aigen.Generation) {
			w.keep(w.reserved(g))
			w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
			w.keep(w.change(g))
			in, err := aigen.NewInput("another", "", []byte(`{"x":"<&>"}`))
			w.must(err)
			w.must(g.Regenerate(w.policy, in))
			w.keep(w.change(g)) // the new input waits in the run
			w.keep(w.reserved(g))
		},
	}
	for name, steps := range reach {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, open, Options{InitialCredits: 1000})
			g := w.pending(w.id())
			w.keep(w.change(g))
			steps(w, g)
		})
	}
}

// The bound of the parameters is checked before the number of samples is filled
// in: what was accepted must load, and what is asked again must not grow.
func testInputPassesThrough(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	object := `{"x":"` + strings.Repeat("<", aigen.MaxParametersSize-len(`{"x":""}`)) + `"}`
	require.Len(t, object, aigen.MaxParametersSize)
	in, err := aigen.NewInput(strings.Repeat("é", aigen.MaxPromptLength), strings.Repeat("🦊", aigen.MaxStyleLength), []byte(object))
	w.must(err)
	g := aigen.New(w.policy, w.id(), w.id(), in, aigen.Options{})
	w.keep(w.reserved(g))
	w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	w.must(g.Regenerate(w.policy, in))
	w.keep(w.change(g))
	raw, err := w.get(g.ID).Input.Parameters.MarshalJSON()
	w.must(err)
	require.Equal(t, `{"samples":4,`+object[1:], string(raw))
}

func testNotFound(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	_, err := w.Get(w.ctx, w.id())
	require.ErrorIs(t, err, aigen.ErrNotFound)
	list, err := w.List(w.ctx, app.ListQuery{UserID: w.id(), Limit: 10})
	w.must(err)
	require.Empty(t, list)
	events, err := w.Events(w.ctx, w.id(), 0, 10)
	w.must(err)
	require.Empty(t, events)
	position, err := w.LastPosition(w.ctx, w.id())
	w.must(err)
	require.Zero(t, position)
}

// A run that was given up is released long after newer ones have come.
func testOldRuns(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	g := w.awaiting(w.id())
	w.must(g.SelectSample(w.policy, "s1", aigen.Resolution{}))
	given, _ := g.PendingRun()
	_, err := g.AbandonReservation(w.policy, given.ID)
	w.must(err)
	w.keep(w.change(g))
	for range 5 {
		w.must(g.Regenerate(w.policy, w.input()))
		w.keep(w.reserved(g))
		w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
		w.keep(w.change(g))
	}
	_, err = g.ConfirmRelease(w.policy, given.ID, false)
	w.must(err)
	w.keep(w.change(g))
	require.Equal(t, aigen.ReservationRefused, w.get(g.ID).Runs[1].Reservation)
}

func testDiscard(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	before := w.rows()
	g := w.pending(w.id())
	c := w.change(g)
	c.Record = w.record(g, "key")
	w.apply(c)
	run, _ := g.PendingRun()
	_, err := g.RejectReservation(w.policy, run.ID, false)
	w.must(err)
	discard := w.change(g) // with the event and the notice that Refused has recorded
	discard.Discard, discard.ForgetKey, discard.ForgetRun = true, "key", run.ID
	late := &app.Change{Generation: g.Clone(), From: g.Version + 1, Discard: true}
	errs := w.Apply(w.ctx, []*app.Change{late})
	require.ErrorIs(t, errs[0], app.ErrVersionConflict)
	w.apply(discard)
	require.Equal(t, before, w.rows())
	_, err = w.Get(w.ctx, g.ID)
	require.ErrorIs(t, err, aigen.ErrNotFound)
	errs = w.Apply(w.ctx, []*app.Change{{Generation: g.Clone(), From: 1}})
	require.ErrorIs(t, errs[0], app.ErrVersionConflict, "it was removed since it was loaded")
}

func testDue(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	user := w.id()
	var made []*aigen.Generation
	for range 4 {
		made = append(made, w.create(user))
		w.clock.advance(time.Second)
	}
	w.must(made[1].Cancel(w.policy))
	w.apply(w.change(made[1]))

	due := func(now time.Time, limit int) []aigen.ID {
		ids, err := w.Due(w.ctx, now, limit)
		w.must(err)
		return ids
	}
	require.Empty(t, due(made[0].DueAt.Add(-time.Microsecond), 10))
	require.Equal(t, []aigen.ID{made[0].ID}, due(made[0].DueAt, 10), "due at the very moment")
	all := made[3].DueAt.Add(time.Hour)
	require.Equal(t, []aigen.ID{made[0].ID, made[2].ID, made[3].ID}, due(all, 10), "without the one that ended")
	require.Equal(t, []aigen.ID{made[0].ID, made[2].ID}, due(all, 2))
}

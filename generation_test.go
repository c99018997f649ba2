package aigen_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func TestNew(t *testing.T) {
	t.Parallel()
	w := setup()
	w.now = time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

	g := w.pending(t)

	assert.Equal(t, aigen.StatusPending, g.Status)
	assert.Equal(t, time.Date(2026, 11, 23, 11, 0, 0, 123456000, time.UTC), g.CreatedAt, "UTC, in microseconds")
	assert.Equal(t, g.CreatedAt, g.UpdatedAt)
	require.Len(t, g.Runs, 1)
	assert.Equal(t, aigen.ReservationPending, g.Runs[0].Reservation)
	assert.Equal(t, aigen.Credits(100), g.Runs[0].Amount, "four samples at 0.25")
	assert.Equal(t, g.CreatedAt.Add(w.ReserveTimeout), g.DueAt)
	assert.Equal(t, aigen.CreditTotals{}, g.Totals(), "nothing is held yet")
	assert.Empty(t, g.Runs[0].Jobs)
	events, effects := g.Drain()
	assert.Empty(t, events)
	assert.Empty(t, effects)
}

// TestWholeLife follows one generation from its request to its picture.
func TestWholeLife(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.pending(t)
	steps := []struct {
		name    string
		do      func()
		event   aigen.EventType
		effects []aigen.EffectKind
		credits aigen.CreditTotals
	}{
		{
			"reserved", func() { w.reserved(t, g) }, aigen.EventCreated,
			[]aigen.EffectKind{aigen.EffectDispatch}, aigen.CreditTotals{Reserved: 100},
		},
		{
			"samples", func() { w.applied(t, g, w.samples(job(g))) }, aigen.EventSamplesReady,
			[]aigen.EffectKind{aigen.EffectWithdraw, aigen.EffectDeduct, aigen.EffectNotify}, aigen.CreditTotals{Reserved: 100, Deducted: 100},
		},
		{
			"final", func() {
				require.NoError(t, g.SelectSample(w.Policy, secondSample, aigen.Resolution{}))
				w.reserved(t, g)
			}, aigen.EventFinalStarted,
			[]aigen.EffectKind{aigen.EffectDispatch}, aigen.CreditTotals{Reserved: 200, Deducted: 100},
		},
		{
			"final", func() { w.applied(t, g, w.final(job(g))) }, aigen.EventCompleted,
			[]aigen.EffectKind{aigen.EffectWithdraw, aigen.EffectDeduct, aigen.EffectNotify}, aigen.CreditTotals{Reserved: 200, Deducted: 200},
		},
	}
	for _, step := range steps {
		w.advance(time.Minute)
		step.do()
		events, effects := g.Drain()
		assert.Equal(t, []aigen.EventType{step.event}, eventTypes(events), step.name)
		assert.Equal(t, step.effects, kinds(effects), step.name)
		assert.Equal(t, step.credits, g.Totals(), step.name)
		assert.Equal(t, w.now, g.UpdatedAt, step.name)
	}
	assert.Equal(t, secondSample, g.SelectedSampleID)
	assert.Equal(t, "final-1", g.FinalAssetID)
	assert.Equal(t, "painter", g.AIModelUsed)
	assert.Nil(t, g.Failure)
}

func TestRegenerateTakesOverOnlyWhenPaid(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusAwaitingSelection)
	in, err := aigen.NewInput("a blue fox", "ink", []byte(`{"samples":2}`))
	require.NoError(t, err)

	require.NoError(t, g.Regenerate(w.Policy, in))
	assert.Equal(t, "a red fox", g.Input.Prompt, "the credits are not held yet")
	_, err = g.RejectReservation(w.Policy, newestRun(g).ID, true)
	require.NoError(t, err)
	assert.Equal(t, "a red fox", g.Input.Prompt, "nor ever")

	require.NoError(t, g.Regenerate(w.Policy, in))
	w.reserved(t, g)
	assert.Equal(t, in, g.Input)
	assert.Equal(t, aigen.Credits(50), newestRun(g).Amount, "two samples")
	assert.Len(t, g.Samples, 2, "the old ones stay until there are new ones")
}

func TestRunsAreBounded(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusAwaitingSelection)
	for len(g.Runs) < aigen.MaxRuns {
		require.NoError(t, g.Regenerate(w.Policy, g.Input))
		_, err := g.RejectReservation(w.Policy, newestRun(g).ID, true)
		require.NoError(t, err)
	}
	err := g.Regenerate(w.Policy, g.Input)
	require.ErrorIs(t, err, aigen.ErrInvalidState)
	assert.ErrorContains(t, err, "50 runs")
	assert.Len(t, g.Runs, aigen.MaxRuns)
	require.NoError(t, g.SelectSample(w.Policy, g.Samples[0].AssetID, aigen.Resolution{}), "the final is made all the same")
}

func TestSelectSamplePrices(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		asked, used aigen.Resolution
		price       aigen.Credits
	}{
		"as the format has it": {aigen.Resolution{}, aigen.Resolution{Width: 1080, Height: 1920}, 100},
		"at the border":        {aigen.Resolution{Width: 64, Height: 2048}, aigen.Resolution{Width: 64, Height: 2048}, 100},
		"wide beyond it":       {aigen.Resolution{Width: 2049, Height: 64}, aigen.Resolution{Width: 2049, Height: 64}, 200},
		"tall beyond it":       {aigen.Resolution{Width: 64, Height: 2049}, aigen.Resolution{Width: 64, Height: 2049}, 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup()
			g := w.in(t, aigen.StatusAwaitingSelection)
			require.NoError(t, g.SelectSample(w.Policy, firstSample, test.asked))
			assert.Equal(t, test.used, newestRun(g).Resolution)
			assert.Equal(t, test.price, newestRun(g).Amount)
			cost, known := g.Cost(aigen.StageFinal)
			assert.True(t, known)
			assert.Equal(t, test.price, cost)
			cost, known = g.Cost(aigen.StageSamples)
			assert.True(t, known)
			assert.Equal(t, aigen.Credits(100), cost)
			assert.Empty(t, g.SelectedSampleID, "not before the credits are held")
		})
	}
}

// TestCloneSharesNothing changes a clone by every verb in every situation.
func TestCloneSharesNothing(t *testing.T) {
	t.Parallel()
	for name, verb := range verbs() {
		for _, s := range situations {
			w := setup()
			g := w.in(t, s.status)
			if s.make != nil {
				g = s.make(w, t)
			}
			before := snapshot(t, g)
			_, _ = verb(w, g.Clone())
			assert.Equal(t, before, snapshot(t, g), "%s in %s", name, s.name)
		}
	}
}

// TestInBackground: only a reservation that has no answer is the outbox's to ask for.
func TestInBackground(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.pending(t)
	run := newestRun(g).ID
	assert.False(t, g.ReservationDeferred(run), "a caller waits for the answer")
	require.NoError(t, g.DeferReservation(w.Policy))
	assert.True(t, g.ReservationDeferred(run))
	w.reserved(t, g)
	assert.False(t, g.ReservationDeferred(run), "it is held: the deadline is that of its stage")
}

// TestEndWithdrawsTheJob: however a generation ends while a job is live, nobody is to
// get the job any more.
func TestEndWithdrawsTheJob(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *fixture, g *aigen.Generation){
		"cancel": func(w *fixture, g *aigen.Generation) { require.NoError(t, g.Cancel(w.Policy)) },
		"fail":   func(w *fixture, g *aigen.Generation) { require.NoError(t, g.Fail(w.Policy, aigen.Failure{Code: "x"})) },
		"operator": func(w *fixture, g *aigen.Generation) {
			require.NoError(t, g.FailByOperator(w.Policy, aigen.OperatorNote{ID: w.NewID(), Reason: "x"}))
		},
		"expire": func(w *fixture, g *aigen.Generation) { w.now = g.DueAt; expired(t, w, g) },
		"reject": func(w *fixture, g *aigen.Generation) { w.applied(t, g, w.rejected(job(g))) },
		"dispatch": func(w *fixture, g *aigen.Generation) {
			_, err := g.DispatchFailed(w.Policy, job(g))
			require.NoError(t, err)
		},
		"failure": func(w *fixture, g *aigen.Generation) { w.applied(t, g, w.failure(job(g), g.Stage(), false)) },
	} {
		for _, status := range []aigen.Status{aigen.StatusProcessingSamples, aigen.StatusProcessingFinal} {
			w := setup()
			g := w.in(t, status)
			live := job(g)
			g.Drain()
			end(w, g)
			_, effects := g.Drain()
			assert.Contains(t, effects, aigen.Effect{Kind: aigen.EffectWithdraw, RunID: newestRun(g).ID, JobID: live}, name)
		}
	}
}

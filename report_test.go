package aigen_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// says reports and checks that nothing but an applied report changes anything.
func says(t *testing.T, w *fixture, g *aigen.Generation, rep aigen.Report, want aigen.Outcome) {
	t.Helper()
	before := snapshot(t, g)
	got, err := g.Report(w.Policy, rep)
	require.NoError(t, err)
	require.Equal(t, want, got)
	if want == aigen.OutcomeApplied {
		return
	}
	assert.Equal(t, before, snapshot(t, g), "%s changes nothing", want)
	events, effects := g.Drain()
	assert.Empty(t, events)
	assert.Empty(t, effects)
}

// TestRepeatsAreDuplicatesWheneverTheyCome sends each report of a life again after
// every later step, with and without the job's id.
func TestRepeatsAreDuplicatesWheneverTheyCome(t *testing.T) {
	t.Parallel()
	for _, named := range []bool{true, false} {
		w := setup()
		var told []aigen.Report
		g := w.in(t, aigen.StatusProcessingSamples)
		tell := func(rep aigen.Report) {
			if !named {
				rep.JobID = aigen.ID{}
			}
			says(t, w, g, rep, aigen.OutcomeApplied)
			g.Drain()
			told = append(told, rep)
		}
		repeat := func() {
			w.advance(time.Second)
			for range 2 {
				for _, rep := range told {
					says(t, w, g, rep, aigen.OutcomeDuplicate)
				}
			}
		}
		tell(w.failure(job(g), aigen.StageSamples, true))
		repeat()
		tell(w.samples(job(g)))
		repeat()
		require.NoError(t, g.Regenerate(w.Policy, g.Input))
		repeat()
		w.reserved(t, g)
		g.Drain()
		repeat()
		tell(w.samples(job(g)))
		repeat()
		require.NoError(t, g.SelectSample(w.Policy, firstSample, aigen.Resolution{}))
		w.reserved(t, g)
		g.Drain()
		repeat()
		tell(w.failure(job(g), aigen.StageFinal, true))
		repeat()
		tell(w.final(job(g)))
		require.Equal(t, aigen.StatusCompleted, g.Status)
		repeat()
		w.advance(10_000 * time.Hour)
		repeat()
	}
}

// TestSameResultInOtherWords: an engine that got the job twice makes other pictures.
func TestSameResultInOtherWords(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusProcessingSamples)
	first := job(g)
	says(t, w, g, w.samples(first), aigen.OutcomeApplied)
	g.Drain()
	other := w.samples(first)
	other.Samples = []aigen.Asset{{AssetID: "other", URL: "/o.png"}}
	says(t, w, g, other, aigen.OutcomeDuplicate)
	assert.Equal(t, firstSample, g.Samples[0].AssetID)
}

func TestReplacedJobsAreStale(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusProcessingSamples)
	first := job(g)
	says(t, w, g, w.failure(first, aigen.StageSamples, true), aigen.OutcomeApplied)
	g.Drain()
	require.NotEqual(t, first, job(g))
	says(t, w, g, w.samples(first), aigen.OutcomeStale)
	says(t, w, g, w.rejected(first), aigen.OutcomeStale)

	second := job(g)
	says(t, w, g, w.samples(second), aigen.OutcomeApplied)
	require.NoError(t, g.Regenerate(w.Policy, g.Input))
	w.reserved(t, g)
	g.Drain()
	says(t, w, g, w.failure(second, aigen.StageSamples, false), aigen.OutcomeStale)
	says(t, w, g, w.rejected(second), aigen.OutcomeStale)
	says(t, w, g, w.samples(first), aigen.OutcomeStale)
	says(t, w, g, w.samples(second), aigen.OutcomeDuplicate)
}

// TestFailureAfterSuccess is a fault of the Python version: it refunded.
func TestFailureAfterSuccess(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusCompleted)
	last := job(g)
	for range 2 {
		says(t, w, g, w.failure(last, aigen.StageFinal, false), aigen.OutcomeIgnored)
	}
	assert.Equal(t, aigen.CreditTotals{Reserved: 200, Deducted: 200}, g.Totals())
}

func TestContradictionsAreRefused(t *testing.T) {
	t.Parallel()
	refused := func(w *fixture, g *aigen.Generation, rep aigen.Report) {
		t.Helper()
		before := g.Clone()
		_, err := g.Report(w.Policy, rep)
		require.Equal(t, aigen.CodeCallbackContradiction, aigen.CodeOf(err))
		require.Equal(t, before, g)
	}
	w := setup()
	g := w.in(t, aigen.StatusProcessingSamples)
	refused(w, g, w.final(job(g)))
	refused(w, g, w.final(aigen.ID{}))
	refused(w, g, w.failure(job(g), aigen.StageFinal, true))

	w = setup()
	g = w.in(t, aigen.StatusProcessingFinal)
	refused(w, g, w.samples(job(g)))
	refused(w, g, w.failure(job(g), aigen.StageSamples, false))
	samplesJob := g.Runs[0].Jobs[0].ID
	refused(w, g, w.final(samplesJob))
}

// TestKindAgainstStage: a report that contradicts itself must not panic or move anything.
func TestKindAgainstStage(t *testing.T) {
	t.Parallel()
	for _, status := range aigen.Statuses() {
		for _, stage := range []aigen.Stage{"", aigen.StageSamples, aigen.StageFinal} {
			for _, named := range []bool{true, false} {
				w := setup()
				g := w.in(t, status)
				samples, final := w.samples(aigen.ID{}), w.final(aigen.ID{})
				if named {
					samples.JobID, final.JobID = jobOr(g, w.newID()), jobOr(g, w.newID())
				}
				samples.Stage, final.Stage = stage, stage
				assert.NotPanics(t, func() { _, _ = g.Clone().Report(w.Policy, samples) }, "%s samples %q", status, stage)
				assert.NotPanics(t, func() { _, _ = g.Clone().Report(w.Policy, final) }, "%s final %q", status, stage)
			}
		}
	}
}

func TestUnknownKind(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusProcessingSamples)
	before := g.Clone()
	_, err := g.Report(w.Policy, aigen.Report{JobID: job(g), Kind: "gossip", Fingerprint: w.fresh(), AIModelUsed: "x"})
	require.Error(t, err)
	assert.Equal(t, before, g, "refused, so nothing changes")
}

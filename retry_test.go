package aigen_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func TestRetryableFailuresUpToTheMax(t *testing.T) {
	t.Parallel()
	for status, retrying := range map[aigen.Status]aigen.EventType{
		aigen.StatusProcessingSamples: aigen.EventSamplesRetrying,
		aigen.StatusProcessingFinal:   aigen.EventFinalRetrying,
	} {
		w := setup()
		g := w.in(t, status)
		held := g.Totals().Held()
		for attempt := 1; attempt < 3; attempt++ {
			assert.Equal(t, attempt, g.Attempt())
			failed := job(g)
			w.applied(t, g, w.failure(failed, g.Stage(), true))
			events, effects := g.Drain()
			require.Equal(t, []aigen.EventType{retrying}, eventTypes(events))
			assert.Equal(t, aigen.Code("gpu_lost"), events[0].Data.Error.Code)
			assert.Equal(t, attempt+1, events[0].Data.Attempt)
			require.NotEqual(t, failed, job(g))
			assert.Equal(t, []aigen.Effect{{Kind: aigen.EffectWithdraw, RunID: newestRun(g).ID, JobID: failed}, {
				Kind: aigen.EffectDispatch, RunID: newestRun(g).ID, JobID: job(g),
				Delay: time.Duration(attempt) * 10 * time.Second,
			}}, effects)
			assert.Equal(t, status, g.Status)
			assert.Equal(t, held, g.Totals().Held(), "one reservation for all attempts")
			assert.Nil(t, g.Failure)
		}
		w.applied(t, g, w.failure(job(g), g.Stage(), true))
		assert.Equal(t, aigen.StatusFailed, g.Status)
		assert.Equal(t, aigen.Code("gpu_lost"), g.Failure.Code)
		assert.Zero(t, g.Totals().Held())
		_, effects := g.Drain()
		assert.Equal(t, []aigen.EffectKind{aigen.EffectWithdraw, aigen.EffectRefund, aigen.EffectNotify}, kinds(effects))
	}
}

func TestNoTimeLeftForAnotherAttempt(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]aigen.Status{
		10*time.Second + time.Microsecond: aigen.StatusProcessingSamples, // the delay before attempt 2 is 10 s
		10 * time.Second:                  aigen.StatusFailed,
	} {
		w := setup()
		g := w.in(t, aigen.StatusProcessingSamples)
		w.now = g.DueAt.Add(-left)
		w.applied(t, g, w.failure(job(g), aigen.StageSamples, true))
		assert.Equal(t, want, g.Status, left)
	}
}

// TestAttemptsAreThoseOfOneRun: a regeneration starts to count again.
func TestAttemptsAreThoseOfOneRun(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusProcessingSamples)
	for range 2 {
		w.applied(t, g, w.failure(job(g), aigen.StageSamples, true))
	}
	w.applied(t, g, w.samples(job(g)))
	require.NoError(t, g.Regenerate(w.Policy, g.Input))
	assert.Equal(t, 3, g.Attempt(), "what was last worked on")
	w.reserved(t, g)
	assert.Equal(t, 1, g.Attempt())
	w.applied(t, g, w.failure(job(g), aigen.StageSamples, true))
	assert.Equal(t, aigen.StatusProcessingSamples, g.Status)
}

func TestLateSuccessOfAnEarlierAttempt(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusProcessingFinal)
	first := job(g)
	w.applied(t, g, w.failure(first, aigen.StageFinal, true))
	g.Drain()
	says(t, w, g, w.final(first), aigen.OutcomeStale)
	says(t, w, g, w.final(job(g)), aigen.OutcomeApplied)
	g.Drain()
	says(t, w, g, w.final(first), aigen.OutcomeIgnored)
}

func TestRejected(t *testing.T) {
	t.Parallel()
	tests := map[bool]struct {
		effect aigen.EffectKind
		totals aigen.CreditTotals
	}{
		false: {aigen.EffectRefund, aigen.CreditTotals{Reserved: 100, Refunded: 100}},
		true:  {aigen.EffectDeduct, aigen.CreditTotals{Reserved: 100, Deducted: 100}},
	}
	for charge, test := range tests {
		w := setup()
		w.ChargeRejected = charge
		g := w.in(t, aigen.StatusProcessingSamples)
		says(t, w, g, w.rejected(job(g)), aigen.OutcomeApplied)
		assert.Equal(t, aigen.StatusContentRejected, g.Status)
		assert.Equal(t, aigen.CodeContentRejected, g.Failure.Code)
		assert.Equal(t, test.totals, g.Totals())
		events, effects := g.Drain()
		assert.Equal(t, []aigen.EventType{aigen.EventRejected}, eventTypes(events))
		assert.Equal(t, test.totals, events[0].Data.Credits)
		assert.Equal(t, []aigen.EffectKind{aigen.EffectWithdraw, test.effect, aigen.EffectNotify}, kinds(effects))
		assert.Equal(t, aigen.EventRejected, effects[2].Notice)
	}
}

// TestOnlyRejectionsAreCharged: the policy is about content, not about failures.
func TestOnlyRejectionsAreCharged(t *testing.T) {
	t.Parallel()
	w := setup()
	w.ChargeRejected = true
	g := w.in(t, aigen.StatusProcessingSamples)
	w.applied(t, g, w.failure(job(g), aigen.StageSamples, false))
	assert.Equal(t, aigen.CreditTotals{Reserved: 100, Refunded: 100}, g.Totals())
}

package aigen_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func TestStageTimeout(t *testing.T) {
	t.Parallel()
	for stage, after := range map[aigen.Status]time.Duration{
		aigen.StatusProcessingSamples: 5 * time.Minute,
		aigen.StatusProcessingFinal:   10 * time.Minute,
	} {
		w := setup()
		g := w.in(t, stage)
		start := w.now
		w.advance(time.Minute)
		w.applied(t, g, w.failure(job(g), g.Stage(), true))
		g.Drain()
		assert.Equal(t, start.Add(after), g.DueAt, "another attempt gets no more time")

		w.now = g.DueAt
		expired(t, w, g)
		assert.Equal(t, aigen.StatusFailed, g.Status)
		assert.Equal(t, aigen.CodeTimeout, g.Failure.Code)
		assert.Equal(t, aigen.ReservationRefunded, newestRun(g).Reservation)
		events, effects := g.Drain()
		assert.Equal(t, []aigen.EventType{aigen.EventFailed}, eventTypes(events))
		assert.Equal(t, []aigen.EffectKind{aigen.EffectWithdraw, aigen.EffectRefund, aigen.EffectNotify}, kinds(effects))
	}
}

func TestSelectionExpires(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusAwaitingSelection)
	w.advance(720*time.Hour - time.Microsecond)
	changed, err := g.Expire(w.Policy)
	require.NoError(t, err)
	require.False(t, changed)

	w.advance(time.Microsecond)
	expired(t, w, g)
	assert.Equal(t, aigen.StatusCancelled, g.Status)
	assert.Equal(t, aigen.CodeSelectionExpired, g.Failure.Code)
	assert.Equal(t, aigen.CreditTotals{Reserved: 100, Deducted: 100}, g.Totals(), "the samples were made")
	_, effects := g.Drain()
	assert.Equal(t, []aigen.EffectKind{aigen.EffectNotify}, kinds(effects))
}

// TestReservationWithoutAnswer: whoever asked is gone, so the outbox asks; when the
// time of the stage is over, the run is given up and what may be held is released.
func TestReservationWithoutAnswer(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.pending(t)
	w.now = g.DueAt
	expired(t, w, g)
	events, effects := g.Drain()
	assert.Empty(t, events)
	assert.Equal(t, []aigen.Effect{{Kind: aigen.EffectReserve, RunID: newestRun(g).ID, Amount: 100}}, effects)
	assert.Equal(t, aigen.StatusPending, g.Status)

	assert.Equal(t, w.now.Add(w.SamplesTimeout), g.DueAt)
	w.now = g.DueAt
	expired(t, w, g)
	_, effects = g.Drain()
	assert.Equal(t, aigen.StatusFailed, g.Status)
	assert.Equal(t, aigen.CodeCreditServiceUnavailable, g.Failure.Code)
	assert.Equal(t, []aigen.EffectKind{aigen.EffectRelease, aigen.EffectNotify}, kinds(effects))
	late, err := g.ConfirmReservation(w.Policy, newestRun(g).ID)
	require.NoError(t, err)
	assert.False(t, late, "the answer came after all: the release frees what it holds")
	assert.Equal(t, aigen.CreditTotals{}, g.Totals())
}

func TestChoiceWithoutAnswer(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.choosing(t)
	w.now = g.DueAt
	expired(t, w, g)
	assert.Equal(t, w.now.Add(w.FinalTimeout), g.DueAt)
	w.now = g.DueAt
	expired(t, w, g)
	events, effects := g.Drain()
	assert.Equal(t, []aigen.EventType{aigen.EventCreditsUnavailable}, eventTypes(events))
	assert.Equal(t, []aigen.EffectKind{aigen.EffectReserve, aigen.EffectRelease}, kinds(effects))
	assert.Equal(t, aigen.StatusAwaitingSelection, g.Status)
	assert.Equal(t, g.SelectBy, g.DueAt, "the person may choose again")
	require.NoError(t, g.SelectSample(w.Policy, secondSample, aigen.Resolution{}))
}

// TestChoiceAtTheLastMoment: the deadline of the selection is never put off.
func TestChoiceAtTheLastMoment(t *testing.T) {
	t.Parallel()
	w := setup()
	g := w.in(t, aigen.StatusAwaitingSelection)
	w.now = g.SelectBy.Add(-time.Second)
	require.NoError(t, g.SelectSample(w.Policy, firstSample, aigen.Resolution{}))
	require.NoError(t, g.DeferReservation(w.Policy))
	assert.Equal(t, g.SelectBy, g.DueAt)
	g.Drain()

	w.now = g.SelectBy
	expired(t, w, g)
	_, effects := g.Drain()
	assert.Equal(t, aigen.StatusCancelled, g.Status)
	assert.Equal(t, []aigen.EffectKind{aigen.EffectRelease, aigen.EffectNotify}, kinds(effects))
}

func expired(t *testing.T, w *fixture, g *aigen.Generation) {
	t.Helper()
	changed, err := g.Expire(w.Policy)
	require.NoError(t, err)
	require.True(t, changed)
}

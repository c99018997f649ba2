package app_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func TestDeadlineFailsAndRefunds(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	job := w.liveJob(id)
	w.clock.advance(5*time.Minute - time.Second)
	assert.Zero(t, w.sweeper.Sweep(t.Context()))
	w.clock.advance(2 * time.Second)
	assert.Equal(t, 1, w.sweeper.Sweep(t.Context()))
	assert.Zero(t, w.sweeper.Sweep(t.Context()), "nothing is due after the end")

	g := w.generation(id)
	assert.Equal(t, aigen.StatusFailed, g.Status)
	assert.Equal(t, aigen.CodeTimeout, g.Failure.Code)
	b, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 1000, Available: 1000}, b)

	res, err := w.report(id, samples(job))
	require.NoError(t, err)
	assert.Equal(t, app.Processed{Outcome: aigen.OutcomeIgnored, Status: aigen.StatusFailed}, res)
}

func TestSelectionExpires(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	_, err := w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)
	w.clock.advance(720*time.Hour + time.Second)
	assert.Equal(t, 1, w.sweeper.Sweep(t.Context()))
	g := w.generation(id)
	assert.Equal(t, aigen.StatusCancelled, g.Status)
	assert.Equal(t, aigen.CodeSelectionExpired, g.Failure.Code)
	assert.Equal(t, aigen.CreditTotals{Reserved: 50, Deducted: 50}, g.Totals(), "the samples were delivered")
}

// Sweepers of several processes at once, and callbacks in between: each generation
// ends once, by the one or the other, and the money fits the end.
func TestSweepersAndCallbacksAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 100000})
	const n = 100
	ids, jobs := make([]aigen.ID, n), make([]aigen.ID, n)
	for i := range n {
		ids[i] = w.create()
		jobs[i] = w.liveJob(ids[i])
	}
	w.clock.advance(6 * time.Minute)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { w.sweeper.Sweep(t.Context()) })
	}
	for i := range n {
		wg.Go(func() {
			_, err := w.report(ids[i], samples(jobs[i]))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	var spent aigen.Credits
	for _, id := range ids {
		g := w.generation(id)
		switch g.Status {
		case aigen.StatusAwaitingSelection:
			assert.Equal(t, aigen.CreditTotals{Reserved: 50, Deducted: 50}, g.Totals())
			spent += 50
		default:
			assert.Equal(t, aigen.StatusFailed, g.Status)
			assert.Equal(t, aigen.CreditTotals{Reserved: 50, Refunded: 50}, g.Totals())
		}
	}
	b, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 100000 - spent, Available: 100000 - spent}, b)
}

// A user who cancels while the engine reports: the loser of the race is told, and
// the money fits the winner.
func TestCancelAndCallbackAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 100000})
	for range 100 {
		id := w.create()
		job := w.liveJob(id)
		var wg sync.WaitGroup
		wg.Go(func() {
			_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
			assert.NoError(t, err, "samples are no end: cancelling is possible before and after")
		})
		wg.Go(func() {
			_, err := w.report(id, samples(job))
			assert.NoError(t, err)
		})
		wg.Wait()
		g := w.generation(id)
		assert.Equal(t, aigen.StatusCancelled, g.Status)
		assert.Zero(t, g.Totals().Held())
	}
}

// What ended is removed after the retention; what has not ended stays, however old.
func TestEndedAreRemoved(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	ended, open := w.create(), w.create()
	_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: ended})
	require.NoError(t, err)
	sweep := func() (stop func()) {
		w.sweeper.KeepEnded(24 * time.Hour)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- w.sweeper.Run(ctx) }()
		return func() { cancel(); require.NoError(t, <-done) }
	}
	gone := func(id aigen.ID) bool {
		_, err := w.GetGeneration(t.Context(), w.user, id)
		return errors.Is(err, aigen.ErrNotFound)
	}
	_, err = w.report(open, samples(w.liveJob(open)))
	require.NoError(t, err)
	w.clock.advance(24*time.Hour + time.Second)
	stop := sweep()
	w.until("the ended one is removed", func() bool { return gone(ended) })
	stop()
	require.False(t, gone(open))
	_, faults, err := w.store.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}

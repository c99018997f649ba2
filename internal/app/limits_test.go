package app_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ratelimit"
)

// limited is a workbench with these limits.
func limited(t *testing.T, l app.Limits) *fixture {
	t.Helper()
	w := setup(t, options{credits: 1_000_000})
	var err error
	w.Service, err = app.New(app.Config{Policy: w.policy, Store: w.store, Ledger: w.store, Limits: l})
	require.NoError(t, err)
	return w
}

func overLimit(t *testing.T, err error, code aigen.Code) time.Duration {
	t.Helper()
	require.Equal(t, code, aigen.CodeOf(err))
	var limit *app.LimitError
	require.ErrorAs(t, err, &limit)
	require.Positive(t, limit.RetryAfter())
	return limit.RetryAfter()
}

// A user has as many generations as MAX_QUEUED_PER_USER, whoever asks at the same time.
func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	const most, callers = 7, 40
	w := limited(t, app.Limits{QueuedPerUser: most})
	before, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	var accepted atomic.Int32
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			switch _, err := w.initiate(app.RequestKey{}); {
			case err == nil:
				accepted.Add(1)
			case aigen.CodeOf(err) != aigen.CodeQueueFull:
				t.Errorf("refused as %v", err)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, int(accepted.Load()), most)
	for range most - int(accepted.Load()) { // one refused while another was being written
		w.create()
	}
	_, err = w.initiate(app.RequestKey{})
	overLimit(t, err, aigen.CodeQueueFull)
	after, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	require.Equal(t, before.Available-most*50, after.Available, "nothing is held for what was refused")

	w.user = newID()
	w.create() // another user is not concerned
}

// What ends, and what waits for a choice, makes room. A choice needs room again.
func TestQueueHasRoomAgain(t *testing.T) {
	t.Parallel()
	w := limited(t, app.Limits{QueuedPerUser: 2})
	first, second := w.create(), w.create()
	_, err := w.initiate(app.RequestKey{})
	overLimit(t, err, aigen.CodeQueueFull)

	_, _, err = w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: first})
	require.NoError(t, err)
	w.create()
	_, err = w.initiate(app.RequestKey{})
	overLimit(t, err, aigen.CodeQueueFull)

	w.reported(second, samples(w.liveJob(second)))
	w.create()
	_, err = w.SelectSample(t.Context(), app.SelectSample{UserID: w.user, GenerationID: second, SampleID: "s1"})
	overLimit(t, err, aigen.CodeQueueFull)
}

// A restart does not forget the queue.
func TestQueueAfterRestart(t *testing.T) {
	t.Parallel()
	w := limited(t, app.Limits{QueuedPerUser: 3})
	for range 3 {
		w.create()
	}
	var err error
	w.Service, err = app.New(app.Config{Policy: w.policy, Store: w.store, Ledger: w.store, Limits: app.Limits{QueuedPerUser: 3}})
	require.NoError(t, err)
	_, err = w.initiate(app.RequestKey{})
	overLimit(t, err, aigen.CodeQueueFull)
}

// What another replica has accepted is seen within a turn.
func TestQueueOfTwoReplicas(t *testing.T) {
	t.Parallel()
	w := limited(t, app.Limits{QueuedPerUser: 100})
	w.create() // counted: a quarter of the rest may go ahead
	other, err := app.New(app.Config{Policy: w.policy, Store: w.store, Ledger: w.store})
	require.NoError(t, err)
	here := w.Service
	w.Service = other
	for range 100 {
		w.create()
	}
	w.Service = here
	w.clock.advance(time.Minute)
	_, err = w.initiate(app.RequestKey{})
	overLimit(t, err, aigen.CodeQueueFull)
}

// Calls that start work count; cancels and repeats do not.
func TestStartsAreBounded(t *testing.T) {
	t.Parallel()
	rate := app.Rate{Requests: 3, Per: time.Minute}
	w := limited(t, app.Limits{Starts: ratelimit.New(rate, (&clock{}).Now)})
	k := app.RequestKey{Key: "k"}
	a, err := w.initiate(k)
	require.NoError(t, err)
	for range 5 {
		again, err := w.initiate(k)
		require.NoError(t, err, "a repeat starts nothing")
		require.True(t, again.Replayed)
	}
	_, _, err = w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: a.GenerationID})
	require.NoError(t, err)
	w.create()
	second := w.create()
	_, err = w.initiate(app.RequestKey{})
	require.LessOrEqual(t, overLimit(t, err, aigen.CodeRateLimited), 20*time.Second)
	_, err = w.SelectSample(t.Context(), app.SelectSample{UserID: w.user, GenerationID: second, SampleID: "s1"})
	overLimit(t, err, aigen.CodeRateLimited)
	require.NotErrorIs(t, err, aigen.ErrInvalidState, "refused before the generation is looked at")
}

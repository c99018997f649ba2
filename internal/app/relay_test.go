package app_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// A notification service that is gone holds nothing up, and is told what is still
// worth telling when it is back, each under the id it had from the start.
func TestNotificationsHoldNothingUp(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000, attempts: 1000})
	w.notifier.err = errors.New("gone")
	w.engine.set(func(e *fakeEngine) { e.callBack = true })
	w.run()
	id := w.create()
	w.untilStatus(id, aigen.StatusAwaitingSelection)
	var waiting outbox.Delivery
	w.until("the notification waits", func() bool {
		for _, d := range w.deliveries() {
			if d.Kind == outbox.DeliverNotify && d.Attempts > 1 {
				waiting = d
			}
		}
		return waiting.Attempts > 1
	})
	assert.Equal(t, "gone", waiting.LastError)
	w.notifier.mu.Lock()
	w.notifier.err = nil
	w.notifier.mu.Unlock()
	w.until("the notification", func() bool { return len(w.notifier.types()) == 1 })
	w.notifier.mu.Lock()
	defer w.notifier.mu.Unlock()
	assert.Equal(t, waiting.ID, w.notifier.notes[0].ID)
	assert.Equal(t, aigen.EventSamplesReady, w.notifier.notes[0].Payload.Type)
	assert.Len(t, w.notifier.notes[0].Payload.SampleAssets, 2)
}

// What was written in this process is delivered at once, not at the next poll.
func TestRelayWakesWithoutPolling(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	slow := newRelay(w.Service, w.store, w.engine, w.notifier, tokensFor(t), outbox.Config{Owner: "slow", Poll: time.Hour})
	w.relay = slow
	w.run()
	w.create()
	w.until("the job", func() bool { return len(w.engine.taken()) == 1 })
}

func tokensFor(t *testing.T) app.JobCallbacks {
	t.Helper()
	tokens, err := app.NewJobTokens([]byte("a secret for tests"))
	require.NoError(t, err)
	return app.JobCallbacks{URL: "http://here/cb", Tokens: tokens}
}

// silentEngine takes jobs and never says what became of them, as one that hangs.
type silentEngine struct{ got chan app.JobMessage }

func (silentEngine) Window() int { return 4 }

func (s silentEngine) Publish(ctx context.Context, jobs []app.JobMessage, done func(int, error)) {
	for i, j := range jobs {
		s.got <- j
		go func() {
			<-ctx.Done()
			done(i, outbox.ErrReturned)
		}()
	}
}

// A relay that stops gives back what it could not finish: the next has it at once
// and the attempt was not counted.
func TestStopReturnsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	silent := silentEngine{make(chan app.JobMessage, 10)}
	first := newRelay(w.Service, w.store, silent, w.notifier, tokensFor(t),
		outbox.Config{Owner: "first", StopGrace: 100 * time.Millisecond, Lease: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- first.Run(ctx) }()
	w.create()
	<-silent.got
	cancel()
	require.NoError(t, <-done)
	ds := w.deliveries()
	require.Len(t, ds, 1)
	assert.Zero(t, ds[0].Attempts)

	w.run()
	w.until("the other relay has it", func() bool { return len(w.engine.taken()) == 1 })
}

// A relay that was killed holds leases; a process that is the only one on its store
// takes them up at its start, others wait for their end.
func TestKilledRelayLosesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	w.create()
	now := time.Now()
	ds, err := w.store.ClaimDeliveries(t.Context(), outbox.Claim{
		Queue: outbox.QueueJobs, Owner: "killed", Limit: 10, Now: now, Until: now.Add(time.Hour),
	})
	require.NoError(t, err)
	require.Len(t, ds, 1)
	o := &flakyStore{Store: w.store}
	o.full.Store(2) // at its start the disk is full
	w.relay = newRelay(w.Service, o, w.engine, w.notifier, tokensFor(t),
		outbox.Config{Owner: "killed", ReleaseOnStart: true})
	w.run()
	w.until("the job", func() bool { return len(w.engine.taken()) == 1 })
	assert.Equal(t, ds[0].ID, w.engine.taken()[0].JobID)
}

// A retryable failure makes a new job for the same run; the last one fails it.
func TestRetriesThenFails(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	w.run()
	id := w.create()
	for attempt := range 3 {
		w.until("the job", func() bool { return len(w.engine.taken()) == attempt+1 })
		j := w.engine.taken()[attempt]
		assert.Equal(t, attempt+1, j.Attempt)
		res, err := w.report(id, failure(j.JobID, true))
		require.NoError(t, err)
		assert.Equal(t, aigen.OutcomeApplied, res.Outcome)
		res, err = w.report(id, failure(j.JobID, true))
		require.NoError(t, err)
		assert.Equal(t, aigen.OutcomeDuplicate, res.Outcome)
	}
	g := w.generation(id)
	assert.Equal(t, aigen.StatusFailed, g.Status)
	assert.Equal(t, aigen.Code("boom"), g.Failure.Code)
	assert.Equal(t, aigen.CreditTotals{Reserved: 50, Refunded: 50}, g.Totals())
	assert.Len(t, g.Runs, 1)
	res, err := w.report(id, samples(w.engine.taken()[0].JobID))
	require.NoError(t, err)
	assert.Equal(t, aigen.OutcomeIgnored, res.Outcome)
}

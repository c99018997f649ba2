package app_test

import (
	"encoding/json"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// What the original Python version did wrong, each seen there. The tests that need
// HTTP (no token, X-User-ID) are in internal/httpapi.

// "285 of 300 callbacks sent twice at once deducted twice."
func TestCallbacksAtOnceMoveCreditsOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	job := w.liveJob(id)
	outcomes := make(chan aigen.Outcome, 1000)
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			res, err := w.report(id, samples(job))
			assert.NoError(t, err)
			outcomes <- res.Outcome
		})
	}
	wg.Wait()
	close(outcomes)
	tally := map[aigen.Outcome]int{}
	for o := range outcomes {
		tally[o]++
	}
	assert.Equal(t, map[aigen.Outcome]int{aigen.OutcomeApplied: 1, aigen.OutcomeDuplicate: 999}, tally)
	b, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 950, Available: 950}, b)
}

// "A failure callback after success refunds, and a second one refunds again."
func TestFailureAfterSuccessMovesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	job := w.liveJob(id)
	_, err := w.report(id, samples(job))
	require.NoError(t, err)
	for range 2 {
		res, err := w.report(id, failure(job, false))
		require.NoError(t, err)
		assert.Equal(t, aigen.OutcomeStale, res.Outcome)
	}
	b, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 950, Available: 950}, b)
	assert.Equal(t, aigen.StatusAwaitingSelection, w.generation(id).Status)
}

// "Broker gone: credits reserved, nothing recorded, nothing released." Here the job
// waits in the outbox, and if the broker stays away the user gets the credits back.
func TestBrokerGone(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000, attempts: 3})
	w.engine.set(func(e *fakeEngine) { e.err = errors.New("connection refused") })
	w.run()
	id := w.create()
	w.untilStatus(id, aigen.StatusFailed)
	g := w.generation(id)
	assert.Equal(t, aigen.CodeDispatchFailed, g.Failure.Code)
	assert.Equal(t, aigen.CreditTotals{Reserved: 50, Refunded: 50}, g.Totals())
	b, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 1000, Available: 1000}, b)
	w.until("the dead letter says why", func() bool {
		ds := w.deliveries()
		return len(ds) == 1 && ds[0].State == outbox.DeliveryDead && ds[0].LastError == "connection refused" && ds[0].Attempts == 3
	})
}

func TestBrokerBack(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000, attempts: 1000})
	w.engine.set(func(e *fakeEngine) { e.err = errors.New("connection refused") })
	w.run()
	id := w.create()
	w.until("some attempts", func() bool { return len(w.deliveries()) == 1 && w.deliveries()[0].Attempts > 3 })
	w.engine.set(func(e *fakeEngine) { e.err = nil })
	w.until("the job is out", func() bool { return len(w.engine.taken()) == 1 && len(w.deliveries()) == 0 })
	assert.Equal(t, w.liveJob(id), w.engine.taken()[0].JobID)
}

// "Killed between publish and commit: jobs without a row, whose callbacks get 404;
// the callback can overtake the commit even without a crash." A job leaves only
// after the commit, so that an engine which answers within the publish is heard.
func TestCallbackWithinPublish(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 10000})
	w.engine.set(func(e *fakeEngine) { e.callBack = true })
	w.run()
	for range 20 {
		id := w.create()
		w.untilStatus(id, aigen.StatusAwaitingSelection)
		_, err := w.SelectSample(t.Context(), app.SelectSample{UserID: w.user, GenerationID: id, SampleID: "s1"})
		require.NoError(t, err)
		w.untilStatus(id, aigen.StatusCompleted)
	}
	w.until("an empty outbox", func() bool { return len(w.deliveries()) == 0 })
	b, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 7000, Available: 7000}, b, "20 times 0.50 and 1.00")
}

// "Odoo down answers 402 insufficient credits and loses refunds."
func TestOdooDownIsNoRefusal(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000})
	w.odoo.set(func(o *fakeOdoo) { o.down = true })
	_, err := w.initiate(app.RequestKey{})
	require.ErrorIs(t, err, aigen.ErrCreditsUnavailable)
	require.NotErrorIs(t, err, aigen.ErrInsufficientCredits)
}

func TestRefundWaitsForOdoo(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000, attempts: 2})
	w.run()
	id := w.create()
	w.odoo.set(func(o *fakeOdoo) { o.down = true })
	_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	w.until("more calls than a delivery has attempts", func() bool {
		w.odoo.mu.Lock()
		defer w.odoo.mu.Unlock()
		return w.odoo.calls > 5
	})
	require.Equal(t, outbox.DeliverRefund, w.deliveries()[0].Kind)
	w.odoo.set(func(o *fakeOdoo) { o.down = false })
	w.until("the refund", func() bool { return w.odoo.how(w.generation(id).Runs[0].ID) == "refund" })
	w.until("an empty outbox", func() bool { return len(w.deliveries()) == 0 })
	assert.Equal(t, aigen.Credits(1000), w.odoo.balance)
}

// "samples: -5 reserves minus five credits."
func TestNegativeSamples(t *testing.T) {
	t.Parallel()
	for _, n := range []string{"-5", "9", "1.5", `"4"`, "1e3", "null", "true"} {
		_, err := aigen.NewInput("a fox", "", json.RawMessage(`{"samples":`+n+`}`))
		require.ErrorIs(t, err, aigen.ErrInvalidInput, n)
	}
}

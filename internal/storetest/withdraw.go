package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// The step that ends a job removes its row in the same transaction, whether it waits or
// is leased, and no other row.
func testWithdrawnJobs(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 100_000})
	waiting, leased, other := w.create(w.id()), w.create(w.id()), w.create(w.id())
	require.Len(t, w.claim(outbox.QueueJobs, "a", 3), 3)
	w.finish("a", outbox.DeliveryResult{ID: jobOf(waiting), Disposition: outbox.DispositionReturned})
	held := func() []aigen.ID {
		list, err := w.HeldJobs(w.ctx, "a", []aigen.ID{jobOf(waiting), jobOf(leased), jobOf(other)})
		w.must(err)
		return list
	}
	require.ElementsMatch(t, []aigen.ID{jobOf(leased), jobOf(other)}, held())

	for _, g := range []*aigen.Generation{waiting, leased} {
		require.NoError(t, g.Cancel(w.policy))
		w.apply(w.change(g))
	}
	require.Equal(t, []aigen.ID{jobOf(other)}, idsOf(w.deliveries(outbox.DeliveryQuery{Queue: outbox.QueueJobs})))
	require.Equal(t, []aigen.ID{jobOf(other)}, held())
	list, err := w.HeldJobs(w.ctx, "b", []aigen.ID{jobOf(other)})
	w.must(err)
	require.Empty(t, list, "another has it")

	// What its owner says of a row that is gone changes nothing.
	w.finish("a", outbox.DeliveryResult{ID: jobOf(leased), Disposition: outbox.DispositionRetry, RetryAt: w.now()})
	w.must(w.ExtendLeases(w.ctx, "a", []aigen.ID{jobOf(leased)}, w.now().Add(time.Minute)))
	require.Empty(t, w.claim(outbox.QueueJobs, "b", 10))

	// A change that is refused removes nothing.
	stale := *other
	stale.Version--
	require.NoError(t, stale.Cancel(w.policy))
	c := w.change(&stale)
	c.From = stale.Version
	require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{c})[0], app.ErrVersionConflict)
	require.Equal(t, []aigen.ID{jobOf(other)}, held())
}

// Owners finish rows while others withdraw them: both come to an end, and no row stays.
func testWithdrawnWhileFinished(t *testing.T, open Open) {
	const n = 24
	w := setup(t, open, Options{InitialCredits: 100_000})
	generations := make([]*aigen.Generation, n)
	results := make([]outbox.DeliveryResult, n)
	for i := range generations {
		generations[i] = w.create(w.id())
		results[n-1-i] = outbox.DeliveryResult{ID: jobOf(generations[i]), Disposition: outbox.DispositionDelivered}
	}
	require.Len(t, w.claim(outbox.QueueJobs, "a", n), n)
	changes := make([]*app.Change, n)
	for i, g := range generations {
		require.NoError(t, g.Cancel(w.policy))
		changes[i] = w.change(g)
	}
	w.parallel(2, func(i int) error {
		if i == 0 {
			return w.FinishDeliveries(w.ctx, "a", results)
		}
		for _, err := range w.Apply(w.ctx, changes) {
			if err != nil {
				return err
			}
		}
		return nil
	})
	require.Empty(t, w.deliveries(outbox.DeliveryQuery{Queue: outbox.QueueJobs}))
}

func testSettledJob(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 100_000})
	settled, dead := w.create(w.id()), w.create(w.id())
	w.claim(outbox.QueueJobs, "a", 2)
	w.finish("a", outbox.DeliveryResult{ID: jobOf(dead), Disposition: outbox.DispositionDead, Error: "refused"})
	before := w.get(settled.ID)
	for range 2 {
		w.must(w.SettleJob(w.ctx, jobOf(settled)))
		w.must(w.SettleJob(w.ctx, jobOf(dead)))
	}
	require.Equal(t, []aigen.ID{jobOf(dead)}, idsOf(w.deliveries(outbox.DeliveryQuery{Queue: outbox.QueueJobs})), "what is dead stays for the operators")
	require.Equal(t, before, w.get(settled.ID))
}

// An attempt that said nothing about the delivery does not count.
func testUncounted(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(2, outbox.DeliverSampleJob)
	w.claim(outbox.QueueJobs, "a", 2)
	w.finish("a",
		outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionRetry, RetryAt: w.now(), Error: "away", Uncounted: true},
		outbox.DeliveryResult{ID: jobs[1].ID, Disposition: outbox.DispositionRetry, RetryAt: w.now(), Error: "refused"})
	list := w.deliveries(outbox.DeliveryQuery{})
	require.Equal(t, []int{0, 1}, []int{list[0].Attempts, list[1].Attempts})
	require.Equal(t, []string{"away", "refused"}, []string{list[0].LastError, list[1].LastError})
	require.Equal(t, idsOf(jobs), idsSorted(w.claim(outbox.QueueJobs, "a", 2)))
}

// jobOf is the newest job of a generation.
func jobOf(g *aigen.Generation) aigen.ID {
	jobs := g.Runs[len(g.Runs)-1].Jobs
	return jobs[len(jobs)-1].ID
}

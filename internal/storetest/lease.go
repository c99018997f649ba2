package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

func testLeaseTakenOver(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, outbox.DeliverSampleJob)
	require.Len(t, w.claim(outbox.QueueJobs, "crashed", 4), 4)
	w.clock.advance(10*time.Second - time.Microsecond)
	require.Empty(t, w.claim(outbox.QueueJobs, "b", 4), "the lease still runs")
	w.clock.advance(time.Microsecond)
	taken := w.claim(outbox.QueueJobs, "b", 4)
	require.Equal(t, idsOf(jobs), idsOf(taken))
	require.Equal(t, 2, taken[0].Attempts)

	// The old owner comes back: nothing it says counts any more.
	before := w.deliveries(outbox.DeliveryQuery{})
	w.must(w.ExtendLeases(w.ctx, "crashed", idsOf(jobs), w.now().Add(time.Hour)))
	w.finish("crashed",
		outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionDelivered},
		outbox.DeliveryResult{ID: jobs[1].ID, Disposition: outbox.DispositionRetry, RetryAt: w.now()},
		outbox.DeliveryResult{ID: jobs[2].ID, Disposition: outbox.DispositionDead},
		outbox.DeliveryResult{ID: jobs[3].ID, Disposition: outbox.DispositionReturned})
	n, err := w.ReleaseLeases(w.ctx, "crashed", w.now())
	w.must(err)
	require.Zero(t, n)
	require.Equal(t, before, w.deliveries(outbox.DeliveryQuery{}))

	var done []outbox.DeliveryResult
	for _, d := range taken {
		done = append(done, outbox.DeliveryResult{ID: d.ID, Disposition: outbox.DispositionDelivered})
	}
	w.finish("b", done...)
	require.Empty(t, w.deliveries(outbox.DeliveryQuery{}))
}

// The lease has ended, but nobody took the row: its owner still knows best.
func testLateOwner(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(2, outbox.DeliverSampleJob)
	w.claim(outbox.QueueJobs, "a", 2)
	w.clock.advance(time.Hour)
	w.finish("a", outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionDelivered})
	w.must(w.ExtendLeases(w.ctx, "a", idsOf(jobs), w.now().Add(time.Minute)))
	require.Empty(t, w.claim(outbox.QueueJobs, "b", 2))
	require.Equal(t, []aigen.ID{jobs[1].ID}, idsOf(w.deliveries(outbox.DeliveryQuery{})))
}

func testExtendRelease(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, outbox.DeliverSampleJob)
	w.claim(outbox.QueueJobs, "a", 3)
	w.claim(outbox.QueueJobs, "b", 1)
	w.must(w.ExtendLeases(w.ctx, "a", idsOf(jobs), w.now().Add(time.Minute)))
	w.must(w.ExtendLeases(w.ctx, "a", nil, w.now()))
	w.clock.advance(20 * time.Second)
	require.Equal(t, []aigen.ID{jobs[3].ID}, idsOf(w.claim(outbox.QueueJobs, "c", 10)), "b's was not extended by a")

	n, err := w.ReleaseLeases(w.ctx, "a", w.now())
	w.must(err)
	require.Equal(t, 3, n)
	got := w.claim(outbox.QueueJobs, "a", 10)
	require.Equal(t, idsOf(jobs[:3]), idsOf(got))
	require.Equal(t, 1, got[0].Attempts, "the attempt was not counted")
}

// No row is ever given to two claimers while its lease runs.
func testManyClaimers(t *testing.T, open Open) {
	const rows, claimers = 120, 6
	w := setup(t, open, Options{})
	jobs := w.enqueue(rows, outbox.DeliverSampleJob)
	var mu sync.Mutex
	owner := map[aigen.ID]string{}
	w.parallel(claimers, func(i int) error {
		me := fmt.Sprintf("claimer %d", i)
		for {
			list, err := w.ClaimDeliveries(w.ctx, outbox.Claim{Queue: outbox.QueueJobs, Owner: me, Limit: 7, Now: w.now(), Until: w.now().Add(time.Hour)})
			if err != nil || len(list) == 0 {
				return err
			}
			for _, d := range list {
				mu.Lock()
				other, taken := owner[d.ID]
				owner[d.ID] = me
				mu.Unlock()
				if taken {
					return fmt.Errorf("%s got what %s has", me, other)
				}
				result := outbox.DeliveryResult{ID: d.ID, Disposition: outbox.DispositionDelivered}
				if err := w.FinishDeliveries(w.ctx, me, []outbox.DeliveryResult{result}); err != nil {
					return err
				}
			}
		}
	})
	require.Len(t, owner, len(jobs))
	require.Empty(t, w.deliveries(outbox.DeliveryQuery{}))
}

package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// enqueue writes n deliveries of a kind, one microsecond apart.
func (w *fixture) enqueue(n int, kind outbox.DeliveryKind) []outbox.Delivery {
	w.t.Helper()
	g := w.pending(w.id())
	c := &app.Change{Generation: g}
	for range n {
		d := w.delivery(g, kind)
		if kind != outbox.DeliverNotify {
			d.RunID = g.Runs[0].ID
		}
		c.Deliveries = append(c.Deliveries, d)
		w.clock.advance(time.Microsecond)
	}
	w.apply(c)
	return c.Deliveries
}

// claim leases for ten seconds.
func (w *fixture) claim(lane outbox.Queue, owner string, limit int) []outbox.Delivery {
	w.t.Helper()
	list, err := w.ClaimDeliveries(w.ctx, outbox.Claim{
		Queue: lane, Owner: owner, Limit: limit, Now: w.now(), Until: w.now().Add(10 * time.Second),
	})
	w.must(err)
	return list
}

func (w *fixture) finish(owner string, results ...outbox.DeliveryResult) {
	w.t.Helper()
	w.must(w.FinishDeliveries(w.ctx, owner, results))
}

func (w *fixture) deliveries(q outbox.DeliveryQuery) []outbox.Delivery {
	w.t.Helper()
	q.Limit = max(q.Limit, 100)
	list, err := w.ListDeliveries(w.ctx, q)
	w.must(err)
	return list
}

func idsOf(list []outbox.Delivery) (ids []aigen.ID) {
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

func testClaim(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(5, outbox.DeliverSampleJob)
	credits := w.enqueue(1, outbox.DeliverRelease)
	notes := w.enqueue(2, outbox.DeliverNotify)
	g := w.pending(w.id())
	later := w.delivery(g, outbox.DeliverFinalJob)
	later.AvailableAt = w.now().Add(time.Second)
	w.apply(&app.Change{Generation: g, Deliveries: []outbox.Delivery{later}})

	got := w.claim(outbox.QueueJobs, "a", 3)
	want := slices.Clone(jobs[:3])
	for i := range want {
		want[i].Attempts, want[i].AvailableAt = 1, w.now().Add(10*time.Second)
	}
	require.Equal(t, want, got, "every field, oldest first, the attempt counted")
	require.Equal(t, idsOf(jobs[3:]), idsOf(w.claim(outbox.QueueJobs, "b", 10)), "what is left and due")
	require.Empty(t, w.claim(outbox.QueueJobs, "b", 10))
	require.Equal(t, idsOf(credits), idsOf(w.claim(outbox.QueueCredits, "a", 10)))
	require.Equal(t, idsOf(notes), idsOf(w.claim(outbox.QueueNotifications, "a", 10)))
	w.clock.advance(time.Second)
	require.Equal(t, []aigen.ID{later.ID}, idsOf(w.claim(outbox.QueueJobs, "b", 10)), "at its time")
}

// Claims that find as many as they want, one after the other: what becomes due again
// meanwhile is found by the first that finds fewer, if not before.
func testClaimsInARow(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := idsOf(w.enqueue(12, outbox.DeliverSampleJob))
	require.Equal(t, jobs[:4], idsOf(w.claim(outbox.QueueJobs, "a", 4)))
	w.finish("a", outbox.DeliveryResult{ID: jobs[1], Disposition: outbox.DispositionReturned}, outbox.DeliveryResult{ID: jobs[2], Disposition: outbox.DispositionDelivered})
	var got []aigen.ID
	for range 3 {
		got = append(got, idsOf(w.claim(outbox.QueueJobs, "a", 4))...)
	}
	require.ElementsMatch(t, append([]aigen.ID{jobs[1]}, jobs[4:]...), got)
	require.Empty(t, w.claim(outbox.QueueJobs, "a", 4))
	w.finish("a", outbox.DeliveryResult{ID: jobs[0], Disposition: outbox.DispositionReturned})
	require.Equal(t, jobs[:1], idsOf(w.claim(outbox.QueueJobs, "a", 1)))
}

// A delivery that is written leased is its owner's from the start.
func testBornLeased(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	g := w.pending(w.id())
	c := &app.Change{Generation: g}
	for range 3 {
		d := w.delivery(g, outbox.DeliverSampleJob)
		d.RunID, d.Owner, d.LeasedUntil, d.Attempts = g.Runs[0].ID, "a", w.now().Add(10*time.Second), 1
		c.Deliveries = append(c.Deliveries, d)
	}
	w.apply(c)
	ids := idsOf(c.Deliveries)
	require.Empty(t, w.claim(outbox.QueueJobs, "b", 10), "it is leased")
	require.Equal(t, ids, idsOf(w.deliveries(outbox.DeliveryQuery{State: outbox.DeliveryLeased})))

	w.finish("b", outbox.DeliveryResult{ID: ids[0], Disposition: outbox.DispositionDelivered})
	w.finish("a", outbox.DeliveryResult{ID: ids[1], Disposition: outbox.DispositionDelivered})
	require.Equal(t, []aigen.ID{ids[0], ids[2]}, idsOf(w.deliveries(outbox.DeliveryQuery{})), "by its owner alone")
	w.finish("a", outbox.DeliveryResult{ID: ids[2], Disposition: outbox.DispositionReturned})
	back := w.claim(outbox.QueueJobs, "b", 10)
	require.Equal(t, []aigen.ID{ids[2]}, idsOf(back), "given back, it is due at once")
	require.Equal(t, 1, back[0].Attempts, "and the first attempt was none")

	w.clock.advance(10 * time.Second)
	taken := w.claim(outbox.QueueJobs, "b", 1)
	require.Equal(t, []aigen.ID{ids[0]}, idsOf(taken), "its owner died: the lease ends like any other")
	require.Equal(t, 2, taken[0].Attempts)
}

func testVerdicts(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, outbox.DeliverSampleJob)
	w.claim(outbox.QueueJobs, "a", 4)
	retryAt := w.now().Add(3 * time.Second)
	w.finish("a",
		outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionDelivered},
		outbox.DeliveryResult{ID: jobs[1].ID, Disposition: outbox.DispositionRetry, RetryAt: retryAt, Error: "broker gone"},
		outbox.DeliveryResult{ID: jobs[2].ID, Disposition: outbox.DispositionDead, Error: "refused"},
		outbox.DeliveryResult{ID: jobs[3].ID, Disposition: outbox.DispositionReturned},
		outbox.DeliveryResult{ID: w.id(), Disposition: outbox.DispositionDelivered}, // gone already
	)
	list := w.deliveries(outbox.DeliveryQuery{})
	require.Equal(t, idsOf(jobs[1:]), idsOf(list))
	require.Equal(t, 1, list[0].Attempts)
	require.Equal(t, "broker gone", list[0].LastError)
	require.Equal(t, retryAt, list[0].AvailableAt)
	require.Equal(t, outbox.DeliveryDead, list[1].State)
	require.Equal(t, "refused", list[1].LastError)
	require.Zero(t, list[2].Attempts, "not tried, not counted")

	require.Equal(t, []aigen.ID{jobs[3].ID}, idsOf(w.claim(outbox.QueueJobs, "a", 10)), "a returned row is due at once")
	w.clock.advance(3 * time.Second)
	got := w.claim(outbox.QueueJobs, "b", 10)
	require.Equal(t, []aigen.ID{jobs[1].ID}, idsOf(got))
	require.Equal(t, 2, got[0].Attempts)
	w.clock.advance(time.Hour)
	require.Equal(t, []aigen.ID{jobs[1].ID, jobs[3].ID}, idsSorted(w.claim(outbox.QueueJobs, "b", 10)), "dead rows stay dead")
}

func idsSorted(list []outbox.Delivery) []aigen.ID {
	ids := idsOf(list)
	slices.SortFunc(ids, func(a, b aigen.ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func testListDeliveries(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(3, outbox.DeliverSampleJob)
	notes := w.enqueue(2, outbox.DeliverNotify)
	w.claim(outbox.QueueNotifications, "a", 1)
	w.finish("a", outbox.DeliveryResult{ID: notes[0].ID, Disposition: outbox.DispositionDead, Error: "gone"})
	w.claim(outbox.QueueJobs, "a", 1)
	all := append(idsOf(jobs), idsOf(notes)...)
	for name, tt := range map[string]struct {
		q    outbox.DeliveryQuery
		want []aigen.ID
	}{
		"all":                 {outbox.DeliveryQuery{}, all},
		"lane":                {outbox.DeliveryQuery{Queue: outbox.QueueNotifications}, all[3:]},
		"dead":                {outbox.DeliveryQuery{State: outbox.DeliveryDead}, all[3:4]},
		"waiting in the lane": {outbox.DeliveryQuery{State: outbox.DeliveryWaiting, Queue: outbox.QueueNotifications}, all[4:]},
		"generation":          {outbox.DeliveryQuery{GenerationID: jobs[0].GenerationID}, all[:3]},
		"after":               {outbox.DeliveryQuery{After: all[1]}, all[2:]},
		"one":                 {outbox.DeliveryQuery{ID: all[2]}, all[2:3]},
		"kind":                {outbox.DeliveryQuery{Kind: outbox.DeliverNotify}, all[3:]},
		"leased":              {outbox.DeliveryQuery{State: outbox.DeliveryLeased}, all[:1]},
		"not leased":          {outbox.DeliveryQuery{State: outbox.DeliveryWaiting}, []aigen.ID{all[1], all[2], all[4]}},
	} {
		require.Equal(t, tt.want, idsOf(w.deliveries(tt.q)), name)
	}
	page, err := w.ListDeliveries(w.ctx, outbox.DeliveryQuery{Limit: 2})
	w.must(err)
	jobs[0].Attempts, jobs[0].AvailableAt, jobs[0].Leased = 1, w.now().Add(10*time.Second), true
	require.Equal(t, jobs[:2], page, "every field")
}

func testRetryDeliveries(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, outbox.DeliverSampleJob)
	w.claim(outbox.QueueJobs, "a", 3)
	far := w.now().Add(time.Hour)
	w.finish("a",
		outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionDead, Error: "x"},
		outbox.DeliveryResult{ID: jobs[1].ID, Disposition: outbox.DispositionRetry, RetryAt: far, Error: "x"})
	retry := func(ids ...aigen.ID) int {
		n, err := w.RetryDeliveries(w.ctx, ids, w.now())
		w.must(err)
		return n
	}
	require.Equal(t, 1, retry(), "all that are dead")
	require.Zero(t, retry())
	require.Equal(t, 1, retry(jobs[1].ID, w.id()), "one that waits")
	require.Zero(t, retry(jobs[2].ID), "one that is being delivered")
	got := w.claim(outbox.QueueJobs, "b", 10)
	require.Equal(t, idsOf(append(jobs[:2:2], jobs[3])), idsSorted(got))
	for _, d := range got {
		require.Equal(t, 1, d.Attempts, "a fresh count")
	}
}

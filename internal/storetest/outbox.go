package storetest

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// enqueue writes n deliveries of a kind, one microsecond apart.
func (w *world) enqueue(n int, kind app.DeliveryKind) []app.Delivery {
	w.t.Helper()
	g := w.pending(w.id())
	c := &app.Change{Generation: g}
	for range n {
		d := w.delivery(g, kind)
		if kind != app.DeliverNotify {
			d.RunID = g.Runs[0].ID
		}
		c.Deliveries = append(c.Deliveries, d)
		w.clock.advance(time.Microsecond)
	}
	w.apply(c)
	return c.Deliveries
}

// claim leases for ten seconds.
func (w *world) claim(lane app.Lane, owner string, limit int) []app.Delivery {
	w.t.Helper()
	list, err := w.ClaimDeliveries(w.ctx, app.Claim{
		Lane: lane, Owner: owner, Limit: limit, Now: w.now(), Until: w.now().Add(10 * time.Second),
	})
	w.must(err)
	return list
}

func (w *world) finish(owner string, results ...app.DeliveryResult) {
	w.t.Helper()
	w.must(w.FinishDeliveries(w.ctx, owner, results))
}

func (w *world) deliveries(q app.DeliveryQuery) []app.Delivery {
	w.t.Helper()
	q.Limit = max(q.Limit, 100)
	list, err := w.ListDeliveries(w.ctx, q)
	w.must(err)
	return list
}

func idsOf(list []app.Delivery) (ids []aigen.ID) {
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

func testClaim(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(5, app.DeliverSampleJob)
	credits := w.enqueue(1, app.DeliverRelease)
	notes := w.enqueue(2, app.DeliverNotify)
	g := w.pending(w.id())
	later := w.delivery(g, app.DeliverFinalJob)
	later.AvailableAt = w.now().Add(time.Second)
	w.apply(&app.Change{Generation: g, Deliveries: []app.Delivery{later}})

	got := w.claim(app.LaneJobs, "a", 3)
	want := slices.Clone(jobs[:3])
	for i := range want {
		want[i].Attempts, want[i].AvailableAt = 1, w.now().Add(10*time.Second)
	}
	require.Equal(t, want, got, "every field, oldest first, the attempt counted")
	require.Equal(t, idsOf(jobs[3:]), idsOf(w.claim(app.LaneJobs, "b", 10)), "what is left and due")
	require.Empty(t, w.claim(app.LaneJobs, "b", 10))
	require.Equal(t, idsOf(credits), idsOf(w.claim(app.LaneCredits, "a", 10)))
	require.Equal(t, idsOf(notes), idsOf(w.claim(app.LaneNotifications, "a", 10)))
	w.clock.advance(time.Second)
	require.Equal(t, []aigen.ID{later.ID}, idsOf(w.claim(app.LaneJobs, "b", 10)), "at its time")
}

// Claims that find as many as they want, one after the other: what becomes due again
// meanwhile is found by the first that finds fewer, if not before.
func testClaimsInARow(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := idsOf(w.enqueue(12, app.DeliverSampleJob))
	require.Equal(t, jobs[:4], idsOf(w.claim(app.LaneJobs, "a", 4)))
	w.finish("a", app.DeliveryResult{ID: jobs[1], Verdict: app.VerdictReturned}, app.DeliveryResult{ID: jobs[2], Verdict: app.VerdictDelivered})
	var got []aigen.ID
	for range 3 {
		got = append(got, idsOf(w.claim(app.LaneJobs, "a", 4))...)
	}
	require.ElementsMatch(t, append([]aigen.ID{jobs[1]}, jobs[4:]...), got)
	require.Empty(t, w.claim(app.LaneJobs, "a", 4))
	w.finish("a", app.DeliveryResult{ID: jobs[0], Verdict: app.VerdictReturned})
	require.Equal(t, jobs[:1], idsOf(w.claim(app.LaneJobs, "a", 1)))
}

// A delivery that is written leased is its owner's from the start.
func testBornLeased(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	g := w.pending(w.id())
	c := &app.Change{Generation: g}
	for range 3 {
		d := w.delivery(g, app.DeliverSampleJob)
		d.RunID, d.Owner, d.LeasedUntil, d.Attempts = g.Runs[0].ID, "a", w.now().Add(10*time.Second), 1
		c.Deliveries = append(c.Deliveries, d)
	}
	w.apply(c)
	ids := idsOf(c.Deliveries)
	require.Empty(t, w.claim(app.LaneJobs, "b", 10), "it is leased")
	require.Equal(t, ids, idsOf(w.deliveries(app.DeliveryQuery{State: app.DeliveryLeased})))

	w.finish("b", app.DeliveryResult{ID: ids[0], Verdict: app.VerdictDelivered})
	w.finish("a", app.DeliveryResult{ID: ids[1], Verdict: app.VerdictDelivered})
	require.Equal(t, []aigen.ID{ids[0], ids[2]}, idsOf(w.deliveries(app.DeliveryQuery{})), "by its owner alone")
	w.finish("a", app.DeliveryResult{ID: ids[2], Verdict: app.VerdictReturned})
	back := w.claim(app.LaneJobs, "b", 10)
	require.Equal(t, []aigen.ID{ids[2]}, idsOf(back), "given back, it is due at once")
	require.Equal(t, 1, back[0].Attempts, "and the first attempt was none")

	w.clock.advance(10 * time.Second)
	taken := w.claim(app.LaneJobs, "b", 1)
	require.Equal(t, []aigen.ID{ids[0]}, idsOf(taken), "its owner died: the lease ends like any other")
	require.Equal(t, 2, taken[0].Attempts)
}

func testVerdicts(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, app.DeliverSampleJob)
	w.claim(app.LaneJobs, "a", 4)
	retryAt := w.now().Add(3 * time.Second)
	w.finish("a",
		app.DeliveryResult{ID: jobs[0].ID, Verdict: app.VerdictDelivered},
		app.DeliveryResult{ID: jobs[1].ID, Verdict: app.VerdictRetry, RetryAt: retryAt, Error: "broker gone"},
		app.DeliveryResult{ID: jobs[2].ID, Verdict: app.VerdictDead, Error: "refused"},
		app.DeliveryResult{ID: jobs[3].ID, Verdict: app.VerdictReturned},
		app.DeliveryResult{ID: w.id(), Verdict: app.VerdictDelivered}, // gone already
	)
	list := w.deliveries(app.DeliveryQuery{})
	require.Equal(t, idsOf(jobs[1:]), idsOf(list))
	require.Equal(t, 1, list[0].Attempts)
	require.Equal(t, "broker gone", list[0].LastError)
	require.Equal(t, retryAt, list[0].AvailableAt)
	require.Equal(t, app.DeliveryDead, list[1].State)
	require.Equal(t, "refused", list[1].LastError)
	require.Zero(t, list[2].Attempts, "not tried, not counted")

	require.Equal(t, []aigen.ID{jobs[3].ID}, idsOf(w.claim(app.LaneJobs, "a", 10)), "a returned row is due at once")
	w.clock.advance(3 * time.Second)
	got := w.claim(app.LaneJobs, "b", 10)
	require.Equal(t, []aigen.ID{jobs[1].ID}, idsOf(got))
	require.Equal(t, 2, got[0].Attempts)
	w.clock.advance(time.Hour)
	require.Equal(t, []aigen.ID{jobs[1].ID, jobs[3].ID}, idsSorted(w.claim(app.LaneJobs, "b", 10)), "dead rows stay dead")
}

func idsSorted(list []app.Delivery) []aigen.ID {
	ids := idsOf(list)
	slices.SortFunc(ids, func(a, b aigen.ID) int { return bytes.Compare(a[:], b[:]) })
	return ids
}

func testListDeliveries(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(3, app.DeliverSampleJob)
	notes := w.enqueue(2, app.DeliverNotify)
	w.claim(app.LaneNotifications, "a", 1)
	w.finish("a", app.DeliveryResult{ID: notes[0].ID, Verdict: app.VerdictDead, Error: "gone"})
	w.claim(app.LaneJobs, "a", 1)
	all := append(idsOf(jobs), idsOf(notes)...)
	for name, tt := range map[string]struct {
		q    app.DeliveryQuery
		want []aigen.ID
	}{
		"all":                 {app.DeliveryQuery{}, all},
		"lane":                {app.DeliveryQuery{Lane: app.LaneNotifications}, all[3:]},
		"dead":                {app.DeliveryQuery{State: app.DeliveryDead}, all[3:4]},
		"waiting in the lane": {app.DeliveryQuery{State: app.DeliveryWaiting, Lane: app.LaneNotifications}, all[4:]},
		"generation":          {app.DeliveryQuery{GenerationID: jobs[0].GenerationID}, all[:3]},
		"after":               {app.DeliveryQuery{After: all[1]}, all[2:]},
		"one":                 {app.DeliveryQuery{ID: all[2]}, all[2:3]},
		"kind":                {app.DeliveryQuery{Kind: app.DeliverNotify}, all[3:]},
		"leased":              {app.DeliveryQuery{State: app.DeliveryLeased}, all[:1]},
		"not leased":          {app.DeliveryQuery{State: app.DeliveryWaiting}, []aigen.ID{all[1], all[2], all[4]}},
	} {
		require.Equal(t, tt.want, idsOf(w.deliveries(tt.q)), name)
	}
	page, err := w.ListDeliveries(w.ctx, app.DeliveryQuery{Limit: 2})
	w.must(err)
	jobs[0].Attempts, jobs[0].AvailableAt, jobs[0].Leased = 1, w.now().Add(10*time.Second), true
	require.Equal(t, jobs[:2], page, "every field")
}

func testRetryDeliveries(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, app.DeliverSampleJob)
	w.claim(app.LaneJobs, "a", 3)
	far := w.now().Add(time.Hour)
	w.finish("a",
		app.DeliveryResult{ID: jobs[0].ID, Verdict: app.VerdictDead, Error: "x"},
		app.DeliveryResult{ID: jobs[1].ID, Verdict: app.VerdictRetry, RetryAt: far, Error: "x"})
	retry := func(ids ...aigen.ID) int {
		n, err := w.RetryDeliveries(w.ctx, ids, w.now())
		w.must(err)
		return n
	}
	require.Equal(t, 1, retry(), "all that are dead")
	require.Zero(t, retry())
	require.Equal(t, 1, retry(jobs[1].ID, w.id()), "one that waits")
	require.Zero(t, retry(jobs[2].ID), "one that is being delivered")
	got := w.claim(app.LaneJobs, "b", 10)
	require.Equal(t, idsOf(append(jobs[:2:2], jobs[3])), idsSorted(got))
	for _, d := range got {
		require.Equal(t, 1, d.Attempts, "a fresh count")
	}
}

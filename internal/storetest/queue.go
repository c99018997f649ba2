package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

func testCountQueued(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	user, other := w.id(), w.id()
	count := func(most int) int {
		n, err := w.CountQueued(w.ctx, user, most)
		w.must(err)
		return n
	}
	require.Zero(t, count(10))
	w.create(other)
	w.create(user)                     // is worked on
	w.awaiting(user)                   // waits for a choice: does not count
	w.apply(w.change(w.pending(user))) // waits for credits
	require.Equal(t, 2, count(10))
	require.Equal(t, 1, count(1), "it stops at the most")

	again := w.awaiting(user)
	w.must(again.Regenerate(w.policy, again.Input))
	w.apply(w.reserved(again))
	require.Equal(t, 3, count(10), "a second run counts")
	w.must(again.Cancel(w.policy))
	w.apply(w.change(again))
	require.Equal(t, 2, count(10), "what has ended does not")
}

func testWaitingUsers(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	waiting := func() []aigen.ID {
		list, err := w.WaitingUsers(w.ctx, outbox.QueueJobs, w.now())
		w.must(err)
		return list
	}
	require.Empty(t, waiting())
	one, two, three := w.id(), w.id(), w.id()
	for _, user := range []aigen.ID{two, one, two, two, one} {
		w.create(user)
		w.clock.advance(time.Second)
	}
	later := w.pending(three)
	d := w.delivery(later, outbox.DeliverSampleJob)
	d.AvailableAt = w.now().Add(time.Minute)
	w.apply(&app.Change{Generation: later, Deliveries: []outbox.Delivery{d}})
	require.Equal(t, []aigen.ID{two, one}, waiting(), "each once, the oldest first; not what is not due")

	claimed := func(user aigen.ID, limit int) int {
		list, err := w.ClaimDeliveries(w.ctx, outbox.Claim{
			Queue: outbox.QueueJobs, User: user, Owner: "a", Limit: limit, Now: w.now(), Until: w.now().Add(10 * time.Second),
		})
		w.must(err)
		for _, d := range list {
			require.Equal(t, user, d.UserID)
		}
		return len(list)
	}
	require.Equal(t, 2, claimed(two, 2))
	require.Equal(t, []aigen.ID{one, two}, waiting(), "what is leased does not count")
	require.Equal(t, 1, claimed(two, 9))
	require.Zero(t, claimed(three, 9), "not due")
	require.Equal(t, []aigen.ID{one}, waiting())
	w.clock.advance(time.Hour)
	require.Equal(t, []aigen.ID{one, three, two}, sortedLike(waiting(), one, three, two), "leases have ended")
}

// sortedLike returns want if list has the same users: once leases have ended, their rows
// are due at the end of the lease in one store and when they were written in the other.
func sortedLike(list []aigen.ID, want ...aigen.ID) []aigen.ID {
	if len(list) != len(want) {
		return list
	}
	for _, id := range want {
		found := false
		for _, got := range list {
			found = found || got == id
		}
		if !found {
			return list
		}
	}
	return want
}

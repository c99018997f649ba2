package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// cancelled writes a generation that ended now.
func (w *fixture) cancelled(user aigen.ID) *aigen.Generation {
	w.t.Helper()
	g := w.create(user)
	w.must(g.Cancel(w.policy))
	w.apply(w.change(g))
	return g
}

func (w *fixture) removeEnded(limit int) int {
	w.t.Helper()
	n, err := w.RemoveEnded(w.ctx, w.now(), limit)
	w.must(err)
	return n
}

// What ended before the time goes, with all that is only of it; the rest stays.
func testRemoveEnded(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10_000})
	user, other := w.id(), w.id()
	first, waiting, second := w.cancelled(user), w.awaiting(user), w.cancelled(user)
	others := w.cancelled(other)
	require.Zero(t, w.removeEnded(10), "they ended now, and not before")

	w.clock.advance(time.Hour)
	late := w.cancelled(user)
	before, credits := w.rows(), w.balance(user)
	position, err := w.LastPosition(w.ctx, user)
	w.must(err)
	require.Equal(t, 3, w.removeEnded(10))
	require.Zero(t, w.removeEnded(10))
	for _, g := range []*aigen.Generation{first, second, others} {
		_, err := w.Get(w.ctx, g.ID)
		require.ErrorIs(t, err, aigen.ErrNotFound)
		events, err := w.Events(w.ctx, g.ID, 0, 10)
		w.must(err)
		require.Empty(t, events)
	}
	require.Equal(t, waiting.Status, w.get(waiting.ID).Status)
	require.Equal(t, late.Status, w.get(late.ID).Status)

	after := w.rows()
	gone := first.LastEvent + second.LastEvent + others.LastEvent
	require.Equal(t, before["generations"]-3, after["generations"])
	require.Equal(t, before["runs"]-3, after["runs"])
	require.Equal(t, before["events"]-gone, after["events"])
	for _, kept := range []string{"ledger_entries", "accounts", "deliveries", "idempotency_keys"} {
		require.Equal(t, before[kept], after[kept], kept)
	}
	require.Equal(t, credits, w.balance(user))
	st, err := w.Stats(w.ctx)
	w.must(err)
	require.Equal(t, int64(1), st.Generations[aigen.StatusCancelled])

	// Positions go on: a stream that resumes is told what is left, and what comes.
	now, err := w.LastPosition(w.ctx, user)
	w.must(err)
	require.Equal(t, position, now)
	fresh := w.create(user)
	events, err := w.UserEvents(w.ctx, user, 0, 100)
	w.must(err)
	require.Len(t, events, int(waiting.LastEvent+late.LastEvent+fresh.LastEvent))
	require.Equal(t, position+fresh.LastEvent, events[len(events)-1].Position)
	w.checkInvariants()
}

// Credits that may be held are not forgotten with their generation.
func testRemoveUndecided(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.pending(w.id())
	w.must(g.Cancel(w.policy)) // its run is to be released
	w.apply(w.change(g))
	require.Equal(t, aigen.ReservationReleasing, w.get(g.ID).Runs[0].Reservation)
	decided := w.cancelled(w.id())
	w.clock.advance(time.Hour)
	require.Equal(t, 1, w.removeEnded(1), "it does not stand in the way of those after it")
	_, err := w.Get(w.ctx, decided.ID)
	require.ErrorIs(t, err, aigen.ErrNotFound)

	g = w.get(g.ID)
	_, err = g.ConfirmRelease(w.policy, g.Runs[0].ID, false)
	w.must(err)
	w.apply(w.change(g))
	require.Equal(t, 1, w.removeEnded(10))
}

// Several at once: each generation goes once, and is counted once.
func testRemoveAtOnce(t *testing.T, open Open) {
	const n = 40
	w := setup(t, open, Options{InitialCredits: 100_000})
	users := []aigen.ID{w.id(), w.id(), w.id()}
	for i := range n {
		w.cancelled(users[i%len(users)])
	}
	w.clock.advance(time.Hour)
	require.Equal(t, 7, w.removeEnded(7))
	removed := make([]int, 4)
	w.parallel(len(removed)+1, func(i int) error {
		if i == len(removed) { // somebody else is at work with the same accounts
			for k := range n {
				if err := w.Apply(context.WithoutCancel(w.ctx), []*app.Change{w.accepted(users[k%len(users)])})[0]; err != nil {
					return err
				}
			}
			return nil
		}
		for range n {
			one, err := w.RemoveEnded(w.ctx, w.now(), 5)
			if err != nil {
				return err
			}
			removed[i] += one
		}
		return nil
	})
	require.Equal(t, n-7, removed[0]+removed[1]+removed[2]+removed[3])
	require.Equal(t, int64(n), w.rows()["generations"])
}

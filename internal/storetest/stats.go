package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

func testStats(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	stats := func() app.Stats {
		s, err := w.Stats(w.ctx)
		w.must(err)
		return s
	}
	empty := stats()
	require.Len(t, empty.Generations, len(aigen.Statuses()), "every status, also those without generations")
	require.Equal(t, []outbox.QueueStats{{Queue: outbox.QueueJobs}, {Queue: outbox.QueueCredits}, {Queue: outbox.QueueNotifications}, {Queue: outbox.QueueAssets}}, empty.Outbox)
	require.Zero(t, empty.Reservations)

	user, oldest := w.id(), w.now()
	w.create(user) // one job, 0.50 held
	w.clock.advance(time.Second)
	cancelled := w.create(user)
	w.must(cancelled.Cancel(w.policy))
	w.apply(w.change(cancelled)) // its job is gone; a notice
	pending := w.pending(user)
	w.apply(w.change(pending)) // 0.50 pending
	discarded := w.pending(user)
	w.apply(w.change(discarded))
	w.apply(&app.Change{Generation: discarded, From: 1, Discard: true})
	w.claim(outbox.QueueJobs, "a", 1)
	notice := w.claim(outbox.QueueNotifications, "a", 1)
	w.finish("a", outbox.DeliveryResult{ID: notice[0].ID, Disposition: outbox.DispositionDead})

	s := stats()
	want := map[aigen.Status]int64{
		aigen.StatusPending: 1, aigen.StatusProcessingSamples: 1, aigen.StatusAwaitingSelection: 0,
		aigen.StatusProcessingFinal: 0, aigen.StatusCompleted: 0, aigen.StatusFailed: 0,
		aigen.StatusCancelled: 1, aigen.StatusContentRejected: 0,
	}
	require.Equal(t, want, s.Generations)
	require.Equal(t, []outbox.QueueStats{
		{Queue: outbox.QueueJobs, Depth: 1, Oldest: oldest}, {Queue: outbox.QueueCredits}, {Queue: outbox.QueueNotifications, Dead: 1}, {Queue: outbox.QueueAssets},
	}, s.Outbox)
	require.Equal(t, app.ReservationStats{Open: 2, Amount: 100, Oldest: oldest}, s.Reservations)
}

func testPing(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	before := w.rows()
	w.must(w.Ping(w.ctx))
	require.Equal(t, before, w.rows())
}

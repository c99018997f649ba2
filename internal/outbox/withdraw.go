package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// The step that ends a job removes its row of the outbox. What this process has taken
// from the outbox before, and not handed over yet, it has to look at once more.

// rememberWithdrawn is for how long at least the jobs that ended here are remembered.
// Whatever was taken longer ago is looked for in the store.
const withdrawnFor = 10 * time.Second

// withdrawals are the jobs that ended in this process a moment ago.
type withdrawals struct {
	mu                sync.Mutex
	current, previous map[aigen.ID]struct{}
	startedAt         time.Time // when young was begun
}

func (w *withdrawals) add(jobs []aigen.ID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); now.Sub(w.startedAt) > withdrawnFor {
		w.current, w.previous, w.startedAt = make(map[aigen.ID]struct{}), w.current, now
	}
	for _, id := range jobs {
		w.current[id] = struct{}{}
	}
}

func (w *withdrawals) has(job aigen.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, young := w.current[job]
	_, old := w.previous[job]
	return young || old
}

// Withdraw implements dispatcher.
func (r *Relay) Withdraw(jobs, dropped []aigen.ID) {
	if len(jobs) > 0 {
		r.withdrawn.add(jobs)
	}
	if c, ok := r.queues[QueueJobs].handler.(Canceller); ok && len(dropped) > 0 {
		c.Cancel(dropped)
	}
}

// Withdrawn reports whether a job was withdrawn in this process a moment ago.
func (r *Relay) Withdrawn(job aigen.ID) bool { return r.withdrawn.has(job) }

// HeldJobs returns those of the jobs whose rows this relay has leased and that are still
// awaited.
func (r *Relay) HeldJobs(ctx context.Context, jobs []aigen.ID) ([]aigen.ID, error) {
	return r.store.HeldJobs(ctx, r.c.Owner, jobs)
}

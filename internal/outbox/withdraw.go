package outbox

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// The transaction that ends a job removes its row. A job whose row this process has already
// leased, and not handed over yet, has to be checked once more before it goes.

// withdrawnFor is how long withdrawals are remembered at least. A job that was leased longer
// ago is looked up in the store.
const withdrawnFor = 10 * time.Second

// withdrawals are the jobs that ended in this process during the last withdrawnFor.
type withdrawals struct {
	mu                sync.Mutex
	current, previous map[aigen.ID]struct{}
	startedAt         time.Time // of current
}

func (w *withdrawals) add(jobs []aigen.ID, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.startedAt) > withdrawnFor {
		w.current, w.previous, w.startedAt = make(map[aigen.ID]struct{}), w.current, now
	}
	for _, id := range jobs {
		w.current[id] = struct{}{}
	}
}

func (w *withdrawals) has(job aigen.ID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, current := w.current[job]
	_, previous := w.previous[job]
	return current || previous
}

// Withdraw tells the relay of jobs that have ended, after the commit: it does not hand them
// over any more. Those of dropped ended without a report; a receiver that can cancel work
// is asked to.
func (r *Relay) Withdraw(jobs, dropped []aigen.ID) {
	if len(jobs) > 0 {
		r.withdrawn.add(jobs, r.c.Clock())
	}
	if c, ok := r.queues[QueueJobs].handler.(Canceller); ok && len(dropped) > 0 {
		c.Cancel(dropped)
	}
}

// Withdrawn reports whether a job ended in this process during the last ten seconds.
func (r *Relay) Withdrawn(job aigen.ID) bool { return r.withdrawn.has(job) }

// HeldJobs returns those of the jobs whose rows this relay has leased and that are still
// awaited.
func (r *Relay) HeldJobs(ctx context.Context, jobs []aigen.ID) ([]aigen.ID, error) {
	return r.store.HeldJobs(ctx, r.c.Owner, jobs)
}

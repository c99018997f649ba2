package outbox

import (
	"time"

	"github.com/creativeflow/aigen"
)

// A delivery that is due when it is written, in a lane that has room and nothing older
// waiting, is written leased to this process and begins with the commit: it need not be
// looked for, nor written a second time to say who has it. If the process dies the lease
// ends, and it is claimed like one whose delivery was under way.

// Lease implements dispatcher.
func (r *Relay) ReserveSlots(deliveries []Delivery) {
	now := r.c.Now()
	for i := range deliveries {
		if d := &deliveries[i]; !d.AvailableAt.After(now) && r.queues[d.Kind.Queue()].reserveSlot() {
			d.Owner, d.LeasedUntil = r.c.Owner, now.Add(r.c.Lease)
			d.Attempts++
		}
	}
}

// Begin implements dispatcher.
func (r *Relay) Confirm(deliveries []Delivery) {
	if len(deliveries) == 0 {
		return
	}
	now := r.c.Now()
	for i := range deliveries {
		if d := &deliveries[i]; d.Owner == "" {
			r.queues[d.Kind.Queue()].wakeAt(d.AvailableAt, now)
		} else {
			// What is left of the lease must last until it is extended. One that ends
			// before is somebody else's by then, or ours by a claim.
			r.queues[d.Kind.Queue()].confirm(*d, d.LeasedUntil.Sub(now) >= r.c.Lease/3)
		}
	}
}

// Abandon implements dispatcher. Where it is not known whether they were written, they
// are given back, which does nothing to what is not there.
func (r *Relay) ReleaseSlots(deliveries []Delivery, unknown bool) {
	for i := range deliveries {
		if d := &deliveries[i]; d.Owner != "" {
			r.queues[d.Kind.Queue()].releaseSlot(d.ID, unknown)
		}
	}
}

// Wake implements dispatcher.
func (r *Relay) Wake(deliveries []Delivery) {
	now := r.c.Now()
	for i := range deliveries {
		r.queues[deliveries[i].Kind.Queue()].wakeAt(deliveries[i].AvailableAt, now)
	}
}

func (q *queue) wakeAt(due, now time.Time) {
	if wait := due.Sub(now); wait > 0 {
		time.AfterFunc(wait, q.wakeUp)
	} else {
		q.wakeUp()
	}
}

// promise keeps a place for a delivery that is about to be written. There is none while
// older ones wait for theirs.
func (q *queue) reserveSlot() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.running || q.behind {
		return false
	}
	if q.outage != nil {
		q.behind = true // it waits in the store, behind what waits there
		return false
	}
	if len(q.open)+q.reserved >= q.handler.MaxInFlight() {
		q.behind = true // until a claim finds fewer than it looked for
		return false
	}
	q.reserved++
	return true
}

// keep makes a promise good, if its lease still holds.
func (q *queue) confirm(d Delivery, held bool) {
	q.mu.Lock()
	q.reserved--
	switch {
	case !held:
	case q.running:
		q.open[d.ID] = time.Now()
		q.ready = append(q.ready, d)
	default:
		q.results = append(q.results, DeliveryResult{ID: d.ID, Disposition: DispositionReturned})
	}
	first, enough := len(q.ready) == 1, len(q.ready) >= readyMost
	q.mu.Unlock()
	if q.linger == 0 || first || enough {
		signal(q.wake)
	}
}

func (q *queue) releaseSlot(id aigen.ID, unknown bool) {
	q.mu.Lock()
	q.reserved--
	if unknown {
		q.results = append(q.results, DeliveryResult{ID: id, Disposition: DispositionReturned})
	}
	q.mu.Unlock()
	if unknown {
		signal(q.settled)
	}
}

// freshMost is how many are enough to go without waiting for more.
const readyMost = 64

// takeFresh returns what was written leased since the last time; or nothing, where it is
// to wait for more, and when that ends.
func (q *queue) takeReady() (fresh []Delivery, later <-chan time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) == 0 {
		return nil, nil
	}
	now := time.Now()
	if wait := q.linger - now.Sub(q.readyBegan); wait > 0 && len(q.ready) < readyMost {
		return nil, time.After(wait)
	}
	fresh, q.ready, q.readyBegan = q.ready, nil, now
	return fresh, nil
}

package outbox

import (
	"time"

	"github.com/creativeflow/aigen"
)

// Immediate delivery: a delivery that is due when it is written goes out right after the
// commit, if its queue has a free slot and no older rows wait. Its row is written with this
// process as the owner of the lease, so that no claim has to look for the row or to write
// it a second time. If the process dies, the lease ends and the row is claimed like any
// other.

// ReserveSlots reserves a slot for each delivery that can begin right after the commit and
// marks those deliveries as leased by this relay. Call it before the rows are written, and
// Confirm or ReleaseSlots afterwards.
func (r *Relay) ReserveSlots(deliveries []Delivery) {
	now := r.c.Now()
	for i := range deliveries {
		if d := &deliveries[i]; !d.AvailableAt.After(now) && r.queues[d.Kind.Queue()].reserveSlot() {
			d.Owner, d.LeasedUntil = r.c.Owner, now.Add(r.c.Lease)
			d.Attempts++
		}
	}
}

// Confirm starts the deliveries that have a slot, now that their rows are written, and
// wakes the queues of the others.
func (r *Relay) Confirm(deliveries []Delivery) {
	if len(deliveries) == 0 {
		return
	}
	now := r.c.Now()
	for i := range deliveries {
		q := r.queues[deliveries[i].Kind.Queue()]
		if d := &deliveries[i]; d.Owner == "" {
			q.wakeAt(d.AvailableAt, now)
		} else {
			// The rest of the lease must last until the lease is extended. Otherwise the row
			// may be claimed meanwhile, by another relay or by this one.
			q.confirm(*d, d.LeasedUntil.Sub(now) >= r.c.Lease/3)
		}
	}
}

// ReleaseSlots gives the slots back because the rows were not written. If that is unknown
// the rows are returned to the queue, which does nothing where a row does not exist.
func (r *Relay) ReleaseSlots(deliveries []Delivery, unknown bool) {
	for i := range deliveries {
		if d := &deliveries[i]; d.Owner != "" {
			r.queues[d.Kind.Queue()].releaseSlot(d.ID, unknown)
		}
	}
}

// Wake makes the queues of deliveries look for rows when the deliveries become due.
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

// reserveSlot reserves a slot for a delivery that is about to be written. It refuses while
// older rows wait.
func (q *queue) reserveSlot() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.running || q.backlog {
		return false
	}
	if q.outage != nil || len(q.open)+q.reserved >= q.handler.MaxInFlight() {
		q.backlog = true // until a claim finds fewer rows than it asked for
		return false
	}
	q.reserved++
	return true
}

// confirm turns a reserved slot into a delivery in flight. held is whether the lease still
// lasts long enough.
func (q *queue) confirm(d Delivery, held bool) {
	q.mu.Lock()
	q.reserved--
	switch {
	case !held:
	case q.running:
		q.open[d.ID] = q.r.c.Clock()
		q.ready = append(q.ready, d)
	default:
		q.results = append(q.results, DeliveryResult{ID: d.ID, Disposition: DispositionReturned})
	}
	first, enough := len(q.ready) == 1, len(q.ready) >= maxReady
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

// maxReady is how many ready deliveries go without lingering for more.
const maxReady = 64

// takeReady returns the deliveries that were confirmed since the last call. If they have to
// linger it returns none, and a channel that fires when the time is over.
func (q *queue) takeReady() (ready []Delivery, later <-chan time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.ready) == 0 {
		return nil, nil
	}
	now := q.r.c.Clock()
	if wait := q.linger - now.Sub(q.readyAt); wait > 0 && len(q.ready) < maxReady {
		return nil, time.After(wait)
	}
	ready, q.ready, q.readyAt = q.ready, nil, now
	return ready, nil
}

package app

import (
	"errors"
	"time"

	"github.com/creativeflow/aigen"
)

// A delivery that is due when it is written, in a lane that has room and nothing older
// waiting, is written leased to this process and begins with the commit: it need not be
// looked for, nor written a second time to say who has it. If the process dies the lease
// ends, and it is claimed like one whose delivery was under way.

// Lease implements dispatcher.
func (r *Relay) Lease(deliveries []Delivery) {
	now := r.now()
	for i := range deliveries {
		if d := &deliveries[i]; !d.AvailableAt.After(now) && r.lanes[d.Kind.Lane()].promise() {
			d.Owner, d.LeasedUntil = r.c.Owner, now.Add(r.c.Lease)
			d.Attempts++
		}
	}
}

// Begin implements dispatcher.
func (r *Relay) Begin(deliveries []Delivery) {
	if len(deliveries) == 0 {
		return
	}
	now := r.now()
	for i := range deliveries {
		if d := &deliveries[i]; d.Owner == "" {
			r.lanes[d.Kind.Lane()].wakeAt(d.AvailableAt, now)
		} else {
			// What is left of the lease must last until it is extended. One that ends
			// before is somebody else's by then, or ours by a claim.
			r.lanes[d.Kind.Lane()].keep(*d, d.LeasedUntil.Sub(now) >= r.c.Lease/3)
		}
	}
}

// Abandon implements dispatcher. Where it is not known whether they were written, they
// are given back, which does nothing to what is not there.
func (r *Relay) Abandon(deliveries []Delivery, err error) {
	unknown := !errors.Is(err, ErrVersionConflict) && !errors.Is(err, ErrKeyTaken) && !errors.Is(err, aigen.ErrInsufficientCredits)
	for i := range deliveries {
		if d := &deliveries[i]; d.Owner != "" {
			r.lanes[d.Kind.Lane()].breakPromise(d.ID, unknown)
		}
	}
}

// Wake implements dispatcher.
func (r *Relay) Wake(deliveries []Delivery) {
	now := r.now()
	for i := range deliveries {
		r.lanes[deliveries[i].Kind.Lane()].wakeAt(deliveries[i].AvailableAt, now)
	}
}

func (l *lane) wakeAt(due, now time.Time) {
	if wait := due.Sub(now); wait > 0 {
		time.AfterFunc(wait, l.wakeUp)
	} else {
		l.wakeUp()
	}
}

// promise keeps a place for a delivery that is about to be written. There is none while
// older ones wait for theirs.
func (l *lane) promise() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.running || l.behind {
		return false
	}
	if l.away != nil {
		l.behind = true // it waits in the store, behind what waits there
		return false
	}
	if len(l.open)+l.promised >= l.to.window() {
		l.behind = true // until a claim finds fewer than it looked for
		return false
	}
	l.promised++
	return true
}

// keep makes a promise good, if its lease still holds.
func (l *lane) keep(d Delivery, held bool) {
	l.mu.Lock()
	l.promised--
	switch {
	case !held:
	case l.running:
		l.open[d.ID] = time.Now()
		l.fresh = append(l.fresh, d)
	default:
		l.results = append(l.results, DeliveryResult{ID: d.ID, Verdict: VerdictReturned})
	}
	first, enough := len(l.fresh) == 1, len(l.fresh) >= freshMost
	l.mu.Unlock()
	if l.gatherFor == 0 || first || enough {
		signal(l.wake)
	}
}

func (l *lane) breakPromise(id aigen.ID, unknown bool) {
	l.mu.Lock()
	l.promised--
	if unknown {
		l.results = append(l.results, DeliveryResult{ID: id, Verdict: VerdictReturned})
	}
	l.mu.Unlock()
	if unknown {
		signal(l.settled)
	}
}

// freshMost is how many are enough to go without waiting for more.
const freshMost = 64

// takeFresh returns what was written leased since the last time; or nothing, where it is
// to wait for more, and when that ends.
func (l *lane) takeFresh() (fresh []Delivery, later <-chan time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.fresh) == 0 {
		return nil, nil
	}
	now := time.Now()
	if wait := l.gatherFor - now.Sub(l.began); wait > 0 && len(l.fresh) < freshMost {
		return nil, time.After(wait)
	}
	fresh, l.fresh, l.began = l.fresh, nil, now
	return fresh, nil
}

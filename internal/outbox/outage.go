package outbox

import (
	"errors"
	"log/slog"
	"time"

	"github.com/creativeflow/aigen"
)

// While the receiver of a lane is away, one delivery is tried at a time: the others wait
// in the store for the end of the outage, and neither their attempts nor the log are
// used up by it.

// ErrAway is what an error of a receiver wraps while the receiver is out of reach
// altogether, or asks to be left alone. Such an attempt says nothing about the delivery:
// it is not counted. A job waits until the deadline of its stage.
var ErrUnavailable = errors.New("the receiver is out of reach")

// ErrOutcomeUnknown is what an error of a JobPublisher wraps when the job was sent and no
// answer came: the engine may have the job, and may work on it. The attempt is not
// counted, and the job is sent again late, or never where the engine reports before.
var ErrOutcomeUnknown = errors.New("sent, but not answered")

// retryAfter is how long the receiver has asked to be left alone; 0: it has not.
func retryAfter(err error) time.Duration {
	var asks interface{ RetryAfter() time.Duration }
	if errors.As(err, &asks) {
		return asks.RetryAfter()
	}
	return 0
}

// Uncounted reports whether an attempt that ended with err says nothing about the
// delivery.
func Uncounted(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) || retryAfter(err) > 0
}

const (
	// longestProbe bounds the time from one probe to the next, so that little is lost of
	// a stage's time after the end of an outage.
	maxProbeInterval = 15 * time.Second
	// tellEvery bounds how often an outage is logged.
	logInterval = time.Minute
)

// outage is a time in which the receiver of a lane is away.
type outage struct {
	since    time.Time
	probes   int       // that failed
	next     time.Time // when the next probe may begin
	probing  bool      // a probe is being claimed, or is under way
	probe    aigen.ID  // which one
	begun    time.Time // when it began to be claimed
	failed   int       // attempts since the last line in the log
	loggedAt time.Time
	reason   string
}

// heard takes the end of an attempt for what it says of the receiver. It reports whether
// the delivery has to wait for the end of an outage.
func (q *queue) observe(d Delivery, begun time.Time, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	probe := q.outage != nil && q.outage.probe == d.ID
	switch {
	case err == nil:
		q.receiverAnswered(now)
	case q.handler.Unavailable(err):
		if q.outage == nil && begun.Before(q.answered) {
			return false // others get through
		}
		q.receiverLost(now, err, probe)
		return true
	case errors.Is(err, ErrReturned), errors.Is(err, ErrNotWanted):
		if probe { // it says nothing: another one is tried
			q.outage.probing, q.outage.probe = false, aigen.ID{}
			q.outage.next = now.Add(q.r.c.Backoff.Delay(1))
			q.wakeAt(q.outage.next, now)
		}
	default:
		q.receiverAnswered(now) // it refuses, or is slow, so it is there
	}
	return false
}

// answers needs mu.
func (q *queue) receiverAnswered(now time.Time) {
	q.answered = now
	if q.outage == nil {
		return
	}
	q.r.c.Log.Info("deliveries go on: the receiver is back", "lane", q.name, "after", now.Sub(q.outage.since).Round(time.Millisecond))
	q.outage = nil
	q.wakeUp()
}

// lost needs mu.
func (q *queue) receiverLost(now time.Time, err error, probe bool) {
	o := q.outage
	if o == nil {
		o = &outage{since: now}
		q.outage = o
	}
	first := o.loggedAt.IsZero()
	if first || probe {
		o.probes++
		o.probing, o.probe = false, aigen.ID{}
		o.next = now.Add(min(q.r.c.Backoff.Delay(o.probes), maxProbeInterval))
	}
	if asked := now.Add(retryAfter(err)); asked.After(o.next) {
		o.next = asked
	}
	o.failed++
	o.reason = trim(err.Error())
	if first || now.Sub(o.loggedAt) >= logInterval {
		q.r.c.Log.Warn("deliveries wait: the receiver is away", "lane", q.name, "attempts", o.failed,
			"for", now.Sub(o.since).Round(time.Second), "error", o.reason)
		o.loggedAt, o.failed = now, 0
	}
	q.wakeAt(o.next, now)
}

// isAway reports whether only probes are tried.
func (q *queue) unavailable() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outage != nil
}

// probeRoom is the room for a claim during an outage: for one probe, when it is time. It
// needs mu.
func (q *queue) probeRoom(room int) int {
	now := time.Now()
	// A receiver may take its time for an answer, though it is there.
	busy := q.outage.probing && now.Sub(q.outage.begun) < maxProbeInterval
	if room < 1 || busy || now.Before(q.outage.next) {
		return 0
	}
	q.outage.probing, q.outage.begun = true, now
	q.wakeAt(now.Add(maxProbeInterval), now)
	return 1
}

// probing takes what a claim for a probe has found. It needs mu.
func (q *queue) probing(ds []Delivery) {
	switch {
	case q.outage == nil:
	case len(ds) == 0:
		q.outage.probing = false
	default:
		q.outage.probe = ds[0].ID
	}
}

// probeNow is called when the receiver says that it is back: the next probe tells.
func (q *queue) probeNow() {
	q.mu.Lock()
	if q.outage != nil {
		q.outage.next = time.Time{}
	}
	q.mu.Unlock()
	q.wakeUp()
}

// Outage reports since when the receiver of a lane is away, and why; the zero time if it
// is not.
func (r *Relay) Outage(name Queue) (since time.Time, reason string) {
	q := r.queues[name]
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.outage == nil {
		return time.Time{}, ""
	}
	return q.outage.since, q.outage.reason
}

// later is when an attempt that is not counted is made again outside of an outage: after
// half of the time that the delivery has been waiting, as its attempts tell nothing.
func (r *Relay) later(d Delivery, err error) time.Time {
	now := r.c.Now()
	wait := min(max(now.Sub(d.CreatedAt)/2, r.c.Backoff.Base), r.c.Backoff.Max)
	return now.Add(max(spread(wait), retryAfter(err)))
}

// hushed reports whether an attempt that ended with err gets no line of its own in the
// log. What waits for the end of an outage has that of the outage; of those that found the
// receiver away while others got through, as when a connection breaks with many on it,
// there is one a minute.
func (q *queue) quiet(err error, waits bool) bool {
	if waits || err == nil || !q.handler.Unavailable(err) {
		return waits
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	if !q.loggedAt.IsZero() && now.Sub(q.loggedAt) < logInterval {
		return true
	}
	q.loggedAt = now
	return false
}

// levelOf is that of the line on one delivery.
func levelOf(v Disposition, hushed bool) slog.Level {
	switch {
	case v == DispositionRetry && !hushed:
		return slog.LevelWarn
	case v == DispositionDead:
		return slog.LevelError
	}
	return slog.LevelDebug
}

// heldBack reports whether a delivery has to wait for the end of an outage: it is not
// the probe.
func (q *queue) heldBack(id aigen.ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outage != nil && q.outage.probe != id
}

// HeldBack reports whether a delivery has to wait for the end of an outage of its queue's
// receiver.
func (r *Relay) HeldBack(name Queue, id aigen.ID) bool { return r.queues[name].heldBack(id) }

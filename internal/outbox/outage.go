package outbox

import (
	"errors"
	"log/slog"
	"time"

	"github.com/creativeflow/aigen"
)

// An outage is the time in which the receiver of a queue is unavailable. During an outage
// the queue tries one delivery at a time, the probe. All other deliveries wait in the store;
// the outage uses up none of their attempts and adds one line a minute to the log.

// ErrUnavailable is wrapped by the error of a receiver that cannot be reached at all, or
// that asks to be left alone. The attempt says nothing about the delivery, so it is not
// counted. A job waits until the deadline of its stage.
var ErrUnavailable = errors.New("the receiver is out of reach")

// ErrOutcomeUnknown is wrapped by the error of a publisher that sent the job and got no
// answer: the engine may have the job and work on it. The attempt is not counted. The job
// is sent again late, or never if the engine reports before.
var ErrOutcomeUnknown = errors.New("sent, but not answered")

// retryAfter is how long the receiver has asked to be left alone; 0 if it has not asked.
func retryAfter(err error) time.Duration {
	var asks interface{ RetryAfter() time.Duration }
	if errors.As(err, &asks) {
		return asks.RetryAfter()
	}
	return 0
}

// Uncounted reports whether an attempt that ended with err says nothing about the delivery,
// so that the attempt is not counted.
func Uncounted(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrOutcomeUnknown) || retryAfter(err) > 0
}

const (
	// maxProbeInterval bounds the time between two probes, so that a stage loses little of
	// its time after the end of an outage.
	maxProbeInterval = 15 * time.Second
	// logInterval bounds how often an outage is logged.
	logInterval = time.Minute
)

type outage struct {
	since    time.Time
	probes   int       // failed probes
	next     time.Time // earliest start of the next probe
	probing  bool      // a probe is being claimed or is in flight
	probe    aigen.ID  // the delivery that is the probe
	begun    time.Time // when the claim of the probe began
	failed   int       // attempts since the last log line
	loggedAt time.Time
	reason   string
}

// observe learns from the end of an attempt whether the receiver is available. It reports
// whether the delivery has to wait for the end of an outage.
func (q *queue) observe(d Delivery, begun time.Time, err error) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.r.c.Clock()
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
		if probe { // this probe says nothing: try another delivery
			q.outage.probing, q.outage.probe = false, aigen.ID{}
			q.outage.next = now.Add(q.r.c.Backoff.Delay(1))
			q.wakeAt(q.outage.next, now)
		}
	default:
		q.receiverAnswered(now) // a refusal or a slow answer is an answer
	}
	return false
}

// receiverAnswered ends the outage. The caller holds q.mu.
func (q *queue) receiverAnswered(now time.Time) {
	q.answered = now
	if q.outage == nil {
		return
	}
	q.r.c.Log.Info("the receiver is available again, deliveries go on", "lane", q.name,
		"after", now.Sub(q.outage.since).Round(time.Millisecond))
	q.outage = nil
	q.wakeUp()
}

// receiverLost begins or prolongs an outage. The caller holds q.mu.
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
		q.r.c.Log.Warn("the receiver is unavailable, deliveries wait", "lane", q.name, "attempts", o.failed,
			"for", now.Sub(o.since).Round(time.Second), "error", o.reason)
		o.loggedAt, o.failed = now, 0
	}
	q.wakeAt(o.next, now)
}

// unavailable reports whether an outage is going on.
func (q *queue) unavailable() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outage != nil
}

// probeRoom is the number of slots for a claim during an outage: 1 when a probe is due, else
// 0. The caller holds q.mu.
func (q *queue) probeRoom(room int) int {
	now := q.r.c.Clock()
	// A receiver that is available may still take its time to answer the probe.
	busy := q.outage.probing && now.Sub(q.outage.begun) < maxProbeInterval
	if room < 1 || busy || now.Before(q.outage.next) {
		return 0
	}
	q.outage.probing, q.outage.begun = true, now
	q.wakeAt(now.Add(maxProbeInterval), now)
	return 1
}

// setProbe records which delivery the claim of a probe has found. The caller holds q.mu.
func (q *queue) setProbe(ds []Delivery) {
	switch {
	case q.outage == nil:
	case len(ds) == 0:
		q.outage.probing = false
	default:
		q.outage.probe = ds[0].ID
	}
}

// probeNow makes the next probe due: the receiver says that it is back.
func (q *queue) probeNow() {
	q.mu.Lock()
	if q.outage != nil {
		q.outage.next = time.Time{}
	}
	q.mu.Unlock()
	q.wakeUp()
}

// Outage reports since when the receiver of a queue is unavailable, and why; the zero time
// if the receiver is available.
func (r *Relay) Outage(name Queue) (since time.Time, reason string) {
	q := r.queues[name]
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.outage == nil {
		return time.Time{}, ""
	}
	return q.outage.since, q.outage.reason
}

// uncountedRetryAt is when a delivery is tried again whose attempt was not counted, outside
// of an outage. The count of attempts says nothing then, so the delay grows with the age of
// the delivery: half of it.
func (r *Relay) uncountedRetryAt(d Delivery, err error) time.Time {
	now := r.c.Now()
	wait := min(max(now.Sub(d.CreatedAt)/2, r.c.Backoff.Base), r.c.Backoff.Max)
	return now.Add(max(jitter(wait), retryAfter(err)))
}

// quiet reports whether an attempt that ended with err gets no log line of its own. The log
// line of the outage stands for deliveries that wait for its end. Attempts that found the
// receiver unavailable while others got through (a connection broke with many deliveries on
// it, say) share one line a minute.
func (q *queue) quiet(err error, waits bool) bool {
	if waits || err == nil || !q.handler.Unavailable(err) {
		return waits
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.r.c.Clock()
	if !q.loggedAt.IsZero() && now.Sub(q.loggedAt) < logInterval {
		return true
	}
	q.loggedAt = now
	return false
}

// levelOf is the level of the log line about one attempt.
func levelOf(d Disposition, quiet bool) slog.Level {
	switch {
	case d == DispositionRetry && !quiet:
		return slog.LevelWarn
	case d == DispositionDead:
		return slog.LevelError
	}
	return slog.LevelDebug
}

// HeldBack reports whether a delivery has to wait for the end of an outage of its queue:
// there is one, and the delivery is not its probe.
func (r *Relay) HeldBack(name Queue, id aigen.ID) bool {
	q := r.queues[name]
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.outage != nil && q.outage.probe != id
}

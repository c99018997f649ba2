package app

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
var ErrAway = errors.New("the receiver is out of reach")

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

// uncounted reports whether an attempt that ended with err says nothing about the
// delivery.
func uncounted(err error) bool {
	return errors.Is(err, ErrAway) || errors.Is(err, ErrOutcomeUnknown) || retryAfter(err) > 0
}

const (
	// longestProbe bounds the time from one probe to the next, so that little is lost of
	// a stage's time after the end of an outage.
	longestProbe = 15 * time.Second
	// tellEvery bounds how often an outage is logged.
	tellEvery = time.Minute
)

// outage is a time in which the receiver of a lane is away.
type outage struct {
	since   time.Time
	probes  int       // that failed
	next    time.Time // when the next probe may begin
	probing bool      // a probe is being claimed, or is under way
	probe   aigen.ID  // which one
	begun   time.Time // when it began to be claimed
	failed  int       // attempts since the last line in the log
	told    time.Time
	reason  string
}

// heard takes the end of an attempt for what it says of the receiver. It reports whether
// the delivery has to wait for the end of an outage.
func (l *lane) heard(d Delivery, begun time.Time, err error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	probe := l.away != nil && l.away.probe == d.ID
	switch {
	case err == nil:
		l.answers(now)
	case l.to.away(err):
		if l.away == nil && begun.Before(l.answered) {
			return false // others get through
		}
		l.lost(now, err, probe)
		return true
	case errors.Is(err, ErrReturned), errors.Is(err, errNotWanted):
		if probe { // it says nothing: another one is tried
			l.away.probing, l.away.probe = false, aigen.ID{}
			l.away.next = now.Add(l.r.c.Backoff.Delay(1))
			l.wakeAt(l.away.next, now)
		}
	default:
		l.answers(now) // it refuses, or is slow, so it is there
	}
	return false
}

// answers needs mu.
func (l *lane) answers(now time.Time) {
	l.answered = now
	if l.away == nil {
		return
	}
	l.r.log.Info("deliveries go on: the receiver is back", "lane", l.name, "after", now.Sub(l.away.since).Round(time.Millisecond))
	l.away = nil
	l.wakeUp()
}

// lost needs mu.
func (l *lane) lost(now time.Time, err error, probe bool) {
	o := l.away
	if o == nil {
		o = &outage{since: now}
		l.away = o
	}
	first := o.told.IsZero()
	if first || probe {
		o.probes++
		o.probing, o.probe = false, aigen.ID{}
		o.next = now.Add(min(l.r.c.Backoff.Delay(o.probes), longestProbe))
	}
	if asked := now.Add(retryAfter(err)); asked.After(o.next) {
		o.next = asked
	}
	o.failed++
	o.reason = trim(err.Error())
	if first || now.Sub(o.told) >= tellEvery {
		l.r.log.Warn("deliveries wait: the receiver is away", "lane", l.name, "attempts", o.failed,
			"for", now.Sub(o.since).Round(time.Second), "error", o.reason)
		o.told, o.failed = now, 0
	}
	l.wakeAt(o.next, now)
}

// isAway reports whether only probes are tried.
func (l *lane) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away != nil
}

// probeRoom is the room for a claim during an outage: for one probe, when it is time. It
// needs mu.
func (l *lane) probeRoom(room int) int {
	now := time.Now()
	// A receiver may take its time for an answer, though it is there.
	busy := l.away.probing && now.Sub(l.away.begun) < longestProbe
	if room < 1 || busy || now.Before(l.away.next) {
		return 0
	}
	l.away.probing, l.away.begun = true, now
	l.wakeAt(now.Add(longestProbe), now)
	return 1
}

// probing takes what a claim for a probe has found. It needs mu.
func (l *lane) probing(ds []Delivery) {
	switch {
	case l.away == nil:
	case len(ds) == 0:
		l.away.probing = false
	default:
		l.away.probe = ds[0].ID
	}
}

// probeNow is called when the receiver says that it is back: the next probe tells.
func (l *lane) probeNow() {
	l.mu.Lock()
	if l.away != nil {
		l.away.next = time.Time{}
	}
	l.mu.Unlock()
	l.wakeUp()
}

// Outage reports since when the receiver of a lane is away, and why; the zero time if it
// is not.
func (r *Relay) Outage(name Lane) (since time.Time, reason string) {
	l := r.lanes[name]
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away == nil {
		return time.Time{}, ""
	}
	return l.away.since, l.away.reason
}

// later is when an attempt that is not counted is made again outside of an outage: after
// half of the time that the delivery has been waiting, as its attempts tell nothing.
func (r *Relay) later(d Delivery, err error) time.Time {
	now := r.now()
	wait := min(max(now.Sub(d.CreatedAt)/2, r.c.Backoff.Base), r.c.Backoff.Max)
	return now.Add(max(spread(wait), retryAfter(err)))
}

// hushed reports whether an attempt that ended with err gets no line of its own in the
// log. What waits for the end of an outage has that of the outage; of those that found the
// receiver away while others got through, as when a connection breaks with many on it,
// there is one a minute.
func (l *lane) hushed(err error, waits bool) bool {
	if waits || err == nil || !l.to.away(err) {
		return waits
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !l.told.IsZero() && now.Sub(l.told) < tellEvery {
		return true
	}
	l.told = now
	return false
}

// levelOf is that of the line on one delivery.
func levelOf(v Verdict, hushed bool) slog.Level {
	switch {
	case v == VerdictRetry && !hushed:
		return slog.LevelWarn
	case v == VerdictDead:
		return slog.LevelError
	}
	return slog.LevelDebug
}

// holdsBack reports whether a delivery has to wait for the end of an outage: it is not
// the probe.
func (l *lane) holdsBack(id aigen.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.away != nil && l.away.probe != id
}

package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Relay delivers the outbox: it leases rows that are due, hands them over, and
// removes, retries or gives up on them. Each lane runs on its own. Several
// processes may run relays on one store.
type Relay struct {
	outbox  Outbox
	now     func() time.Time
	log     *slog.Logger
	metrics Metrics
	c       RelayConfig
	lanes   map[Lane]*lane

	withdrawn withdrawals
	canceller JobCanceller // nil: the publisher is none
}

// RelayConfig are the settings of a Relay; zero values get the defaults.
type RelayConfig struct {
	Owner       string        // of the leases: one for each process, required
	Lease       time.Duration // 15 s; extended while a delivery is under way
	Poll        time.Duration // 1 s: for what other processes wrote, and for retries
	MaxAttempts int           // 10; then a delivery is dead (credit operations excepted)
	Backoff     Backoff       // 500 ms to 1 min
	StopGrace   time.Duration // 5 s: how long deliveries under way may take at the stop

	// ReleaseOnStart frees what this owner held before: right where the owner's
	// name is that of the only process (SQLite), so that a restart after a crash
	// does not wait for leases to end.
	ReleaseOnStart bool

	// JobsByTurns lets the users whose jobs wait take turns, so that one user's backlog
	// does not hold up another's: for an engine that works on few jobs at a time.
	JobsByTurns bool
}

// deliverer hands deliveries over. It calls done once for each, by index.
type deliverer interface {
	deliver(ctx context.Context, ds []Delivery, done func(i int, err error))
	window() int
	// away reports whether err says that the receiver is out of reach, for all.
	away(err error) bool
	// hopeless reports whether a delivery is given up that has failed with err; attempts
	// is whether it was tried as often as is set.
	hopeless(d Delivery, err error, attempts bool) bool
	// next is when a delivery that has failed with err is tried again; the zero time: as
	// the relay sees fit.
	next(d Delivery, err error) time.Time
	// dead is told of a delivery that is being given up on, before it is marked.
	// errNotWanted: it is not to be marked, since nobody waits for it.
	dead(ctx context.Context, d Delivery) error
}

// PermanentError marks a delivery that no further attempt can help.
type PermanentError struct{ Err error }

// Error implements error.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// ErrReturned is given to done for a delivery that was not tried, because the
// receiver is stopping: it is due again at once and the attempt does not count.
var ErrReturned = errors.New("not tried: stopping")

// errNotWanted is given to done for a job that nobody awaits any more: its row is gone,
// or goes.
var errNotWanted = errors.New("not tried: nobody awaits it any more")

// NewRelay builds the relay of a service's outbox. Service is told, so that what
// it writes is delivered without waiting for the next poll.
func NewRelay(s *Service, o Outbox, jobs JobPublisher, n NotificationService, w JobCallbacks, c RelayConfig) *Relay {
	c.Lease = orDefault(c.Lease, 15*time.Second)
	c.Poll = orDefault(c.Poll, time.Second)
	c.StopGrace = orDefault(c.StopGrace, 5*time.Second)
	c.Backoff.Base = orDefault(c.Backoff.Base, 500*time.Millisecond)
	c.Backoff.Max = orDefault(c.Backoff.Max, time.Minute)
	if c.MaxAttempts <= 0 {
		c.MaxAttempts = 10
	}
	r := &Relay{outbox: o, now: s.policy.Now, log: s.log, metrics: s.metrics, c: c, lanes: map[Lane]*lane{}}
	var gatherFor time.Duration
	if g, ok := jobs.(Gatherer); ok {
		gatherFor = g.GatherFor()
	}
	r.canceller, _ = jobs.(JobCanceller)
	r.lanes[LaneJobs] = newLane(r, LaneJobs, &jobDeliverer{service: s, relay: r, publisher: jobs, callbacks: w}, gatherFor)
	if c.JobsByTurns {
		r.lanes[LaneJobs].take = (&turns{outbox: o}).claim
	}
	if p, ok := jobs.(Recoverer); ok {
		p.OnRecovered(r.lanes[LaneJobs].probeNow)
	}
	r.lanes[LaneCredits] = newLane(r, LaneCredits, &creditDeliverer{service: s}, 0)
	r.lanes[LaneNotifications] = newLane(r, LaneNotifications, newNotificationDeliverer(n, s.tracer, s.policy.Now), 0)
	s.relay = r
	return r
}

// Run delivers until ctx ends. Then it claims nothing more, gives what is under way
// StopGrace to finish, and gives back the rest.
func (r *Relay) Run(ctx context.Context) error {
	if r.c.ReleaseOnStart {
		if err := r.takeUp(ctx); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	for _, l := range r.lanes {
		wg.Go(func() { l.run(ctx) })
	}
	wg.Wait()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.c.StopGrace)
	defer cancel()
	_, err := r.outbox.ReleaseLeases(stop, r.c.Owner, r.now())
	return err
}

// takeUp frees what a process of this name held when it was killed. It comes before the
// lanes begin: after that, it would free what is under way. A store that takes no writes
// for a while (its disk is full, say) is waited for.
func (r *Relay) takeUp(ctx context.Context) error {
	const pause = 250 * time.Millisecond
	for try := 1; ctx.Err() == nil; try++ {
		n, err := r.outbox.ReleaseLeases(ctx, r.c.Owner, r.now())
		switch {
		case ctx.Err() != nil: // told to stop
		case err == nil:
			if n > 0 {
				r.log.Info("deliveries of a process that ended are taken up again", "count", n)
			}
			return nil
		case !errors.Is(err, ErrStoreUnavailable):
			return err
		case try == 1:
			r.log.Error("nothing is delivered until the store takes writes", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// judge turns the end of an attempt into what is written. waits is whether the delivery
// waits for the end of an outage.
func (r *Relay) judge(ctx context.Context, l *lane, d Delivery, err error, waits bool) DeliveryResult {
	res := DeliveryResult{ID: d.ID}
	var permanent *PermanentError
	switch {
	case err == nil, errors.Is(err, errNotWanted), r.withdrawn.has(d.ID):
		res.Verdict = VerdictDelivered // or not to be delivered: the row goes
	case errors.Is(err, ErrReturned):
		res.Verdict = VerdictReturned
	case errors.As(err, &permanent), l.to.hopeless(d, err, d.Attempts >= r.c.MaxAttempts):
		res.Verdict, res.Error = VerdictDead, trim(err.Error())
		switch err := l.to.dead(ctx, d); {
		case errors.Is(err, errNotWanted):
			res.Verdict = VerdictDelivered
		case err != nil:
			// What follows from giving up is not written: try the whole again later.
			res.Verdict, res.RetryAt = VerdictRetry, r.now().Add(r.c.Backoff.Delay(d.Attempts))
		}
	default:
		res.Verdict, res.Error, res.Uncounted = VerdictRetry, trim(err.Error()), uncounted(err) || l.to.away(err)
		res.RetryAt = r.retryAt(l, d, err, waits)
	}
	r.report(l.name, d, res, l.hushed(err, waits))
	return res
}

// retryAt is when a delivery is tried again. One that waits for the end of an outage is
// due at once: the lane holds it back.
func (r *Relay) retryAt(l *lane, d Delivery, err error, waits bool) time.Time {
	next := l.to.next(d, err)
	switch {
	case !next.IsZero():
		return next
	case waits:
		return r.now().Add(retryAfter(err))
	case uncounted(err), l.to.away(err):
		return r.later(d, err)
	}
	return r.now().Add(r.c.Backoff.Delay(d.Attempts))
}

// verdictNames are for metrics and the log.
var verdictNames = [...]string{
	VerdictDelivered: "delivered", VerdictRetry: "retry", VerdictDead: "dead", VerdictReturned: "returned",
}

func (r *Relay) report(lane Lane, d Delivery, res DeliveryResult, hushed bool) {
	name, age := verdictNames[res.Verdict], r.now().Sub(d.CreatedAt)
	r.metrics.Delivery(lane, d.Kind, name, age)
	level := levelOf(res.Verdict, hushed)
	if !r.log.Enabled(context.Background(), level) {
		return // nearly always, and its words are not free
	}
	r.log.LogAttrs(context.Background(), level, "delivery "+name,
		slog.String("kind", string(d.Kind)), slog.String("delivery_id", d.ID.String()),
		slog.String("generation_id", d.GenerationID.String()), slog.Int("attempt", d.Attempts),
		slog.Duration("age", age), slog.String("error", res.Error))
}

// maxErrorLength bounds what is kept of an error, in bytes.
const maxErrorLength = 500

func trim(s string) string {
	if len(s) > maxErrorLength {
		return strings.ToValidUTF8(s[:maxErrorLength], "") + "…" // not half a letter
	}
	return s
}

// JobCallbacks says where a job reports to and with which token.
type JobCallbacks struct {
	URL    string
	Tokens *JobTokens
}

func (w JobCallbacks) of(d Delivery) JobCallback {
	return JobCallback{URL: w.URL, Token: w.Tokens.Make(d.GenerationID, d.ID)}
}

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
	// forever reports whether a delivery is retried without end.
	forever(d Delivery, err error) bool
	// dead is told of a delivery that is being given up on, before it is marked.
	dead(ctx context.Context, d Delivery) error
}

// PermanentError marks a delivery that no further attempt can help.
type PermanentError struct{ Err error }

// Error implements error.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// ErrAway is what a JobPublisher's errors wrap while the engine's side is out of reach
// altogether. Such an attempt is no fault of the job: it is repeated without end, and
// the deadline of the stage, which is the authority, bounds the wait.
var ErrAway = errors.New("the workflow engine is out of reach")

// ErrReturned is given to done for a delivery that was not tried, because the
// receiver is stopping: it is due again at once and the attempt does not count.
var ErrReturned = errors.New("not tried: stopping")

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
	r.lanes[LaneJobs] = newLane(r, LaneJobs, &jobDeliverer{service: s, publisher: jobs, callbacks: w}, gatherFor)
	if c.JobsByTurns {
		r.lanes[LaneJobs].take = (&turns{outbox: o}).claim
	}
	r.lanes[LaneCredits] = newLane(r, LaneCredits, &creditDeliverer{service: s}, 0)
	r.lanes[LaneNotifications] = newLane(r, LaneNotifications, newNotificationDeliverer(n, s.tracer), 0)
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

// judge turns the end of an attempt into what is written.
func (r *Relay) judge(ctx context.Context, l *lane, d Delivery, err error) DeliveryResult {
	res := DeliveryResult{ID: d.ID}
	var permanent *PermanentError
	switch {
	case err == nil:
		res.Verdict = VerdictDelivered
	case errors.Is(err, ErrReturned):
		res.Verdict = VerdictReturned
	case errors.As(err, &permanent), d.Attempts >= r.c.MaxAttempts && !l.to.forever(d, err):
		res.Verdict, res.Error = VerdictDead, trim(err.Error())
		if err := l.to.dead(ctx, d); err != nil {
			// What follows from giving up is not written: try the whole again later.
			res.Verdict, res.RetryAt = VerdictRetry, r.now().Add(r.c.Backoff.Delay(d.Attempts))
		}
	default:
		res.Verdict, res.Error = VerdictRetry, trim(err.Error())
		res.RetryAt = r.now().Add(r.c.Backoff.Delay(d.Attempts))
	}
	r.report(l.name, d, res)
	return res
}

// verdictNames are for metrics and the log.
var verdictNames = [...]string{
	VerdictDelivered: "delivered", VerdictRetry: "retry", VerdictDead: "dead", VerdictReturned: "returned",
}

func (r *Relay) report(lane Lane, d Delivery, res DeliveryResult) {
	name, age := verdictNames[res.Verdict], r.now().Sub(d.CreatedAt)
	r.metrics.Delivery(lane, d.Kind, name, age)
	level := slog.LevelDebug
	switch res.Verdict {
	case VerdictRetry:
		level = slog.LevelWarn
	case VerdictDead:
		level = slog.LevelError
	case VerdictDelivered, VerdictReturned:
	}
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

package outbox

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// Relay delivers the outbox: it leases rows that are due, hands them to the handler of
// their queue, and removes, retries or gives up on them. Each queue has workers of its
// own. Several processes may run relays on one store.
type Relay struct {
	store  Store
	c      Config
	queues map[Queue]*queue

	withdrawn withdrawals
}

// Config are the settings of a Relay; zero values get the defaults.
type Config struct {
	Owner       string        // of the leases: one for each process, required
	Lease       time.Duration // 15 s; extended while a delivery is in flight
	Poll        time.Duration // 1 s: for what other processes wrote, and for retries
	MaxAttempts int           // 10; then the handler is asked to give up
	Backoff     Backoff       // 500 ms to 1 min
	StopGrace   time.Duration // 5 s: how long deliveries in flight may take at the stop

	// ReleaseOnStart frees the leases that this owner held before. Set it where the owner
	// is the only process (SQLite), so that a restart after a crash does not wait for
	// leases to end.
	ReleaseOnStart bool

	// JobsByTurns lets the users whose jobs wait take turns, so that the backlog of one
	// user does not hold up the jobs of another: for an engine that works on few jobs at
	// a time.
	JobsByTurns bool

	// StoreUnavailable reports whether an error of the store says that the store is away
	// for a while; the start waits for such a store. nil: no error says so.
	StoreUnavailable func(error) bool

	Now     func() time.Time // wall clock, for what is written; default time.Now
	Clock   func() time.Time // measures intervals; default time.Now, which no change of the wall clock affects
	Log     *slog.Logger     // nil: no log
	Metrics Metrics          // nil: none
}

// Handler delivers the rows of one queue.
type Handler interface {
	// Deliver hands deliveries to the receiver and calls done once for each, by index.
	Deliver(ctx context.Context, ds []Delivery, done func(i int, err error))
	// MaxInFlight is how many deliveries may be in flight at a time, at least 1.
	MaxInFlight() int
	// Unavailable reports whether err says that the receiver is unavailable for all
	// deliveries.
	Unavailable(err error) bool
	// GiveUp reports whether a delivery that failed with err becomes a dead letter.
	// exhausted is whether MaxAttempts is reached.
	GiveUp(d Delivery, err error, exhausted bool) bool
	// RetryAt is when a delivery that failed with err is tried again; the zero time
	// leaves the choice to the relay.
	RetryAt(d Delivery, err error) time.Time
	// OnDeadLetter is called before a delivery is marked as a dead letter. ErrNotWanted
	// removes the row instead; any other error has the whole tried again later.
	OnDeadLetter(ctx context.Context, d Delivery) error
}

// A Handler may implement these too.
type (
	// Canceller stops work on jobs that are in the receiver's hands. Cancel must not block.
	Canceller interface{ Cancel(jobs []aigen.ID) }
	// Recoverer learns by itself that the receiver is back after an outage. It calls back
	// each time, and what waits is tried at once.
	Recoverer interface{ OnRecovered(back func()) }
	// Lingerer handles deliveries in batches much more cheaply than one by one. Linger is
	// the least time between the starts of two batches: deliveries that come within it
	// wait for each other, a delivery that comes later goes at once. (Kafka: linger.ms.)
	Lingerer interface{ Linger() time.Duration }
)

// PermanentError marks a delivery that no further attempt can help.
type PermanentError struct{ Err error }

// Error implements error.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *PermanentError) Unwrap() error { return e.Err }

// ErrReturned is given to done for a delivery that was not tried, because the receiver
// is stopping: it is due again at once and the attempt does not count.
var ErrReturned = errors.New("not tried: stopping")

// ErrNotWanted is given to done for a delivery that nobody awaits any more: its row is
// removed.
var ErrNotWanted = errors.New("not tried: nobody awaits it any more")

// NewRelay builds a relay. Give queues their handlers with Handle, then call Run. The
// rows of a queue without one wait for a process that has one.
func NewRelay(store Store, c Config) *Relay {
	c.Lease = cmp.Or(c.Lease, 15*time.Second)
	c.Poll = cmp.Or(c.Poll, time.Second)
	c.StopGrace = cmp.Or(c.StopGrace, 5*time.Second)
	c.Backoff.Base = cmp.Or(c.Backoff.Base, 500*time.Millisecond)
	c.Backoff.Max = cmp.Or(c.Backoff.Max, time.Minute)
	c.MaxAttempts = cmp.Or(c.MaxAttempts, 10)
	if c.Now == nil {
		c.Now = time.Now //nolint:forbidigo // the default
	}
	if c.Clock == nil {
		c.Clock = time.Now //nolint:forbidigo // the default
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = nopMetrics{}
	}
	if c.StoreUnavailable == nil {
		c.StoreUnavailable = func(error) bool { return false }
	}
	r := &Relay{store: store, c: c, queues: map[Queue]*queue{}}
	for _, name := range Queues() {
		r.queues[name] = newQueue(r, name)
	}
	return r
}

// Handle sets the handler of a queue. Call it before Run.
func (r *Relay) Handle(name Queue, h Handler) {
	q := r.queues[name]
	q.handler = h
	if l, ok := h.(Lingerer); ok {
		q.linger = l.Linger()
	}
	if name == QueueJobs && r.c.JobsByTurns {
		q.claimRows = (&turns{store: r.store}).claim
	}
	if p, ok := h.(Recoverer); ok {
		p.OnRecovered(q.probeNow)
	}
}

// Run delivers until ctx ends. Then it claims no more rows, gives deliveries in flight
// StopGrace to finish, and returns the rest to their queues.
func (r *Relay) Run(ctx context.Context) error {
	if r.c.ReleaseOnStart {
		if err := r.recoverLeases(ctx); err != nil {
			return err
		}
	}
	var wg sync.WaitGroup
	for _, q := range r.queues {
		if q.handler != nil {
			wg.Go(func() { q.run(ctx) })
		}
	}
	wg.Wait()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.c.StopGrace)
	defer cancel()
	_, err := r.store.ReleaseLeases(stop, r.c.Owner, r.c.Now())
	return err
}

// recoverLeases ends the leases that a process of this name held when it was killed. It
// runs before the queues start, since later it would end leases of deliveries in flight. It
// waits for a store that takes no writes (its disk is full, say).
func (r *Relay) recoverLeases(ctx context.Context) error {
	const pause = 250 * time.Millisecond
	for try := 1; ctx.Err() == nil; try++ {
		n, err := r.store.ReleaseLeases(ctx, r.c.Owner, r.c.Now())
		switch {
		case ctx.Err() != nil: // told to stop
		case err == nil:
			if n > 0 {
				r.c.Log.Info("recovered the deliveries of a process that ended", "count", n)
			}
			return nil
		case !r.c.StoreUnavailable(err):
			return err
		case try == 1:
			r.c.Log.Error("the store takes no writes; deliveries start when it does", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// classify turns the end of an attempt into the result that is written. waits is whether the
// delivery waits for the end of an outage.
func (r *Relay) classify(ctx context.Context, q *queue, d Delivery, err error, waits bool) DeliveryResult {
	res := DeliveryResult{ID: d.ID}
	var permanent *PermanentError
	switch {
	case err == nil, errors.Is(err, ErrNotWanted), r.withdrawn.has(d.ID):
		res.Disposition = DispositionDelivered // or not wanted any more: the row is removed
	case errors.Is(err, ErrReturned):
		res.Disposition = DispositionReturned
	case errors.As(err, &permanent), q.handler.GiveUp(d, err, d.Attempts >= r.c.MaxAttempts):
		res.Disposition, res.Error = DispositionDead, trim(err.Error())
		switch err := q.handler.OnDeadLetter(ctx, d); {
		case errors.Is(err, ErrNotWanted):
			res.Disposition = DispositionDelivered
		case err != nil:
			// The consequence of giving up is not written: try both again later.
			res.Disposition, res.RetryAt = DispositionRetry, r.c.Now().Add(r.c.Backoff.Delay(d.Attempts))
		}
	default:
		res.Disposition, res.Error, res.Uncounted = DispositionRetry, trim(err.Error()), Uncounted(err) || q.handler.Unavailable(err)
		res.RetryAt = r.retryAt(q, d, err, waits)
	}
	r.report(q.name, d, res, q.quiet(err, waits))
	return res
}

// retryAt is when a delivery is tried again. A delivery that waits for the end of an outage
// is due at once: the queue holds it back.
func (r *Relay) retryAt(q *queue, d Delivery, err error, waits bool) time.Time {
	next := q.handler.RetryAt(d, err)
	switch {
	case !next.IsZero():
		return next
	case waits:
		return r.c.Now().Add(retryAfter(err))
	case Uncounted(err), q.handler.Unavailable(err):
		return r.uncountedRetryAt(d, err)
	}
	return r.c.Now().Add(r.c.Backoff.Delay(d.Attempts))
}

// dispositionNames are for metrics and the log.
var dispositionNames = [...]string{
	DispositionDelivered: "delivered", DispositionRetry: "retry", DispositionDead: "dead", DispositionReturned: "returned",
}

func (r *Relay) report(queueName Queue, d Delivery, res DeliveryResult, quiet bool) {
	name, age := dispositionNames[res.Disposition], r.c.Now().Sub(d.CreatedAt)
	r.c.Metrics.Delivery(queueName, d.Kind, name, age)
	level := levelOf(res.Disposition, quiet)
	if !r.c.Log.Enabled(context.Background(), level) {
		return // the usual case; formatting the attributes would cost time
	}
	r.c.Log.LogAttrs(context.Background(), level, "delivery "+name,
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

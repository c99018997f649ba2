package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Service holds the use-cases and what they share. Build it with New; its methods
// may be called from many goroutines.
type Service struct {
	policy     *aigen.Policy
	store      GenerationRepository
	credits    CreditService // nil: the embedded ledger
	ledger     Ledger        // nil: a remote credit service
	mode       CreditMode
	live       *live.Hub
	dispatcher Dispatcher
	cache      generationCache
	limits     Limits
	queued     *queueBound
	metrics    Metrics
	tracer     Tracer
	log        *slog.Logger

	keyLifetime    time.Duration
	reserveTimeout time.Duration
	assets         AssetConfig
}

// AssetConfig is how stored pictures are shown, and for how long they are kept.
type AssetConfig struct {
	Links            AssetLinks    // nil: no picture is stored
	SamplesRetention time.Duration // of samples that were not chosen, after the end; 0: with their generation
	UploadRetention  time.Duration // of uploads, after the end of the last generation that used them
}

// AssetLinks makes the URLs of stored pictures.
type AssetLinks interface {
	URL(name aigen.AssetName) string
	// URLUntil is a URL that works at least until end.
	URLUntil(name aigen.AssetName, end time.Time) string
}

// CreditMode is when credits are reserved.
type CreditMode int

// The modes.
const (
	ReserveBeforeAnswer CreditMode = iota // the caller's answer waits for the reservation
	ReserveInBackground                   // accepted at once, reserved by the relay
)

// Config is what a Service is made of. Policy and Store are required, and exactly
// one of Credits and Ledger.
type Config struct {
	Policy  *aigen.Policy
	Store   GenerationRepository
	Credits CreditService
	Ledger  Ledger
	Mode    CreditMode
	Metrics Metrics
	Tracer  Tracer // nil: deliveries carry no traceparent
	Log     *slog.Logger
	Limits  Limits
	Live    *live.Hub // nil: one that polls the store

	Assets AssetConfig

	// Dispatcher is the relay of this process, so that what the service writes is delivered
	// without waiting for the next poll. nil: another process delivers.
	Dispatcher Dispatcher

	// Clock measures the lifetimes of cached generations; default time.Now, which no change of
	// the wall clock affects.
	Clock func() time.Time

	// KeyLifetime is how long an idempotency key is remembered; default 24 h.
	KeyLifetime time.Duration
	// ReserveTimeout bounds the wait for a remote reservation; default 10 s.
	ReserveTimeout time.Duration
}

// Dispatcher is the relay as the service sees it.
type Dispatcher interface {
	// ReserveSlots takes those of the deliveries that can begin as soon as they are written,
	// and marks them so.
	ReserveSlots(deliveries []outbox.Delivery)
	// Confirm tells that they were written: those that are leased begin.
	Confirm(deliveries []outbox.Delivery)
	// ReleaseSlots tells that they were not written, or that this is unknown.
	ReleaseSlots(deliveries []outbox.Delivery, unknown bool)
	// Withdraw tells of jobs that have ended: they are not to be handed over any more.
	// Those that were dropped have ended without a report.
	Withdraw(jobs, dropped []aigen.ID)
	// Wake tells of deliveries that became due.
	Wake(deliveries []outbox.Delivery)
}

// New checks c and builds a Service.
func New(c Config) (*Service, error) {
	switch {
	case c.Policy == nil || c.Store == nil:
		return nil, errors.New("app: a policy and a store are required")
	case (c.Credits == nil) == (c.Ledger == nil):
		return nil, errors.New("app: exactly one of a credit service and a ledger is required")
	}
	if c.Clock == nil {
		c.Clock = time.Now //nolint:forbidigo // the default
	}
	s := &Service{
		policy: c.Policy, store: c.Store, credits: c.Credits, ledger: c.Ledger, mode: c.Mode,
		live: c.Live, dispatcher: c.Dispatcher, limits: c.Limits, cache: generationCache{clock: c.Clock}, metrics: c.Metrics, tracer: c.Tracer, log: c.Log,
		keyLifetime: c.KeyLifetime, reserveTimeout: c.ReserveTimeout, assets: c.Assets,
	}
	if s.dispatcher == nil {
		s.dispatcher = NopDispatcher{}
	}
	if s.live == nil {
		s.live = live.NewHub(live.Config{Store: c.Store})
	}
	s.queued = &queueBound{
		most: c.Limits.QueuedPerUser, count: c.Store.CountQueued, now: c.Policy.Now, current: map[aigen.ID]*userQueue{},
	}
	if s.tracer == nil {
		s.tracer = noTracer{}
	}
	if s.metrics == nil {
		s.metrics = NoMetrics{}
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.keyLifetime = cmp.Or(s.keyLifetime, 24*time.Hour)
	s.reserveTimeout = cmp.Or(s.reserveTimeout, 10*time.Second)
	return s, nil
}

// NopDispatcher is for a process without a relay.
type NopDispatcher struct{}

// ReserveSlots implements Dispatcher.
func (NopDispatcher) ReserveSlots([]outbox.Delivery) {}

// Confirm implements Dispatcher.
func (NopDispatcher) Confirm([]outbox.Delivery) {}

// ReleaseSlots implements Dispatcher.
func (NopDispatcher) ReleaseSlots([]outbox.Delivery, bool) {}

// Withdraw implements Dispatcher.
func (NopDispatcher) Withdraw(_, _ []aigen.ID) {}

// Wake implements Dispatcher.
func (NopDispatcher) Wake([]outbox.Delivery) {}

// maxTries bounds how often a verb is repeated because others changed the same
// generation. Each round at least one of the contenders wins, so that running out
// of tries means hundreds of writers on one generation.
const maxTries = 100

// Verb changes a loaded generation and says what goes with it. It may run several
// times, each time on a fresh value. ok false: there is nothing to write.
type Verb func(g *aigen.Generation, c *Change) (ok bool, err error)

// Change is the one way to change a generation: load, verb, one transaction.
func (s *Service) Change(ctx context.Context, id aigen.ID, v Verb) (*aigen.Generation, error) {
	for try := range maxTries {
		g, remembered, err := s.load(ctx, id)
		if err != nil {
			return nil, err
		}
		before, since := g.Status, g.StatusSince
		c := &Change{Generation: g, From: g.Version}
		ok, err := v(g, c)
		switch {
		case remembered && (err != nil || !ok):
			s.cache.forget(id)
			continue // only what was loaded can tell
		case err != nil:
			return nil, err
		case !ok:
			return g, nil
		}
		err = s.apply(ctx, c)
		if err == nil {
			s.metrics.Transition(before, g.Status, g.UpdatedAt.Sub(since))
			return g, nil
		}
		s.cache.forget(id)
		switch {
		case !errors.Is(err, ErrVersionConflict):
			return nil, err
		case remembered:
			continue // another replica's change was missed: no contention
		}
		if err := pause(ctx, try); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("change generation %s: still contended after %d tries: %w", id, maxTries, ErrVersionConflict)
}

// load gets a generation to change: remembered, or from the store.
func (s *Service) load(ctx context.Context, id aigen.ID) (g *aigen.Generation, remembered bool, err error) {
	if g := s.cache.get(id); g != nil {
		return g, true, nil
	}
	g, err = s.store.Get(ctx, id)
	return g, false, err
}

// pause lets a contender finish; the jitter keeps losers from meeting again.
func pause(ctx context.Context, try int) error {
	limit := time.Millisecond << min(try, 5)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(rand.N(limit)): //nolint:gosec // G404: jitter, not a secret
		return nil
	}
}

// apply completes a change with what its verb recorded, writes it, and tells those
// in this process who wait for it.
func (s *Service) apply(ctx context.Context, c *Change) error {
	if err := s.complete(c); err != nil {
		return err
	}
	if c.Discard {
		// Nobody has seen this generation: there is nothing to tell or to do.
		c.Events, c.Deliveries, c.Postings = nil, nil, nil
	}
	if len(c.Deliveries) > 0 {
		trace := s.tracer.Current(ctx)
		for i := range c.Deliveries {
			c.Deliveries[i].Trace = trace
		}
		s.dispatcher.ReserveSlots(c.Deliveries)
	}
	if err := s.store.Apply(ctx, []*Change{c})[0]; err != nil {
		s.dispatcher.ReleaseSlots(c.Deliveries, mayBeWritten(err))
		return err
	}
	if c.Discard {
		s.cache.forget(c.Generation.ID)
	} else {
		s.cache.put(c.Generation)
	}
	if len(c.Withdrawn) > 0 {
		s.dispatcher.Withdraw(c.withdrawals())
	}
	s.live.Publish(c.Events)
	s.dispatcher.Confirm(c.Deliveries)
	return nil
}

// mayBeWritten reports whether a change may have been written although Apply returned err.
func mayBeWritten(err error) bool {
	return !errors.Is(err, ErrVersionConflict) && !errors.Is(err, ErrKeyTaken) && !errors.Is(err, aigen.ErrInsufficientCredits)
}

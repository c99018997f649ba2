package odoo

import (
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// BreakerConfig says when the credit service is left alone. Zero values get the
// defaults.
type BreakerConfig struct {
	Failures uint32        // in a row; default 5
	Share    float64       // of the calls of the last 10 s, if there were at least 20; default 0.5
	OpenFor  time.Duration // until one call is tried; default 5 s
}

const (
	breakerWindow  = 10 * time.Second
	breakerBucket  = time.Second
	breakerAtLeast = 20 // calls, before a share of them means anything
	// accessLogEvery bounds how often the log says that the key is refused.
	accessLogEvery = time.Minute
)

// breaker stops calls while the credit service fails: users learn at once that they
// have to come back, and a service that struggles is not trampled on. Refusals and
// permanent faults are answers, so they do not count. There is one for all calls:
// what one kind learns spares the others.
//
// Time is that of package time, as gobreaker has no other; tests bend it with
// testing/synctest.
type breaker struct {
	c       BreakerConfig
	b       *gobreaker.TwoStepCircuitBreaker[struct{}]
	metrics Metrics
	log     *slog.Logger

	mu        sync.Mutex
	openUntil time.Time
	reason    string // of the newest failure
	accessLog time.Time
}

var (
	errFailed  = errors.New("failed")
	errUnheard = errors.New("says nothing")
)

func newBreaker(c BreakerConfig, m Metrics, log *slog.Logger) *breaker {
	c.Failures = orDefault(c.Failures, 5)
	c.OpenFor = orDefault(c.OpenFor, 5*time.Second)
	if c.Share <= 0 {
		c.Share = 0.5
	}
	b := &breaker{c: c, metrics: m, log: log}
	b.b = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: "odoo", MaxRequests: 1, Interval: breakerWindow, BucketPeriod: breakerBucket, Timeout: c.OpenFor,
		ReadyToTrip: b.trips, OnStateChange: b.changed,
		IsExcluded: func(err error) bool { return errors.Is(err, errUnheard) },
	})
	m.Breaker(gobreaker.StateClosed.String())
	return b
}

func (b *breaker) trips(c gobreaker.Counts) bool {
	ended := c.TotalSuccesses + c.TotalFailures
	return c.ConsecutiveFailures >= b.c.Failures ||
		(ended >= breakerAtLeast && float64(c.TotalFailures) >= b.c.Share*float64(ended))
}

// changed is called with gobreaker's lock held: it must not call gobreaker.
func (b *breaker) changed(_ string, _, to gobreaker.State) {
	b.mu.Lock()
	if to == gobreaker.StateOpen {
		b.openUntil = time.Now().Add(b.c.OpenFor)
	}
	reason := b.reason
	b.mu.Unlock()
	b.metrics.Breaker(to.String())
	switch to {
	case gobreaker.StateOpen:
		b.log.Warn("the credit service is left alone", "for", b.c.OpenFor, "reason", reason)
	case gobreaker.StateClosed:
		b.log.Info("the credit service answers again")
	case gobreaker.StateHalfOpen:
	}
}

// allow lets a call begin; end must be told of its verdict. A nil end: not now, and
// not before wait is over.
func (b *breaker) allow() (end func(verdict), wait time.Duration) {
	finish, err := b.b.Allow()
	if err != nil {
		return nil, b.remaining()
	}
	return func(v verdict) { finish(b.count(v)) }, 0
}

// count is the verdict as gobreaker wants it.
func (b *breaker) count(v verdict) error {
	if !v.failed() {
		return nil
	}
	if v.unheard {
		return errUnheard
	}
	b.mu.Lock()
	b.reason = v.detail
	if v.cause != nil {
		b.reason = v.cause.Error()
	}
	tell := v.class == classAccess && time.Since(b.accessLog) >= accessLogEvery
	if tell {
		b.accessLog = time.Now()
	}
	b.mu.Unlock()
	if tell {
		b.log.Error("the credit service refuses our key: set ODOO_API_KEY to the one that the addon knows", "detail", v.detail)
	}
	return errFailed
}

// openFor is how long nobody is to be asked; 0 if somebody may try.
func (b *breaker) openFor() time.Duration {
	if b.b.State() != gobreaker.StateOpen {
		return 0
	}
	return b.remaining()
}

// remaining is until a call is tried again, at least a moment: while it is being
// tried others get the same answer.
func (b *breaker) remaining() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(time.Until(b.openUntil), time.Second)
}

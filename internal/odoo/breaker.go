package odoo

import (
	"errors"
	"log/slog"
	"math/bits"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

// BreakerConfig says when the credit service is left alone. Zero values get the
// defaults.
type BreakerConfig struct {
	Failures uint32        // in a row; default 5
	Share    float64       // of the last 20 calls that failed; default 0.5
	OpenFor  time.Duration // until one call is tried; default 5 s
}

const (
	// breakerMemory is how many calls the share is taken of. It is not a window of
	// time, as gobreaker's: that forgets a call which took longer than the window,
	// and so never opens for a service that hangs.
	breakerMemory = 20
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
	recent    uint32 // a bit for each of the last calls, set where it failed
	heard     int    // how many bits of recent mean something
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
		Name: "odoo", MaxRequests: 1, Timeout: c.OpenFor,
		ReadyToTrip: b.trips, OnStateChange: b.changed,
		IsExcluded: func(err error) bool { return errors.Is(err, errUnheard) },
	})
	m.Breaker(gobreaker.StateClosed.String())
	return b
}

// trips is called after a failure, with gobreaker's lock held.
func (b *breaker) trips(c gobreaker.Counts) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return c.ConsecutiveFailures >= b.c.Failures ||
		(b.heard == breakerMemory && float64(bits.OnesCount32(b.recent)) >= b.c.Share*breakerMemory)
}

// remember needs mu.
func (b *breaker) remember(failed bool) {
	b.recent = b.recent << 1 & (1<<breakerMemory - 1)
	if failed {
		b.recent |= 1
	}
	b.heard = min(b.heard+1, breakerMemory)
}

// changed is called with gobreaker's lock held: it must not call gobreaker.
func (b *breaker) changed(_ string, _, to gobreaker.State) {
	b.mu.Lock()
	if to == gobreaker.StateOpen {
		b.openUntil = time.Now().Add(b.c.OpenFor)
	}
	b.recent, b.heard = 0, 0
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
func (b *breaker) allow() (end func(result), wait time.Duration) {
	finish, err := b.b.Allow()
	if err != nil {
		return nil, b.remaining()
	}
	return func(v result) { finish(b.count(v)) }, 0
}

// count is the verdict as gobreaker wants it.
func (b *breaker) count(v result) error {
	if v.failed() && v.unheard {
		return errUnheard
	}
	b.mu.Lock()
	b.remember(v.failed())
	if !v.failed() {
		b.mu.Unlock()
		return nil
	}
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

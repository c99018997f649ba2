// Package odoo keeps the accounts in Odoo: it implements app.CreditService over HTTP
// (contract section 4).
//
// What Odoo says is believed only where it is said in JSON and in the form of the
// contract. Odoo answers with a page in HTML, and any status, when its database is
// gone, when the database's name is wrong or when the addon has a fault; behind a
// proxy, or with a route that wants a login, it redirects. All of that means that
// nothing is known: aigen.ErrCreditsUnavailable, and the same reference later tells
// what became of the call.
//
// Calls that come at the same time share one request where the other side offers
// that (dispatcher.go). A breaker stops asking a service that is gone (breaker.go).
package odoo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
)

// Config is what a Service is made of. BaseURL is required; zero values get the
// defaults.
type Config struct {
	BaseURL  string // ODOO_SERVICE_URL
	Key      string // ODOO_API_KEY, sent as a bearer token
	Database string // sent as X-Odoo-Database; empty: Odoo has one, or finds it by the host's name
	// Timeout bounds one call, and a reservation with its repeats; default 10 s
	// (ODOO_TIMEOUT).
	Timeout time.Duration
	Limits  Limits
	Breaker BreakerConfig
	Metrics Metrics // nil: none
	Log     *slog.Logger
	// Annotate adds to the headers of a call what belongs to the request that it is
	// made for: its id, a trace. Of several that share a call, the first is asked.
	Annotate func(ctx context.Context, h http.Header)
	// Wrap puts something around the transport, such as one that traces.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Limits of what is under way at a time. Reservations, settlements (deduct and
// refund) and balances have places of their own, so that a crowd of one kind does
// not starve the others.
type Limits struct {
	Reserves int // calls with one reservation each; default 16
	Settles  int // calls with one deduction or refund each; default 8
	Balances int // default 4
	// Batches is how many calls may be under way in each of the two lines while the
	// other side takes several operations in one; default 4. More make smaller
	// batches; with one, a single slow call holds up everybody.
	Batches   int
	BatchSize int // operations in one call; default and most 100
	// Queue is how many operations of a line may wait; default 2000. The next is
	// refused at once: it would not be served in time.
	Queue int
	// Wait is how long an operation waits for its turn; default half of Timeout, so
	// that there is time left for the call.
	Wait time.Duration
	// BatchRest is how long single calls are made after the other side did not take
	// a batch; default 5 min.
	BatchRest time.Duration
}

const (
	maxBatchSize = 100
	maxAnswer    = 1 << 20 // bytes; an answer to a full batch has some 20 KiB
)

func (l Limits) withDefaults(timeout time.Duration) Limits {
	l.Reserves = orDefault(l.Reserves, 16)
	l.Settles = orDefault(l.Settles, 8)
	l.Balances = orDefault(l.Balances, 4)
	l.Batches = orDefault(l.Batches, 4)
	l.BatchSize = min(orDefault(l.BatchSize, maxBatchSize), maxBatchSize)
	l.Queue = orDefault(l.Queue, 2000)
	l.Wait = orDefault(l.Wait, timeout/2)
	l.BatchRest = orDefault(l.BatchRest, 5*time.Minute)
	return l
}

func orDefault[T int | uint32 | time.Duration](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

// Service is Odoo as an app.CreditService. Build it with New; its methods may be
// called from many goroutines.
type Service struct {
	http     *httpcall.Caller
	limits   Limits
	breaker  *breaker
	batches  *batchSwitch
	reserve  *dispatcher
	settle   *dispatcher
	balances chan struct{} // one for each call under way
	metrics  Metrics
}

var _ app.CreditService = (*Service)(nil)

// New builds a Service. It calls nobody: see Check.
func New(c Config) (*Service, error) {
	c.Timeout = orDefault(c.Timeout, 10*time.Second)
	limits := c.Limits.withDefaults(c.Timeout)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = noMetrics{}
	}
	header := http.Header{}
	if c.Database != "" {
		header.Set("X-Odoo-Database", c.Database)
	}
	caller, err := httpcall.New(httpcall.Config{
		BaseURL: c.BaseURL, Key: c.Key, Timeout: c.Timeout, MaxAnswer: maxAnswer, Header: header,
		Conns:    max(limits.Reserves, limits.Batches) + max(limits.Settles, limits.Batches) + limits.Balances,
		Annotate: c.Annotate, Wrap: c.Wrap,
	})
	if err != nil {
		return nil, fmt.Errorf("ODOO_SERVICE_URL: %w", err)
	}
	s := &Service{
		http: caller, limits: limits, metrics: c.Metrics,
		breaker: newBreaker(c.Breaker, c.Metrics, c.Log), batches: &batchSwitch{rest: limits.BatchRest, log: c.Log},
		balances: make(chan struct{}, limits.Balances),
	}
	s.reserve = newDispatcher(s, limits.Reserves)
	s.settle = newDispatcher(s, limits.Settles)
	return s, nil
}

// Close ends the connections that are kept. Calls under way are not touched.
func (s *Service) Close() { s.http.Close() }

// reserveTries is how often a reservation is tried while a user waits for it.
const reserveTries = 3

// Reserve implements app.CreditService. Somebody waits for the answer, so a fault
// that is over in a moment is not shown to them: the call is made again under the
// same reference if there is time. A call that was slow is not: it took the time.
func (s *Service) Reserve(ctx context.Context, op app.CreditOperation) error {
	late := errors.New("reserve credits: no answer in time")
	ctx, cancel := context.WithTimeoutCause(ctx, s.http.Timeout(), late)
	defer cancel()
	for try := 1; ; try++ {
		v := s.reserve.do(ctx, opReserve, op)
		if try > 1 {
			v = v.afterCall()
		}
		if v.class != classUnavailable || !v.brief || try == reserveTries || !pause(ctx, retryDelay(try, v.after)) {
			return v.err(opReserve)
		}
	}
}

// Deduct implements app.CreditService.
func (s *Service) Deduct(ctx context.Context, op app.CreditOperation) error {
	return s.settle.do(ctx, opDeduct, op).err(opDeduct)
}

// Refund implements app.CreditService.
func (s *Service) Refund(ctx context.Context, op app.CreditOperation) error {
	return s.settle.do(ctx, opRefund, op).err(opRefund)
}

// retryDelay is 50 to 100 ms before the second try and 150 to 300 ms before the
// third, and never less than the other side asks for.
func retryDelay(try int, asked time.Duration) time.Duration {
	limit := 100 * time.Millisecond
	if try > 1 {
		limit *= 3
	}
	return max(asked, limit/2+rand.N(limit/2)) //nolint:gosec // G404: jitter, not a secret
}

// pause waits for d. It reports false at once where ctx would not leave at least as
// much time again for the call.
func pause(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*d {
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Balance implements app.CreditService. Its only error is
// aigen.ErrCreditsUnavailable.
func (s *Service) Balance(ctx context.Context, user aigen.ID) (app.Balance, error) {
	if wait := s.breaker.openFor(); wait > 0 {
		return app.Balance{}, stopped(wait).err(opBalance)
	}
	turn := time.NewTimer(s.limits.Wait)
	defer turn.Stop()
	select {
	case s.balances <- struct{}{}:
		defer func() { <-s.balances }()
	case <-turn.C:
		return app.Balance{}, busy(s.limits.Wait).err(opBalance)
	case <-ctx.Done():
		return app.Balance{}, gone(ctx).err(opBalance)
	}
	b, v := s.askBalance(ctx, user)
	return b, v.err(opBalance)
}

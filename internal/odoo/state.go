package odoo

import (
	"time"

	"github.com/sony/gobreaker/v2"
)

// Metrics is told of calls to the credit service, which are fewer than the
// operations that app.Metrics is told of where several share one. Its methods must
// not block.
type Metrics interface {
	// Call: name is reserve, deduct, refund, balance or batch; outcome is ok, refused,
	// permanent, unavailable or not_asked (the breaker is open). Of a batch that was
	// answered the outcome is ok, whatever its results.
	Call(name, outcome string, operations int, took time.Duration)
	// Breaker: the state is now closed, half-open or open.
	Breaker(state string)
}

type noMetrics struct{}

func (noMetrics) Call(string, string, int, time.Duration) {}
func (noMetrics) Breaker(string)                          {}

// State is how the credit service seems to be, from the calls that were made.
type State struct {
	Breaker  string        // closed, half-open or open
	RetryIn  time.Duration // while open: when it is asked again
	Reason   string        // while not closed: the last failure, for operators; not for /readyz
	Batching bool          // whether operations are sent together
}

// State tells without a call. It is for /readyz: an open breaker is a degraded
// service, not a reason to take traffic elsewhere, since every instance asks the
// same Odoo.
func (s *Service) State() State {
	now := s.breaker.b.State()
	st := State{Breaker: now.String(), Batching: s.batches.on()}
	if now == gobreaker.StateClosed {
		return st
	}
	if now == gobreaker.StateOpen {
		st.RetryIn = s.breaker.remaining()
	}
	s.breaker.mu.Lock()
	defer s.breaker.mu.Unlock()
	st.Reason = s.breaker.reason
	return st
}

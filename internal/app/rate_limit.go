package app

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
)

// RateLimiter bounds how often each user may ask.
type RateLimiter interface {
	// Allow counts a request of the user, unless it is refused. It always has an
	// answer: a limiter whose memory is gone falls back to another.
	Allow(ctx context.Context, user aigen.ID) RateDecision
}

// RateDecision says whether a request may go on, and what the user has left.
type RateDecision struct {
	OK        bool
	Rate      Rate
	Remaining int // requests that would be let through right now
	// Reset is when Remaining grows again. For a request that was refused, it is how
	// long to wait. 0 where nothing is used up.
	Reset time.Duration
}

// Rate is a number of requests in a time. All limiters work by the same rule, the
// generic cell rate algorithm (a leaky bucket that keeps one time for each user):
// a user may spend all Requests at once, and each comes back on its own, one every
// Interval. So nobody waits for the end of a window, and no two bursts meet at one.
//
// What is kept is the time at which the user has everything back. How far that lies
// ahead is what is used up: Interval for each request.
type Rate struct {
	Requests int           // at least 1
	Per      time.Duration // at least Requests microseconds
}

// Interval is the time in which one request comes back, in whole microseconds: the
// finest unit in which a time since 1970 is exact in a float64, which is all the
// numbers that Redis's scripts have.
func (r Rate) Interval() time.Duration {
	return (r.Per / time.Duration(r.Requests)).Truncate(time.Microsecond)
}

// Take decides over a request of a user who has used up so much (0 to Full), and
// returns what is used up after it: unchanged if it is refused.
func (r Rate) Take(used time.Duration) (after time.Duration, ok bool) {
	if used+r.Interval() > r.Full() {
		return used, false
	}
	return used + r.Interval(), true
}

// Full is how much can be used up.
func (r Rate) Full() time.Duration { return time.Duration(r.Requests) * r.Interval() }

// Decision describes the state after a request.
func (r Rate) Decision(used time.Duration, ok bool) RateDecision {
	free := r.Full() - used
	d := RateDecision{OK: ok, Rate: r, Remaining: int(free / r.Interval())}
	if used > 0 {
		d.Reset = r.Interval() - free%r.Interval()
	}
	return d
}

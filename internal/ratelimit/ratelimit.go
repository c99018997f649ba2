// Package ratelimit bounds users' requests within this process: what the service
// uses without Redis, and while Redis is gone.
package ratelimit

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// Limiter implements app.RateLimiter in memory. Its methods may be called from many
// goroutines.
//
// It keeps one time for each user: when they have everything back. A user whose time
// has passed is as good as unknown, so nothing is lost by forgetting them. Users are
// kept in two maps: those seen since the last turn, and those seen in the turn before.
// A turn takes Rate.Per, so that whoever is dropped with the older map has everything
// back. This bounds the memory to the users of the last two turns (about 40 bytes
// each) without ever looking through them.
type Limiter struct {
	rate app.Rate
	now  func() time.Time

	mu     sync.Mutex
	turned time.Time
	recent map[aigen.ID]time.Time
	older  map[aigen.ID]time.Time
}

// New builds a Limiter. now must not step back; time.Now does not, since Go compares
// its times by the monotonic clock.
func New(rate app.Rate, now func() time.Time) *Limiter {
	return &Limiter{rate: rate, now: now, turned: now(), recent: map[aigen.ID]time.Time{}}
}

// Allow implements app.RateLimiter.
func (l *Limiter) Allow(_ context.Context, user aigen.ID) app.RateDecision {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	l.turn(now)
	whole, known := l.recent[user]
	if !known {
		whole = l.older[user]
	}
	used, ok := l.rate.Take(max(whole.Sub(now), 0))
	if used > 0 {
		l.recent[user] = now.Add(used)
	}
	return l.rate.Decision(used, ok)
}

// turn forgets those who were not seen for a whole turn.
func (l *Limiter) turn(now time.Time) {
	since := now.Sub(l.turned)
	if since < l.rate.Per {
		return
	}
	l.older = l.recent
	if since >= 2*l.rate.Per {
		l.older = nil // nobody came for a whole turn
	}
	l.recent, l.turned = map[aigen.ID]time.Time{}, now
}

// Users is how many users are kept in memory.
func (l *Limiter) Users() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.recent) + len(l.older)
}

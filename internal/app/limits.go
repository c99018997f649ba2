package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// Limits bound the work that one user may ask for (contract section 11). They are checked
// before credits are held. The zero value bounds nothing.
type Limits struct {
	// Starts bounds how often a user may start work: create, regenerate, select. nil: no limit.
	Starts RateLimiter
	// QueuedPerUser bounds the generations of one user that wait or are worked on.
	// Several replicas keep it together, but not to the last one. 0: no limit.
	QueuedPerUser int
}

// queueFullRetry is how long a user whose queue is full is asked to wait. It is a guess:
// only the engine knows when one of the generations ends.
const queueFullRetry = 10 * time.Second

// LimitError refuses a request that would start more work than the user may have. Its
// cause is an *aigen.Error with CodeRateLimited or CodeQueueFull.
type LimitError struct {
	Err  *aigen.Error
	Wait time.Duration // after which a repeat may succeed
}

// Error implements error.
func (e *LimitError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *LimitError) Unwrap() error { return e.Err }

// RetryAfter is what the answer says in Retry-After.
func (e *LimitError) RetryAfter() time.Duration { return e.Wait }

// admission is one request's leave to start work. Ask admit before the change is made,
// and end it when the change is written or has failed.
type admission struct {
	service  *Service
	user     aigen.ID
	admitted bool
}

// admit applies the user's limits, once for each request: a request that is repeated
// after a conflict, and one that is answered from its Idempotency-Key, count as one and none.
func (a *admission) admit(ctx context.Context) error {
	if a.admitted {
		return nil
	}
	if err := a.service.withinRate(ctx, a.user); err != nil {
		return err
	}
	if err := a.service.queued.reserve(ctx, a.user); err != nil {
		return err
	}
	a.admitted = true
	return nil
}

func (a *admission) end() {
	if a.admitted {
		a.service.queued.release(a.user)
	}
}

func (s *Service) withinRate(ctx context.Context, user aigen.ID) error {
	if s.limits.Starts == nil {
		return nil
	}
	d := s.limits.Starts.Allow(ctx, user)
	if d.OK {
		return nil
	}
	return &LimitError{
		Err: &aigen.Error{
			Code:    aigen.CodeRateLimited,
			Message: fmt.Sprintf("You may start %d pieces of work a minute. Try again in a moment.", d.Rate.Requests),
		},
		Wait: d.Reset,
	}
}

// queueBound keeps each user's queue below a bound without asking the store at each
// request. A count from the store lets a quarter of what is left go ahead before the
// store is asked again. So a user with few generations costs a query now and then, and
// one at the bound is counted each time. What ends meanwhile is seen at the next count.
type queueBound struct {
	most  int // 0: no bound
	count func(ctx context.Context, user aigen.ID, most int) (int, error)
	now   func() time.Time

	mu        sync.Mutex
	startedAt time.Time
	current   map[aigen.ID]*userQueue // asked for since turned
	previous  map[aigen.ID]*userQueue // asked for in the turn before
}

// countTTL is how long a count is good for, at least: other replicas accept too.
const countTTL = 30 * time.Second

// userQueue is what is known of one user.
type userQueue struct {
	counting sync.Mutex // held while the store is asked: one query for requests that come together

	left    int // requests that may go ahead before the next count; guarded by queueBound.mu
	pending int // admitted, and maybe not seen by a count yet; likewise
}

// reserve admits a request, or returns a *LimitError.
func (b *queueBound) reserve(ctx context.Context, user aigen.ID) error {
	if b.most == 0 {
		return nil
	}
	q := b.user(user)
	if b.takeCounted(q) {
		return nil
	}
	q.counting.Lock()
	defer q.counting.Unlock()
	if b.takeCounted(q) {
		return nil // somebody else has counted meanwhile
	}
	// Those that are admitted now may or may not be in the count. One that ends while the
	// store counts must not be missed by both, so it is taken from before.
	b.mu.Lock()
	pending := q.pending
	b.mu.Unlock()
	n, err := b.count(ctx, user, b.most)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.most - n - pending
	if free <= 0 {
		return &LimitError{
			Err: &aigen.Error{
				Code:    aigen.CodeQueueFull,
				Message: fmt.Sprintf("%d of your generations wait or are worked on, which is the most you may have. Try again when one has ended.", b.most),
			},
			Wait: queueFullRetry,
		}
	}
	q.left = (free+3)/4 - 1
	q.pending++
	return nil
}

func (b *queueBound) takeCounted(q *userQueue) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if q.left == 0 {
		return false
	}
	q.left--
	q.pending++
	return true
}

// release tells that an admitted request has ended: from now on a count sees what it wrote.
func (b *queueBound) release(user aigen.ID) {
	if b.most == 0 {
		return
	}
	q := b.user(user)
	b.mu.Lock()
	defer b.mu.Unlock()
	q.pending--
}

// user returns what is known of a user. A user is forgotten after one to two turns without
// a request, unless a request is under way.
func (b *queueBound) user(user aigen.ID) *userQueue {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); now.Sub(b.startedAt) >= countTTL {
		b.rotate(now)
	}
	q := b.current[user]
	if q == nil {
		if q = b.previous[user]; q == nil {
			q = &userQueue{}
		}
		b.current[user] = q
	}
	return q
}

func (b *queueBound) rotate(now time.Time) {
	for user, q := range b.previous {
		if q.pending > 0 {
			b.current[user] = q // a request of the user is under way
		}
	}
	b.previous, b.current, b.startedAt = b.current, map[aigen.ID]*userQueue{}, now
	for _, q := range b.previous {
		q.left = 0 // counted too long ago
	}
}

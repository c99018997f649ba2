package redis

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
)

// maxFailures is how many counts in a row may fail before Redis is not asked any more.
// A single slow one says more about this process than about Redis.
const maxFailures = 3

// health is what is known of Redis, by what the service wants of it. It logs one line
// when something is found not to work, and one when all of it works again.
type health struct {
	log      *slog.Logger
	failures atomic.Int32 // counts in a row that failed
	gone     atomic.Bool  // counting is not worth trying

	mu      sync.Mutex
	faulty  [3]bool
	worried bool // a fault was logged
}

// part is something that the service wants of Redis.
type part int

const (
	partCounting    part = iota // of requests, for limits
	partPublishing              // of events
	partSubscribing             // to the events of others
)

func newHealth(log *slog.Logger) *health { return &health{log: log} }

// usable reports whether a request should ask Redis.
func (h *health) usable() bool { return !h.gone.Load() }

// whole reports whether everything works.
func (h *health) whole() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return !h.worried
}

// counted takes note of how the count of a request ended.
func (h *health) counted(err error) {
	switch {
	case err == nil:
		if h.failures.Load() == 0 {
			return // the way of nearly every request
		}
		h.failures.Store(0)
		h.gone.Store(false)
		h.set(partCounting, nil)
	case h.failures.Add(1) >= maxFailures:
		h.gone.Store(true)
		h.set(partCounting, err)
	}
}

// set takes note of whether a part works. That somebody called it off says nothing.
func (h *health) set(p part, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faulty[p] = err != nil
	worried := slices.Contains(h.faulty[:], true)
	if worried == h.worried {
		return
	}
	h.worried = worried
	if worried {
		h.log.Warn("redis is gone: live events come from the database, limits are this replica's own", "error", err)
		return
	}
	h.log.Info("redis is back: live events and limits are shared again")
}

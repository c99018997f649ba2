package live

import (
	"cmp"
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// Hub hands events to the live streams of this process. It keeps no events: a stream
// that falls behind, or that missed what another process wrote, reads the store. Its
// methods may be called from many goroutines.
type Hub struct {
	c     Config
	mu    sync.RWMutex
	users map[aigen.ID]map[*listener]struct{}
}

// Config is what a Hub is made of. Store is required.
type Config struct {
	Store   Store
	Bus     Bus             // nil: this is the only replica, or streams hear of others by polling
	Streams func(delta int) // told when the number of live streams changes; must not block

	// Poll is how often a stream looks into the store for events that other processes
	// wrote; default 2 s.
	Poll time.Duration
	// PollWithBus is how often while the bus is live; default 15 s, at least Poll.
	PollWithBus time.Duration
}

// Store is what streams read.
type Store interface {
	// Get loads a generation; aigen.ErrNotFound if there is none.
	Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error)
	// Events returns a generation's events with Seq > after, oldest first.
	Events(ctx context.Context, generation aigen.ID, after int64, limit int) ([]aigen.Event, error)
	// UserEvents returns a user's events with Position > after, oldest first.
	UserEvents(ctx context.Context, user aigen.ID, after int64, limit int) ([]aigen.Event, error)
	// LastPosition is the Position of the user's newest event, 0 if there is none.
	LastPosition(ctx context.Context, user aigen.ID) (int64, error)
}

// NewHub builds a Hub.
func NewHub(c Config) *Hub {
	if c.Bus == nil {
		c.Bus = nopBus{}
	}
	if c.Streams == nil {
		c.Streams = func(int) {}
	}
	c.Poll = cmp.Or(c.Poll, 2*time.Second)
	c.PollWithBus = cmp.Or(c.PollWithBus, 15*time.Second)
	return &Hub{c: c, users: map[aigen.ID]map[*listener]struct{}{}}
}

// Publish hands events to those who watch, here and at the other replicas.
func (h *Hub) Publish(events []aigen.Event) {
	if len(events) == 0 {
		return
	}
	h.ReceiveEvents(events)
	h.c.Bus.Publish(events)
}

// Bounds of what a slow stream may leave lying in memory.
const (
	listenerBacklog      = 256
	listenerBacklogBytes = eventPageBytes
)

// listener is the hub's end of one stream.
type listener struct {
	generation aigen.ID // zero: all of the user's
	signal     chan struct{}

	mu     sync.Mutex
	queue  []aigen.Event
	bytes  int  // of the queue
	missed bool // what is not in the queue may be in the store
}

func (h *Hub) listen(user, generation aigen.ID) *listener {
	l := &listener{generation: generation, signal: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[user] == nil {
		h.users[user] = map[*listener]struct{}{}
		h.c.Bus.Follow(user) // under the lock: else it could overtake, or be overtaken by, an Unfollow
	}
	h.users[user][l] = struct{}{}
	return l
}

func (h *Hub) leave(user aigen.ID, l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.users[user], l)
	if len(h.users[user]) == 0 {
		delete(h.users, user)
		h.c.Bus.Unfollow(user)
	}
}

// ReceiveEvents implements EventReceiver. It never blocks: an event that a listener has no
// room for is dropped, and its stream finds the gap by the sequence numbers.
func (h *Hub) ReceiveEvents(events []aigen.Event) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, e := range events {
		for l := range h.users[e.UserID] {
			if l.generation.IsZero() || l.generation == e.GenerationID {
				l.put(e)
			}
		}
	}
}

// CatchUp implements EventReceiver. It makes the streams of a user, or of all users, read
// the store once.
func (h *Hub) CatchUp(user aigen.ID) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if !user.IsZero() {
		for l := range h.users[user] {
			l.miss()
		}
		return
	}
	for _, listeners := range h.users {
		for l := range listeners {
			l.miss()
		}
	}
}

func (l *listener) put(e aigen.Event) {
	l.mu.Lock()
	size := eventBytes(&e)
	if len(l.queue) >= listenerBacklog || l.bytes+size > listenerBacklogBytes && len(l.queue) > 0 {
		clear(l.queue) // what is cut off would be kept
		l.queue, l.bytes = l.queue[:0], 0
		l.missed = true
	}
	l.queue, l.bytes = append(l.queue, e), l.bytes+size
	l.mu.Unlock()
	l.wake()
}

func (l *listener) miss() {
	l.mu.Lock()
	l.missed = true
	l.mu.Unlock()
	l.wake()
}

func (l *listener) wake() {
	select {
	case l.signal <- struct{}{}:
	default: // it has been told already
	}
}

// take hands over what has come since the last call, and whether something else may
// have been missed.
func (l *listener) take() (events []aigen.Event, missed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	events, missed = l.queue, l.missed
	l.queue, l.bytes, l.missed = nil, 0, false
	return events, missed
}

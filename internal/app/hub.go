package app

import (
	"sync"

	"github.com/creativeflow/aigen"
)

// hub hands events to the live streams of this process. It keeps nothing: a stream
// that falls behind, or that missed what another process wrote, reads the store.
type hub struct {
	bus   EventBus // is told whose streams are here
	mu    sync.RWMutex
	users map[aigen.ID]map[*listener]struct{}
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

func newHub(bus EventBus) *hub {
	return &hub{bus: bus, users: map[aigen.ID]map[*listener]struct{}{}}
}

func (h *hub) listen(user, generation aigen.ID) *listener {
	l := &listener{generation: generation, signal: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[user] == nil {
		h.users[user] = map[*listener]struct{}{}
		h.bus.Follow(user) // under the lock: else it could overtake, or be overtaken by, an Unfollow
	}
	h.users[user][l] = struct{}{}
	return l
}

func (h *hub) leave(user aigen.ID, l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.users[user], l)
	if len(h.users[user]) == 0 {
		delete(h.users, user)
		h.bus.Unfollow(user)
	}
}

// publish never blocks: what a listener has no room for is dropped, and its stream
// finds the gap by the sequence numbers.
func (h *hub) publish(events []aigen.Event) {
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

// catchUp makes the streams of a user, or of all, read the store once.
func (h *hub) catchUp(user aigen.ID) {
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

package app

import (
	"sync"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// hub hands events to the live streams of this process. It keeps nothing: a stream
// that falls behind, or that missed what another process wrote, reads the store.
type hub struct {
	mu    sync.RWMutex
	users map[aigen.ID]map[*listener]struct{}
}

// listenerBacklog bounds what a slow stream may leave lying in memory.
const listenerBacklog = 256

// listener is the hub's end of one stream.
type listener struct {
	generation aigen.ID // zero: all of the user's
	signal     chan struct{}

	mu    sync.Mutex
	queue []aigen.Event
}

func newHub() *hub { return &hub{users: map[aigen.ID]map[*listener]struct{}{}} }

func (h *hub) listen(user, generation aigen.ID) *listener {
	l := &listener{generation: generation, signal: make(chan struct{}, 1)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.users[user] == nil {
		h.users[user] = map[*listener]struct{}{}
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
	}
}

// publish never blocks: what a listener has no room for is dropped, and its stream
// finds the gap by the sequence numbers.
func (h *hub) publish(events []aigen.Event) {
	if len(events) == 0 {
		return
	}
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

func (l *listener) put(e aigen.Event) {
	l.mu.Lock()
	if len(l.queue) >= listenerBacklog {
		l.queue = l.queue[:0]
	}
	l.queue = append(l.queue, e)
	l.mu.Unlock()
	select {
	case l.signal <- struct{}{}:
	default: // it has been told already
	}
}

// take hands over what has come since the last call.
func (l *listener) take() []aigen.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := l.queue
	l.queue = nil
	return q
}

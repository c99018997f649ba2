package redis

import (
	"sync"

	"github.com/creativeflow/aigen"
)

// Bounds of what waits to be sent. Redis takes far more than these in a second: they
// are reached only when it is slow or gone.
const (
	maxQueued      = 4096
	maxQueuedBytes = 8 << 20
	maxOwed        = 1 << 16

	maxBatch = 256 // messages that go to Redis in one piece
)

// outbox holds messages until they are sent. What it has no room for, and what could
// not be sent, is not kept: their users are, to be told once that there is something
// to read. So its memory is bounded however long Redis is gone, and nothing old is
// sent when it is back.
type outbox struct {
	origin aigen.ID
	ready  chan struct{} // has room for one: there is something

	mu     sync.Mutex
	queue  []message
	bytes  int
	owed   map[aigen.ID]struct{} // users to be nudged
	missed uint64                // messages whose events were not sent
}

func newOutbox(origin aigen.ID) *outbox {
	return &outbox{origin: origin, ready: make(chan struct{}, 1), owed: map[aigen.ID]struct{}{}}
}

// put never blocks.
func (o *outbox) put(m message) {
	o.mu.Lock()
	if len(o.queue) >= maxQueued || o.bytes+len(m.payload) > maxQueuedBytes {
		o.owe(m)
	} else {
		o.queue = append(o.queue, m)
		o.bytes += len(m.payload)
	}
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
}

// take removes up to maxBatch messages: what was put, then what is owed.
func (o *outbox) take() []message {
	o.mu.Lock()
	defer o.mu.Unlock()
	if n := min(maxBatch, len(o.queue)); n > 0 {
		batch := o.queue[:n:n]
		if o.queue = o.queue[n:]; len(o.queue) == 0 {
			o.queue = nil // the memory of the batch is not held longer than it lives
		}
		for _, m := range batch {
			o.bytes -= len(m.payload)
		}
		return batch
	}
	var batch []message
	for user := range o.owed {
		if len(batch) == maxBatch {
			break
		}
		delete(o.owed, user)
		batch = append(batch, nudge(o.origin, user))
	}
	return batch
}

// fail takes back what could not be sent, and gives up the rest of the queue: when
// Redis is back it would be old.
func (o *outbox) fail(batch []message) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, m := range batch {
		o.owe(m)
	}
	for _, m := range o.queue {
		o.owe(m)
	}
	o.queue, o.bytes = nil, 0
}

// owe: beyond maxOwed a user's streams find out by looking into the store.
func (o *outbox) owe(m message) {
	if m.payload[0] != kindNudge {
		o.missed++
	}
	if !m.passing && len(o.owed) < maxOwed {
		o.owed[m.user] = struct{}{}
	}
}

func (o *outbox) missedCount() uint64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.missed
}

package redis

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
)

// Bus implements app.EventBus over Redis's publish and subscribe. Each user has a
// channel, and a replica subscribes to those of the users whose streams it serves.
// docs/decisions/0011-a-channel-a-user.md says why.
type Bus struct {
	client *Client
	origin aigen.ID
	out    *outbox

	live     atomic.Bool
	sent     atomic.Uint64
	received atomic.Uint64
	lost     atomic.Uint64 // subscriptions

	mu      sync.Mutex
	wanted  map[aigen.ID]struct{} // users to follow
	changed map[aigen.ID]struct{} // users of whom that may have changed
	stirred chan struct{}         // has room for one: changed is not empty
}

var _ live.Bus = (*Bus)(nil)

// NewBus builds a Bus that can be published to and asked at once; what it is told
// takes effect while Run runs. origin tells this replica from the others: any id
// that no other process has.
func NewBus(c *Client, origin aigen.ID) *Bus {
	return &Bus{
		client: c, origin: origin, out: newOutbox(origin), stirred: make(chan struct{}, 1),
		wanted: map[aigen.ID]struct{}{}, changed: map[aigen.ID]struct{}{},
	}
}

// BusStats counts since the start.
type BusStats struct {
	Sent          uint64 // messages that Redis took
	Missed        uint64 // messages whose events were not sent; streams elsewhere read the store
	Received      uint64 // messages of other replicas
	Interruptions uint64 // times that the subscription was lost
}

// Stats returns the counters.
func (b *Bus) Stats() BusStats {
	return BusStats{Sent: b.sent.Load(), Missed: b.out.missedCount(), Received: b.received.Load(), Interruptions: b.lost.Load()}
}

// Run sends and receives until ctx ends, however often Redis goes and comes back.
// What waits then is sent, if Redis takes it at once. The error is always nil.
func (b *Bus) Run(ctx context.Context, to live.Receiver) error {
	g := new(errgroup.Group)
	g.Go(func() error { b.send(ctx); return nil })
	g.Go(func() error { b.receive(ctx, to); return nil })
	return g.Wait()
}

// Publish implements app.EventBus.
func (b *Bus) Publish(events []aigen.Event) {
	for len(events) > 0 {
		user, n := events[0].UserID, 1
		for n < len(events) && events[n].UserID == user {
			n++
		}
		b.out.put(newMessage(b.origin, user, events[:n]))
		events = events[n:]
	}
}

// Follow implements app.EventBus.
func (b *Bus) Follow(user aigen.ID) {
	b.mu.Lock()
	b.wanted[user] = struct{}{}
	b.mu.Unlock()
	b.stir(user)
}

// Unfollow implements app.EventBus.
func (b *Bus) Unfollow(user aigen.ID) {
	b.mu.Lock()
	delete(b.wanted, user)
	b.mu.Unlock()
	b.stir(user)
}

// Live implements app.EventBus.
func (b *Bus) Live() bool { return b.live.Load() }

func (b *Bus) stir(user aigen.ID) {
	b.mu.Lock()
	b.changed[user] = struct{}{}
	b.mu.Unlock()
	select {
	case b.stirred <- struct{}{}:
	default:
	}
}

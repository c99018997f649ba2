package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
)

// errSilent ends a subscription whose other end does not answer.
var errSilent = errors.New("the subscription is silent")

// maxSubscribe is how many channels go into one command.
const maxSubscribe = 1000

// receive keeps a subscription until ctx ends: each time that one is lost, a new one.
func (b *Bus) receive(ctx context.Context, to live.Receiver) {
	const shortest = 50 * time.Millisecond
	wait := shortest
	for {
		err := b.session(ctx, to)
		if b.live.Swap(false) {
			b.lost.Add(1)
			wait = shortest
			// Something may have been missed already, and from here on streams look
			// for themselves.
			to.CatchUp(aigen.ID{})
		}
		if ctx.Err() != nil {
			return
		}
		b.client.health.set(partSubscribing, err)
		// The upper half is random: replicas that lost Redis together come back apart.
		if !pause(ctx, wait/2+rand.N(wait/2+1)) { //nolint:gosec // G404: jitter, not a secret
			return
		}
		wait = min(2*wait, b.client.o.RetryAfter)
	}
}

// session is the life of one subscription, from connecting to its end. The driver
// would connect again by itself, but not say that it has.
func (b *Bus) session(ctx context.Context, to live.Receiver) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	ps := b.client.rdb().Subscribe(ctx)
	// Nothing but closing ends a read that waits.
	context.AfterFunc(ctx, func() { _ = ps.Close() })
	s := &subscription{bus: b, to: to, ps: ps, have: map[aigen.ID]struct{}{}}
	if err := s.begin(ctx); err != nil {
		return err
	}
	g.Go(func() error { return s.keep(ctx) })
	g.Go(func() error { return s.read(ctx) })
	return g.Wait()
}

type subscription struct {
	bus   *Bus
	to    live.Receiver
	ps    *goredis.PubSub
	have  map[aigen.ID]struct{} // users whose channels were subscribed to; keep's alone
	heard atomic.Bool           // something came since the last heartbeat
}

// begin subscribes to all that is wanted. The channel without a user carries nothing:
// its confirmation tells that the subscription stands, also where there are no users.
func (s *subscription) begin(ctx context.Context) error {
	if err := s.ps.Subscribe(ctx, s.bus.client.scope); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	b := s.bus
	b.mu.Lock()
	for user := range b.wanted {
		b.changed[user] = struct{}{}
	}
	b.mu.Unlock()
	return s.adjust(ctx)
}

// adjust subscribes to, and unsubscribes from, what has changed.
func (s *subscription) adjust(ctx context.Context) error {
	b := s.bus
	var begin, end []string
	b.mu.Lock()
	for user := range b.changed {
		_, want := b.wanted[user]
		_, have := s.have[user]
		switch {
		case want && !have:
			s.have[user] = struct{}{}
			begin = append(begin, b.client.channel(user))
		case have && !want:
			delete(s.have, user)
			end = append(end, b.client.channel(user))
		}
	}
	b.changed = map[aigen.ID]struct{}{}
	b.mu.Unlock()
	for channels := range slices.Chunk(end, maxSubscribe) {
		if err := s.ps.Unsubscribe(ctx, channels...); err != nil {
			return fmt.Errorf("unsubscribe: %w", err)
		}
	}
	for channels := range slices.Chunk(begin, maxSubscribe) {
		if err := s.ps.Subscribe(ctx, channels...); err != nil {
			return fmt.Errorf("subscribe: %w", err)
		}
	}
	return nil
}

// keep follows what is wanted, and ends the session if the other end falls silent: a
// connection can hang for minutes before TCP gives it up.
func (s *subscription) keep(ctx context.Context) error {
	heartbeat := time.NewTicker(s.bus.client.o.Heartbeat)
	defer heartbeat.Stop()
	asked := false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.bus.stirred:
			if err := s.adjust(ctx); err != nil {
				return err
			}
		case <-heartbeat.C:
			switch {
			case s.heard.Swap(false):
				asked = false
			case asked:
				return errSilent
			default:
				if err := s.ps.Ping(ctx); err != nil {
					return fmt.Errorf("ping: %w", err)
				}
				asked = true
			}
		}
	}
}

func (s *subscription) read(ctx context.Context) error {
	for {
		// Without a timeout: one in the middle of a message would lose its first half.
		got, err := s.ps.Receive(ctx)
		if err != nil {
			return fmt.Errorf("receive events: %w", err)
		}
		s.heard.Store(true)
		switch got := got.(type) {
		case *goredis.Subscription:
			s.confirmed(got)
		case *goredis.Message:
			s.message(got)
		}
	}
}

// confirmed: what the user's streams have read so far may be older than the
// subscription.
func (s *subscription) confirmed(c *goredis.Subscription) {
	if c.Kind != "subscribe" {
		return
	}
	if user, ok := s.bus.client.userOf(c.Channel); ok {
		s.to.CatchUp(user)
		return
	}
	s.bus.live.Store(true)
	s.bus.client.health.set(partSubscribing, nil)
}

func (s *subscription) message(m *goredis.Message) {
	user, ok := s.bus.client.userOf(m.Channel)
	if !ok {
		return
	}
	events, own, err := read(s.bus.origin, user, m.Payload)
	if own {
		return
	}
	s.bus.received.Add(1)
	if err != nil || len(events) == 0 {
		// A nudge; or of another version, while replicas are being replaced.
		s.to.CatchUp(user)
		return
	}
	s.to.ReceiveEvents(events)
}

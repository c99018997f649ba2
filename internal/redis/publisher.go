package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// send sends what is put into the outbox. While Redis does not take it, nothing is
// kept but whom to nudge.
func (b *Bus) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			b.flush()
			return
		case <-b.out.ready:
		}
		for batch := b.out.take(); len(batch) > 0; batch = b.out.take() {
			err := b.publish(ctx, batch)
			b.client.health.set(partPublishing, err)
			if err == nil {
				continue
			}
			b.out.fail(batch)
			if !pause(ctx, b.client.o.RetryAfter) {
				return // flush would fail as well
			}
		}
	}
}

// flush is the last try, at the stop: others should not wait for their next look
// into the store.
func (b *Bus) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), min(b.client.o.Timeout, time.Second))
	defer cancel()
	for batch := b.out.take(); len(batch) > 0 && b.publish(ctx, batch) == nil; {
		batch = b.out.take()
	}
}

// publish sends a batch in one piece. An error may be about some of it only.
func (b *Bus) publish(ctx context.Context, batch []message) error {
	ctx, cancel := context.WithTimeout(ctx, b.client.o.Timeout)
	defer cancel()
	_, err := b.client.rdb.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, m := range batch {
			p.Publish(ctx, b.client.channel(m.user), m.payload)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("publish events: %w", err)
	}
	b.sent.Add(uint64(len(batch)))
	return nil
}

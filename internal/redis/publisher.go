package redis

import (
	"context"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// send sends what is put into the outbox, and at the stop what still waits: others
// should not have to find it by looking into the store. While Redis takes nothing,
// nothing is kept but whom to nudge.
func (b *Bus) send(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
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
				return
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// publish sends a batch in one piece. An error may be about some of it only. A stop
// does not call it off: what is in it would be lost.
func (b *Bus) publish(ctx context.Context, batch []message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), b.client.o.Timeout)
	defer cancel()
	_, err := b.client.rdb().Pipelined(ctx, func(p goredis.Pipeliner) error {
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

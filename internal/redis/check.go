package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/creativeflow/aigen/internal/app"
)

// tryCount and tryPublish do what requests and the bus do, so that Redis is found to
// be back only when it is of use: one that only reads, or that gives us no rights,
// answers a PING as well.
func (c *Client) tryCount(ctx context.Context) error {
	if err := c.look(ctx); err != nil {
		return err
	}
	_, _, err := c.take(ctx, keyPrefix+"probe", app.Rate{Requests: 1_000_000, Per: time.Minute})
	return err
}

func (c *Client) tryPublish(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	defer cancel()
	if err := c.rdb().Publish(ctx, c.scope+":probe", "").Err(); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// Check tries for real all that the service needs of Redis: a key that is written and
// read, a limit, and a message that arrives. The error says what did not work; it
// may name the host, and never the password.
func (c *Client) Check(ctx context.Context) error {
	token := rand.Text()
	key := keyPrefix + "check:" + token
	for _, step := range []struct {
		what string
		try  func() error
	}{
		{"be reached: is it running, and is REDIS_URL right", func() error { return c.tryReach(ctx) }},
		{"be written to (SET)", func() error { return c.rdb().Set(ctx, key, token, time.Minute).Err() }},
		{"be read (GET)", func() error { return c.readBack(ctx, key, token) }},
		{"count requests (EVALSHA, EVAL, TIME)", func() error { return c.tryCount(ctx) }},
		{"carry events (SUBSCRIBE, PUBLISH)", func() error { return c.roundTrip(ctx, c.scope+":check:"+token, token) }},
		{"forget a key (DEL)", func() error { return c.rdb().Del(ctx, key).Err() }},
	} {
		err := step.try()
		if errors.Is(err, errSentinel) || errors.Is(err, errNoDatabases) {
			return err // says it all
		}
		if err != nil {
			return fmt.Errorf("redis cannot %s: %w", step.what, err)
		}
	}
	return nil
}

func (c *Client) tryReach(ctx context.Context) error {
	if err := c.look(ctx); err != nil {
		return err
	}
	err := c.rdb().Ping(ctx).Err()
	if err != nil && strings.Contains(err.Error(), "cluster has no nodes") {
		return fmt.Errorf("%w (no host of it is a node of a Cluster that is set up: several hosts that are none cannot be used)", err)
	}
	return err
}

func (c *Client) readBack(ctx context.Context, key, want string) error {
	got, err := c.rdb().Get(ctx, key).Result()
	if err == nil && got != want {
		err = errors.New("what was read is not what was written")
	}
	return err
}

// roundTrip sends a message to itself.
func (c *Client) roundTrip(ctx context.Context, channel, text string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*c.o.Timeout)
	defer cancel()
	ps := c.rdb().Subscribe(ctx)
	defer func() { _ = ps.Close() }()
	if err := ps.Subscribe(ctx, channel); err != nil {
		return err
	}
	for {
		got, err := ps.Receive(ctx)
		if err != nil {
			return err
		}
		switch got := got.(type) {
		case *goredis.Subscription:
			if err := c.rdb().Publish(ctx, channel, text).Err(); err != nil {
				return err
			}
		case *goredis.Message:
			if got.Payload != text {
				return errors.New("another message arrived")
			}
			return nil
		}
	}
}

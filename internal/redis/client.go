// Package redis shares live events and rate limits between the replicas of the
// service. Redis is never the truth: whatever is in it may be lost at any time.
// While it is gone, streams look into the store more often, and each replica limits
// by itself.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9/logging"
)

// keyPrefix begins the names of all keys and channels.
const keyPrefix = "aigen:"

// Options are those of a Client. What is zero gets its default.
type Options struct {
	Log *slog.Logger
	// Timeout bounds a command of the bus, and a connection; default 1 s.
	Timeout time.Duration
	// LimitTimeout bounds how long a request waits for its limit; default 100 ms.
	LimitTimeout time.Duration
	// Heartbeat is how often a quiet subscription is tried, and how long its answer
	// may take; default 1 s.
	Heartbeat time.Duration
	// RetryAfter is the longest wait before another try at a Redis that is gone;
	// default 1 s.
	RetryAfter time.Duration
}

func (o *Options) setDefaults() {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		value    *time.Duration
		fallback time.Duration
	}{
		{&o.Timeout, time.Second}, {&o.LimitTimeout, 100 * time.Millisecond},
		{&o.Heartbeat, time.Second}, {&o.RetryAfter, time.Second},
	} {
		if *d.value <= 0 {
			*d.value = d.fallback
		}
	}
}

// Client is the connection to Redis: one for a process. Build it with New, keep it
// going with Run, and Close it.
type Client struct {
	address address
	o       Options
	health  *health
	scope   string // of channels: Redis does not keep those of its databases apart

	current atomic.Pointer[driver]
	looked  atomic.Bool // what kind of server it is, is known

	swap   sync.Mutex
	mode   mode
	before *driver // closed with the Client; nil: none
}

func (c *Client) rdb() *driver { return c.current.Load() }

// quiet keeps the driver from writing to standard error; what is to be told is told
// once, by health. Its logger is one for the whole process.
var quiet = sync.OnceFunc(logging.Disable)

// New builds a Client. It connects to nothing: a Redis that is gone holds up no start.
// The error does not quote the URL.
func New(url string, o Options) (*Client, error) {
	quiet()
	o.setDefaults()
	a, err := parseAddress(url)
	if err != nil {
		return nil, err
	}
	a.tune(o)
	c := &Client{
		address: a, mode: a.mode, o: o, health: newHealth(o.Log),
		scope: keyPrefix + "events:" + strconv.Itoa(a.driver.DB),
	}
	c.current.Store(a.connect(a.mode))
	c.looked.Store(a.mode != modeSingle)
	return c, nil
}

// Close closes all connections. Stop Run, and the Bus's, before.
func (c *Client) Close() error {
	c.swap.Lock()
	defer c.swap.Unlock()
	err := c.rdb().Close()
	if c.before != nil {
		err = errors.Join(err, c.before.Close())
		c.before = nil
	}
	if err != nil {
		return fmt.Errorf("close redis: %w", err)
	}
	return nil
}

// Run watches over the connection until ctx ends: it finds out when Redis is gone
// though nobody asks it, and when it is back. Requests never try a Redis that is
// gone. The error is always nil.
func (c *Client) Run(ctx context.Context) error {
	const calm = 5 // times longer between tries while Redis answers
	for {
		c.health.counted(c.tryCount(ctx))
		c.health.set(partPublishing, c.tryPublish(ctx))
		wait := c.o.RetryAfter
		if c.health.whole() {
			wait *= calm
		}
		if !pause(ctx, wait) {
			return nil
		}
	}
}

// Degraded says in words that everybody may read what Redis does not do just now; ""
// where all is well. It asks nobody: it is what was last seen.
func (c *Client) Degraded() string {
	if c.health.whole() {
		return ""
	}
	return "does not answer: live events come from the database, limits are each replica's own"
}

// pause waits, and reports false if ctx ended first.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

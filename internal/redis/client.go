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
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// keyPrefix begins the names of all keys and channels.
const keyPrefix = "aigen:"

// errURL says what is wanted and quotes nothing: a password with a character that
// is not escaped turns up in any part of a URL.
var errURL = errors.New("redis: REDIS_URL is not of the form redis://user:password@host:6379/0, rediss:// (TLS) or " +
	"unix:///path?db=0; write / @ : ? # in a password as %2F %40 %3A %3F %23")

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
	rdb    *goredis.Client
	o      Options
	health *health
	scope  string // of channels: Redis does not keep those of its databases apart
}

// quiet keeps the driver from writing to standard error; what is to be told is told
// once, by health. Its logger is one for the whole process.
var quiet = sync.OnceFunc(logging.Disable)

// New builds a Client. It connects to nothing: a Redis that is gone holds up no start.
// url is redis://, rediss:// or unix://; the error does not quote it.
func New(url string, o Options) (*Client, error) {
	quiet()
	o.setDefaults()
	driver, err := goredis.ParseURL(url)
	if err != nil {
		return nil, errURL
	}
	driver.Protocol = 2 // all that is needed, by every version
	driver.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	driver.DisableIdentity = true
	driver.ClientName = "aigen"
	driver.ContextTimeoutEnabled = true
	// Tries are ours to repeat: a request does not wait for a second one.
	driver.MaxRetries, driver.DialerRetries = -1, 1
	driver.DialTimeout, driver.ReadTimeout, driver.WriteTimeout = o.Timeout, o.Timeout, o.Timeout
	return &Client{
		rdb: goredis.NewClient(driver), o: o, health: newHealth(o.Log),
		scope: keyPrefix + "events:" + strconv.Itoa(driver.DB),
	}, nil
}

// Close closes all connections. Stop Run, and the Bus's, before.
func (c *Client) Close() error {
	if err := c.rdb.Close(); err != nil {
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

package redis

import (
	"context"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// take is app.Rate.Take in one step at Redis, by Redis's clock: those of the
// replicas differ. Times are microseconds since 1970, exact in a float64.
//
// KEYS[1] holds when the user has everything back, and is gone by then. ARGV[1] is
// the interval and ARGV[2] what can be used up. Answers whether the request goes on,
// and what is used up after it.
var take = goredis.NewScript(`
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local interval, full = tonumber(ARGV[1]), tonumber(ARGV[2])
local whole = tonumber(redis.call('GET', KEYS[1]) or now)
-- A clock that was set back, or a rate that was another, must shut nobody out.
local used = math.min(math.max(whole - now, 0), full)
if used + interval > full then
	return {0, used}
end
used = used + interval
redis.call('SET', KEYS[1], string.format('%.0f', now + used), 'PX', math.ceil(used / 1000))
return {1, used}
`)

// Limiter implements app.RateLimiter with limits that all replicas share. Where
// Redis does not answer in time, the fallback decides: a limit of this replica's own.
type Limiter struct {
	client   *Client
	name     string
	rate     app.Rate
	fallback app.RateLimiter
}

// NewLimiter builds a Limiter. name tells its counts from those of other limiters;
// fallback is a limiter in memory, with the same rate.
func NewLimiter(c *Client, name string, rate app.Rate, fallback app.RateLimiter) *Limiter {
	return &Limiter{client: c, name: name, rate: rate, fallback: fallback}
}

// Allow implements app.RateLimiter. It takes Options.LimitTimeout at most, and
// nothing while Redis is known to be gone.
func (l *Limiter) Allow(ctx context.Context, user aigen.ID) app.RateDecision {
	if !l.client.health.usable() {
		return l.fallback.Allow(ctx, user)
	}
	used, ok, err := l.client.take(ctx, keyPrefix+l.name+":"+user.String(), l.rate)
	l.client.health.counted(err)
	if err != nil {
		return l.fallback.Allow(ctx, user)
	}
	return l.rate.Decision(used, ok)
}

// take counts a request at Redis.
func (c *Client) take(ctx context.Context, key string, rate app.Rate) (used time.Duration, ok bool, err error) {
	// The caller hanging up is no fault of Redis, and the request counts all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.o.LimitTimeout)
	defer cancel()
	answer, err := take.Run(ctx, c.rdb(), []string{key}, rate.Interval().Microseconds(), rate.Full().Microseconds()).Int64Slice()
	if err != nil {
		c.moved(err)
		return 0, false, fmt.Errorf("count a request: %w", err)
	}
	if len(answer) != 2 {
		return 0, false, fmt.Errorf("count a request: the script answered %d numbers, not 2", len(answer))
	}
	return time.Duration(answer[1]) * time.Microsecond, answer[0] == 1, nil
}

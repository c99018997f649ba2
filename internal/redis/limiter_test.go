package redis_test

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ratelimit"
	"github.com/creativeflow/aigen/internal/redis"
)

// ten an hour: one comes back in six minutes, longer than a test asks.
var ten = app.Rate{Requests: 10, Per: time.Hour}

func limiter(c *redis.Client, rate app.Rate) *redis.Limiter {
	return redis.NewLimiter(c, "rate", rate, ratelimit.New(rate, time.Now))
}

func key(user aigen.ID) string { return "aigen:rate:" + user.String() }

// Two replicas at once let through what one would.
func TestLimitsAreShared(t *testing.T) {
	t.Parallel()
	s := server(t)
	// A fallback that took part would let more through.
	limiters := []*redis.Limiter{limiter(patient(t, s.URL()), slow), limiter(patient(t, s.URL()), slow)}
	users := []aigen.ID{newID(), newID(), newID()}
	passed := make([]atomic.Int64, len(users))
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			for range 10 {
				if limiters[i%2].Allow(t.Context(), users[i%3]).OK {
					passed[i%3].Add(1)
				}
			}
		})
	}
	wg.Wait()
	for i := range passed {
		assert.EqualValues(t, 10, passed[i].Load())
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, _ := connect(t, s.URL())
	l, from, user := limiter(c, ten), admin(t, s.URL()), newID()
	for i := range 10 {
		d := l.Allow(t.Context(), user)
		require.True(t, d.OK)
		require.Equal(t, 9-i, d.Remaining)
		require.Equal(t, ten, d.Rate)
		require.Greater(t, d.Reset, time.Duration(0))
		require.LessOrEqual(t, d.Reset, 6*time.Minute)
	}
	ttl, err := from.PTTL(t.Context(), key(user)).Result()
	require.NoError(t, err)
	assert.Greater(t, ttl, 50*time.Minute)
	assert.LessOrEqual(t, ttl, time.Hour, "a user who has everything back is forgotten")
	require.NoError(t, from.ScriptFlush(t.Context()).Err(), "as a restart does")
	d := l.Allow(t.Context(), user)
	require.False(t, d.OK)
	assert.Zero(t, d.Remaining)
	assert.Greater(t, d.Reset, 4*time.Minute)
	after, err := from.PTTL(t.Context(), key(user)).Result()
	require.NoError(t, err)
	assert.LessOrEqual(t, after, ttl, "a refusal costs nothing")
}

// The script decides as app.Rate.Take does, whatever was used up before it came; also
// where that is more than there is: the clock was set back, or the rate was lowered.
func TestScriptAgreesWithTheRule(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, _ := connect(t, s.URL())
	from := admin(t, s.URL())
	rates := []app.Rate{ten, {Requests: 1, Per: time.Minute}, {Requests: 7, Per: time.Minute}, {Requests: 1_000_000, Per: time.Minute}}
	for range 300 {
		rate, user := rates[rand.N(len(rates))], newID()
		used := rand.N(2*rate.Full()) - rate.Full()/2
		clock, err := from.Time(t.Context()).Result()
		require.NoError(t, err)
		whole := strconv.FormatInt(clock.Add(used).UnixMicro(), 10)
		require.NoError(t, from.Set(t.Context(), key(user), whole, time.Minute).Err())
		got := limiter(c, rate).Allow(t.Context(), user)
		end, err := from.Time(t.Context()).Result()
		require.NoError(t, err)

		// Time passes between the two steps: the decision is one of those that were
		// right meanwhile.
		bound := func(elapsed time.Duration) app.RateDecision {
			after, ok := rate.Take(min(max(used-elapsed, 0), rate.Full()))
			return rate.Decision(after, ok)
		}
		early, late := bound(0), bound(end.Sub(clock))
		require.True(t, got.OK == early.OK || got.OK == late.OK)
		if early.OK == late.OK {
			require.GreaterOrEqual(t, got.Remaining, early.Remaining, "%v used %v", rate, used)
			require.LessOrEqual(t, got.Remaining, late.Remaining, "%v used %v", rate, used)
		}
	}
}

// Without Redis this replica's own limit holds, requests are as fast as ever, and
// what is shared is found again. One line each tells.
func TestLimitsFallBack(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, log := connect(t, s.URL())
	l, user := limiter(c, ten), newID()
	require.Equal(t, 9, l.Allow(t.Context(), user).Remaining)
	require.NoError(t, s.Kill())
	passed := 0
	for range 500 {
		if l.Allow(t.Context(), user).OK {
			passed++
		}
	}
	assert.Equal(t, 10, passed, "its own limit, from the first request on")
	require.Eventually(t, func() bool { return c.Degraded() != "" }, timely, time.Millisecond)
	assert.NotContains(t, c.Degraded(), "127.0.0.1")

	require.NoError(t, s.Start())
	require.Eventually(t, func() bool { return c.Degraded() == "" }, timely, time.Millisecond)
	assert.True(t, l.Allow(t.Context(), user).OK, "Redis has forgotten, and counts again")
	assert.Equal(t, 1, log.lines("redis is gone"), log)
	assert.Equal(t, 1, log.lines("redis is back"), log)
}

// A Redis that hangs costs the first requests a tenth of a second, and the others
// nothing.
func TestSlowRedisIsLeftAlone(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, log := connect(t, s.URL(), impatient, func(o *redis.Options) { o.Timeout = timely })
	l := limiter(c, ten)
	require.True(t, l.Allow(t.Context(), newID()).OK)
	require.NoError(t, s.Pause())
	var wg sync.WaitGroup
	var slowest atomic.Int64
	for range 50 {
		wg.Go(func() {
			began := time.Now()
			assert.True(t, l.Allow(t.Context(), newID()).OK)
			slowest.Store(max(slowest.Load(), int64(time.Since(began))))
		})
	}
	wg.Wait()
	assert.Less(t, time.Duration(slowest.Load()), timely/2, "LimitTimeout is 100 ms; a command may take a minute")
	began := time.Now()
	for range 1000 {
		l.Allow(t.Context(), newID())
	}
	assert.Less(t, time.Since(began), timely/2, "a thousand would wait for 100 s if they asked Redis")
	require.NoError(t, s.Resume())
	require.Eventually(t, func() bool { return c.Degraded() == "" }, timely, time.Millisecond)
	assert.Equal(t, 1, log.lines("redis is gone"), log)
}

// A Redis that answers and does not write is as good as none.
func TestRedisThatDoesNotWrite(t *testing.T) {
	t.Parallel()
	s := server(t)
	c, _ := connect(t, s.URL())
	from := admin(t, s.URL())
	l, user := limiter(c, ten), newID()
	require.NoError(t, c.Check(t.Context()))
	require.NoError(t, from.ConfigSet(t.Context(), "min-replicas-to-write", "1").Err())
	require.Equal(t, 9, l.Allow(t.Context(), user).Remaining)
	require.ErrorContains(t, c.Check(t.Context()), "redis cannot be written to (SET): NOREPLICAS")
	require.Eventually(t, func() bool { return c.Degraded() != "" }, timely, time.Millisecond)
	require.Equal(t, 8, l.Allow(t.Context(), user).Remaining)
	require.NoError(t, from.ConfigSet(t.Context(), "min-replicas-to-write", "0").Err())
	require.Eventually(t, func() bool { return c.Degraded() == "" }, timely, time.Millisecond)
	require.Equal(t, 9, l.Allow(t.Context(), user).Remaining, "Redis has counted none yet")
}

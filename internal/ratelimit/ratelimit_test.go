package ratelimit_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ratelimit"
)

func newID() aigen.ID { return aigen.ID(uuid.New()) }

// clock is a clock that tests move.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func setup(rate app.Rate) (*ratelimit.Limiter, *clock) {
	c := &clock{time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	return ratelimit.New(rate, c.now), c
}

// model is the rule told another way: a user has so many tickets. One that was
// handed in comes back an interval later, or an interval after the one before it.
type model struct {
	rate app.Rate
	out  map[aigen.ID][]time.Time // when each ticket that is out comes back
}

func (m *model) allow(user aigen.ID, now time.Time) app.RateDecision {
	out := m.out[user]
	for len(out) > 0 && !out[0].After(now) {
		out = out[1:]
	}
	ok := len(out) < m.rate.Requests
	if ok {
		from := now
		if len(out) > 0 {
			from = out[len(out)-1]
		}
		out = append(out, from.Add(m.rate.Interval()))
	}
	m.out[user] = out
	return app.RateDecision{OK: ok, Rate: m.rate, Remaining: m.rate.Requests - len(out), Reset: out[0].Sub(now)}
}

func TestLimiterAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	users := []aigen.ID{newID(), newID(), newID()}
	rapid.Check(t, func(t *rapid.T) {
		rate := app.Rate{Requests: rapid.IntRange(1, 9).Draw(t, "requests"), Per: time.Minute}
		l, c := setup(rate)
		m := &model{rate: rate, out: map[aigen.ID][]time.Time{}}
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			// Mostly small steps, some past everything that is kept.
			step := rapid.OneOf(
				rapid.Just(time.Duration(0)), rapid.Just(rate.Interval()),
				rapid.Map(rapid.Int64Range(0, int64(rate.Interval())), func(n int64) time.Duration { return time.Duration(n) }),
				rapid.Map(rapid.Int64Range(0, int64(3*rate.Per)), func(n int64) time.Duration { return time.Duration(n) }),
			).Draw(t, "step")
			c.at = c.at.Add(step)
			user := rapid.SampledFrom(users).Draw(t, "user")
			require.Equal(t, m.allow(user, c.at), l.Allow(t.Context(), user))
		}
	})
}

func TestBurstThenOneAtATime(t *testing.T) {
	t.Parallel()
	l, c := setup(app.Rate{Requests: 60, Per: time.Minute})
	user := newID()
	for i := range 60 {
		d := l.Allow(t.Context(), user)
		require.True(t, d.OK)
		require.Equal(t, 59-i, d.Remaining)
		require.Equal(t, time.Second, d.Reset)
	}
	for range 3 {
		d := l.Allow(t.Context(), user)
		require.False(t, d.OK, "a refusal costs nothing, so asking again does not shut out for longer")
		require.Zero(t, d.Remaining)
		require.Equal(t, time.Second, d.Reset)
	}
	c.at = c.at.Add(time.Second - time.Nanosecond)
	require.False(t, l.Allow(t.Context(), user).OK)
	c.at = c.at.Add(time.Nanosecond)
	require.True(t, l.Allow(t.Context(), user).OK)
	require.False(t, l.Allow(t.Context(), user).OK)
}

func TestExactlySoManyPassAtOnce(t *testing.T) {
	t.Parallel()
	l, _ := setup(app.Rate{Requests: 100, Per: time.Minute})
	users := []aigen.ID{newID(), newID()}
	var passed [2]atomic.Int64
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 50 {
				if l.Allow(t.Context(), users[i%2]).OK {
					passed[i%2].Add(1)
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(100), passed[0].Load())
	assert.Equal(t, int64(100), passed[1].Load())
}

// However many users come and go, those are kept who may still have something used up.
func TestIdleUsersAreForgotten(t *testing.T) {
	t.Parallel()
	l, c := setup(app.Rate{Requests: 60, Per: time.Minute})
	for range 20 {
		for range 100 {
			l.Allow(t.Context(), newID())
		}
		require.LessOrEqual(t, l.Users(), 400) // of two turns
		c.at = c.at.Add(30 * time.Second)
	}
	c.at = c.at.Add(2 * time.Minute)
	l.Allow(t.Context(), newID())
	assert.Equal(t, 1, l.Users())
}

// Rates at the ends of what can be set, and one that does not divide a minute.
func TestRates(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 60, 999_983, 1_000_000} {
		rate := app.Rate{Requests: n, Per: time.Minute}
		l, c := setup(rate)
		user := newID()
		for range n {
			require.True(t, l.Allow(t.Context(), user).OK)
		}
		d := l.Allow(t.Context(), user)
		require.False(t, d.OK)
		require.LessOrEqual(t, d.Reset, rate.Interval())
		assert.InDelta(t, time.Minute.Seconds(), rate.Full().Seconds(), 1, "%d a minute", n)
		c.at = c.at.Add(d.Reset)
		require.True(t, l.Allow(t.Context(), user).OK)
	}
}

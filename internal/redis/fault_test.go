package redis_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/redis"
)

// Redis is killed, stays away and comes back, several times, while both replicas
// write: no request fails, and the streams of both show each event once. Nothing
// polls here, so what is missed must be noticed.
func TestRedisGoesAndComesBack(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	from := admin(t, s.URL())
	mine, theirs := a.follow(from), b.follow(from)

	stop := make(chan struct{})
	var wg sync.WaitGroup
	for _, r := range []*replica{a, b} {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				_, err := r.create()
				assert.NoError(t, err)
			}
		})
	}
	for range 3 {
		require.NoError(t, s.Kill())
		a.until("the loss is noticed", func() bool { return !a.bus.Live() && !b.bus.Live() })
		before, err := a.store.LastPosition(t.Context(), a.user)
		require.NoError(t, err)
		a.until("requests go on meanwhile", func() bool {
			now, err := a.store.LastPosition(t.Context(), a.user)
			return err == nil && now >= before+10
		})
		require.NoError(t, s.Start())
		a.until("Redis is back", func() bool { return a.bus.Live() && b.bus.Live() })
	}
	close(stop)
	wg.Wait()
	last, err := a.store.LastPosition(t.Context(), a.user)
	require.NoError(t, err)
	for n := int64(1); n <= last; n++ {
		require.Equal(t, n, next(t, mine).Position)
		require.Equal(t, n, next(t, theirs).Position)
	}
	for _, r := range []*replica{a, b} {
		// A machine that is busy may miss a heartbeat besides, which costs nothing.
		assert.GreaterOrEqual(t, r.bus.Stats().Interruptions, uint64(3))
	}
}

// While Redis is gone, streams look into the store as often as they would without it.
func TestStreamsPollWhileRedisIsGone(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), polls{alone: 20 * time.Millisecond, withBus: time.Hour})
	stream := a.follow(admin(t, s.URL()))
	quiet(t, stream)
	waiting := make(chan aigen.ID, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), timely)
		defer cancel()
		e, err := stream.Next(ctx)
		assert.NoError(t, err)
		waiting <- e.GenerationID
	}()
	require.NoError(t, s.Kill())
	a.until("the loss is noticed", func() bool { return !a.bus.Live() })
	assert.Equal(t, b.mustCreate(), <-waiting, "one that was waiting already, and for long")
	for range 5 {
		id := b.mustCreate()
		assert.Equal(t, id, next(t, stream).GenerationID)
	}
	assert.NotEmpty(t, a.client.Degraded())
	require.NoError(t, s.Start())
	a.until("all is well", func() bool { return a.client.Degraded() == "" && a.bus.Live() })
	id := b.mustCreate()
	assert.Equal(t, id, next(t, stream).GenerationID)
	for _, r := range []*replica{a, b} {
		r.until("the other has noticed too", func() bool { return r.client.Degraded() == "" })
		assert.Equal(t, 1, r.log.lines("redis is gone"), r.log)
		assert.Equal(t, 1, r.log.lines("redis is back"), r.log)
	}
}

// quiet reads until there is nothing: neither an event nor a reason to look for one.
func quiet(t *testing.T, s *live.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	for {
		if _, err := s.Next(ctx); err != nil {
			return
		}
	}
}

// A replica that wrote while Redis was gone, and died before it was back, tells
// nobody: the streams look for themselves when they have a subscription again.
func TestBackMeansLookOnce(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, _ := replicas(t, s.URL(), never)
	stream := a.follow(admin(t, s.URL()))
	require.NoError(t, s.Kill())
	a.until("the loss is noticed", func() bool { return !a.bus.Live() })
	quiet(t, stream)
	mute, err := app.New(app.Config{Policy: a.policy, Store: a.store, Ledger: a.store})
	require.NoError(t, err)
	dead := *a
	dead.Service = mute
	id := dead.mustCreate()
	require.NoError(t, s.Start())
	assert.Equal(t, id, next(t, stream).GenerationID)
}

// A service that starts without Redis works, and finds it when it comes.
func TestStartWithoutRedis(t *testing.T) {
	t.Parallel()
	s := server(t)
	require.NoError(t, s.Kill())
	a, b := replicas(t, s.URL(), polls{alone: 20 * time.Millisecond, withBus: time.Hour})
	stream, err := a.StreamUser(t.Context(), a.user, nil)
	require.NoError(t, err)
	defer stream.Close()
	id := b.mustCreate()
	assert.Equal(t, id, next(t, stream).GenerationID)
	require.NoError(t, s.Start())
	a.untilLive()
	id = b.mustCreate()
	assert.Equal(t, id, next(t, stream).GenerationID)
}

// A Redis that hangs delays no request, and streams are back at the store as soon as
// the silence is noticed.
func TestSlowRedisSlowsNobody(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), polls{alone: 20 * time.Millisecond, withBus: time.Hour}, impatient, func(o *redis.Options) { o.Timeout = timely })
	stream := a.follow(admin(t, s.URL()))
	quiet(t, stream)
	require.NoError(t, s.Pause())
	slow := 0
	for n := 0; n < 200 && slow < 10; n++ {
		began := time.Now()
		b.mustCreate()
		if time.Since(began) > timely/2 {
			slow++
		}
	}
	require.Less(t, slow, 10, "requests waited for Redis, which hangs all the while")
	for n := int64(1); n <= 200; n++ {
		require.Equal(t, n, next(t, stream).Position)
	}
	a.until("the silence is noticed", func() bool { return !a.bus.Live() })
	id := b.mustCreate()
	assert.Equal(t, id, next(t, stream).GenerationID)
	require.NoError(t, s.Resume())
	a.untilLive()
	id = b.mustCreate()
	assert.Equal(t, id, next(t, stream).GenerationID)
}

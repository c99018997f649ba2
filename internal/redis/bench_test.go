package redis_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/redis"
)

// What a limit costs a request.
func BenchmarkAllow(b *testing.B) {
	s := server(b)
	c, _ := connect(b, s.URL())
	l := limiter(c, app.Rate{Requests: 1_000_000, Per: time.Minute})
	b.Run("one", func(b *testing.B) {
		user := newID()
		for b.Loop() {
			l.Allow(b.Context(), user)
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(16)
		b.RunParallel(func(p *testing.PB) {
			user := newID()
			for p.Next() {
				l.Allow(b.Context(), user)
			}
		})
	})
	require.NoError(b, s.Kill())
	require.Eventually(b, func() bool { return c.Degraded() != "" }, timely, time.Millisecond)
	b.Run("gone", func(b *testing.B) {
		user := newID()
		for b.Loop() {
			l.Allow(b.Context(), user)
		}
	})
}

// counter takes events in place of a service.
type counter struct{ n chan struct{} }

func (c counter) ReceiveEvents([]aigen.Event) { c.n <- struct{}{} }
func (counter) CatchUp(aigen.ID)              {}

// What an event costs who publishes it, how long it takes to the other replica, and
// how many get there in a second.
func BenchmarkBus(b *testing.B) {
	s := server(b)
	got := counter{make(chan struct{}, 4096)}
	buses := make([]*redis.Bus, 2)
	for i := range buses {
		c, _ := connect(b, s.URL())
		buses[i] = redis.NewBus(c, newID())
		run(b, func(ctx context.Context) error { return buses[i].Run(ctx, got) })
		require.Eventually(b, buses[i].Live, timely, time.Millisecond)
	}
	user := newID()
	from := admin(b, s.URL())
	buses[1].Follow(user)
	require.Eventually(b, func() bool { return subscribers(b, from, user) == 1 }, timely, time.Millisecond)
	event := []aigen.Event{{UserID: user, GenerationID: newID(), Seq: 1, Position: 1, Type: aigen.EventSamplesReady, At: time.Now(), Data: aigen.EventData{
		Status: aigen.StatusAwaitingSelection, Stage: aigen.StageSamples, SampleAssets: samples(nil).Samples,
	}}}
	b.Run("latency", func(b *testing.B) {
		for b.Loop() {
			buses[0].Publish(event)
			<-got.n
		}
	})
	b.Run("throughput", func(b *testing.B) {
		var open atomic.Int64
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range b.N {
				<-got.n
				open.Add(-1)
			}
		}()
		for range b.N {
			for open.Load() > 2000 {
				time.Sleep(10 * time.Microsecond)
			}
			open.Add(1)
			buses[0].Publish(event)
		}
		<-done
	})
}

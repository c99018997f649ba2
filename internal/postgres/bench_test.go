package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/batch"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/postgres"
)

func benchStore(b *testing.B) *postgres.Store {
	b.Helper()
	return open(b, database(b), postgres.Options{InitialCredits: aigen.MaxCredits})
}

func benchUsers() []aigen.ID {
	users := make([]aigen.ID, 1000)
	for i := range users {
		users[i] = aigen.ID(uuid.New())
	}
	return users
}

// BenchmarkApply accepts generations: for each a generation, a run, an event, a
// delivery and a reservation in the ledger, of a thousand users. One writer.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s, p, users := benchStore(b), policy(), benchUsers()
			var spent time.Duration
			changes, n := make([]*app.Change, size), 0
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				for i := range changes {
					changes[i] = accept(b, p, users[n%len(users)])
					n++
				}
				b.StartTimer()
				started := time.Now()
				for _, err := range s.Apply(b.Context(), changes) {
					require.NoError(b, err)
				}
				spent += time.Since(started)
			}
			b.ReportMetric(float64(n)/spent.Seconds(), "changes/s")
		})
	}
}

// BenchmarkClients accepts generations as the service does: each client waits for
// its own, and those that come together share a transaction of one of two writers.
func BenchmarkClients(b *testing.B) {
	for _, clients := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s, p, users := benchStore(b), policy(), benchUsers()
			r := batch.New(s, batch.Options{Writers: 2})
			changes := make([]*app.Change, b.N)
			for i := range changes {
				changes[i] = accept(b, p, users[i%len(users)])
			}
			var next atomic.Int64
			var failed atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range clients {
				wg.Go(func() {
					for i := next.Add(1) - 1; i < int64(len(changes)); i = next.Add(1) - 1 {
						if r.Apply(context.Background(), changes[i:i+1])[0] != nil {
							failed.Add(1)
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
			require.Zero(b, failed.Load())
		})
	}
}

// BenchmarkLives takes generations through their whole lives in batches of 64: four
// changes each.
func BenchmarkLives(b *testing.B) {
	s, p, users := benchStore(b), policy(), benchUsers()
	var spent time.Duration
	n := 0
	apply := func(changes []*app.Change) {
		started := time.Now()
		for _, err := range s.Apply(b.Context(), changes) {
			require.NoError(b, err)
		}
		spent += time.Since(started)
		n += len(changes)
	}
	for b.Loop() {
		changes := make([]*app.Change, 64)
		for i := range changes {
			changes[i] = accept(b, p, users[(n+i)%len(users)])
		}
		apply(changes)
		for _, verb := range []func(*aigen.Generation) error{sampled(p), selected(p), completed(p)} {
			for i := range changes {
				changes[i] = next(b, p, changes[i].Generation, verb)
			}
			apply(changes)
		}
	}
	b.ReportMetric(float64(n)/spent.Seconds(), "changes/s")
}

// BenchmarkOutbox claims 500 deliveries and finishes them.
func BenchmarkOutbox(b *testing.B) {
	const rows = 500
	s, p, user := benchStore(b), policy(), aigen.ID(uuid.New())
	var spent time.Duration
	for b.Loop() {
		c := accept(b, p, user)
		job := c.Deliveries[0]
		for range rows - 1 {
			job.ID = p.NewID()
			c.Deliveries = append(c.Deliveries, job)
		}
		require.NoError(b, s.Apply(b.Context(), []*app.Change{c})[0])
		started := time.Now()
		now := time.Now()
		list, err := s.ClaimDeliveries(b.Context(), outbox.Claim{Queue: outbox.QueueJobs, Owner: "a", Limit: rows, Now: now, Until: now.Add(time.Minute)})
		require.NoError(b, err)
		require.Len(b, list, rows)
		results := make([]outbox.DeliveryResult, rows)
		for i := range results {
			results[i] = outbox.DeliveryResult{ID: list[i].ID}
		}
		require.NoError(b, s.FinishDeliveries(b.Context(), "a", results))
		spent += time.Since(started)
	}
	b.ReportMetric(float64(b.N*rows)/spent.Seconds(), "deliveries/s")
}

// BenchmarkGet loads a generation with its run.
func BenchmarkGet(b *testing.B) {
	s := benchStore(b)
	c := accept(b, policy(), aigen.ID(uuid.New()))
	require.NoError(b, s.Apply(b.Context(), []*app.Change{c})[0])
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.Get(b.Context(), c.Generation.ID)
		require.NoError(b, err)
	}
}

package sqlite_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// BenchmarkApply accepts generations: for each a generation, a run, an event, a
// delivery and a reservation in the ledger, of a thousand users.
func BenchmarkApply(b *testing.B) {
	for _, size := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("batch=%d", size), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), b.TempDir()+"/bench.db", sqlite.Options{InitialCredits: aigen.MaxCredits})
			require.NoError(b, err)
			b.Cleanup(func() { require.NoError(b, s.Close()) })
			p := policy()
			users := make([]aigen.ID, 1000)
			for i := range users {
				users[i] = aigen.ID(uuid.New())
			}
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

// BenchmarkOutbox claims 500 deliveries, and removes them when they are delivered.
func BenchmarkOutbox(b *testing.B) {
	s, err := sqlite.Open(b.Context(), b.TempDir()+"/bench.db", sqlite.Options{InitialCredits: aigen.MaxCredits})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	p, changes := policy(), make([]*app.Change, 500)
	var claiming, finishing time.Duration
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		for i := range changes {
			changes[i] = accept(b, p, aigen.ID(uuid.New()))
		}
		for _, err := range s.Apply(b.Context(), changes) {
			require.NoError(b, err)
		}
		b.StartTimer()
		started := time.Now()
		list, err := s.ClaimDeliveries(b.Context(), outbox.Claim{
			Queue: outbox.QueueJobs, Owner: "me", Now: time.Now(), Until: time.Now().Add(time.Minute), Limit: len(changes),
		})
		require.NoError(b, err)
		require.Len(b, list, len(changes))
		claimed := time.Now()
		results := make([]outbox.DeliveryResult, len(list))
		for i := range list {
			results[i] = outbox.DeliveryResult{ID: list[i].ID, Disposition: outbox.DispositionDelivered}
		}
		require.NoError(b, s.FinishDeliveries(b.Context(), "me", results))
		claiming, finishing = claiming+claimed.Sub(started), finishing+time.Since(claimed)
		n += len(list)
	}
	b.ReportMetric(float64(claiming.Nanoseconds())/float64(n), "ns/claimed")
	b.ReportMetric(float64(finishing.Nanoseconds())/float64(n), "ns/finished")
}

// BenchmarkGet loads a generation with its run.
func BenchmarkGet(b *testing.B) {
	s, err := sqlite.Open(b.Context(), b.TempDir()+"/bench.db", sqlite.Options{InitialCredits: aigen.MaxCredits})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Close()) })
	c := accept(b, policy(), aigen.ID(uuid.New()))
	require.NoError(b, s.Apply(b.Context(), []*app.Change{c})[0])
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.Get(b.Context(), c.Generation.ID)
		require.NoError(b, err)
	}
}

func policy() *aigen.Policy {
	return &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 10 * time.Second, MaxStageAttempts: 3, RetryDelay: func(int) time.Duration { return time.Second },
		Now: time.Now, NewID: func() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) },
	}
}

// accept is the change that accepts a new generation with the embedded ledger.
func accept(tb testing.TB, p *aigen.Policy, user aigen.ID) *app.Change {
	tb.Helper()
	in, err := aigen.NewInput("a red fox in the snow, watercolour", "soft light",
		[]byte(`{"format":"InstagramStory","resolution":"1080x1920","samples":4,"seed":7}`))
	require.NoError(tb, err)
	g := aigen.New(p, user, p.NewID(), in, aigen.Options{})
	run, _ := g.PendingRun()
	_, err = g.ConfirmReservation(p, run.ID)
	require.NoError(tb, err)
	events, effects := g.Drain()
	return &app.Change{
		Generation: g, Events: events,
		Deliveries: []outbox.Delivery{{
			ID: effects[0].JobID, Kind: outbox.DeliverSampleJob, UserID: user, GenerationID: g.ID, RunID: run.ID,
			Payload: []byte(`{"jobId":"…","inputPrompt":"a red fox in the snow, watercolour","styleGuidance":"soft light",` +
				`"inputParameters":{"format":"InstagramStory","resolution":"1080x1920","samples":4,"seed":7},"selectedSample":null}`),
			State: outbox.DeliveryWaiting, AvailableAt: g.CreatedAt, CreatedAt: g.CreatedAt,
		}},
		Postings: []ledger.Posting{{
			Kind: ledger.Reserve, UserID: user, GenerationID: g.ID, RunID: run.ID, Amount: run.Amount, At: g.CreatedAt,
		}},
	}
}

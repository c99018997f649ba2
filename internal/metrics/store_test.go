package metrics_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/metrics"
	"github.com/creativeflow/aigen/internal/outbox"
)

func TestStoreNumbers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		m := setup(func(context.Context) (app.Stats, error) {
			return app.Stats{
				Generations: map[aigen.Status]int64{aigen.StatusCompleted: 7},
				Outbox: []outbox.QueueStats{
					{Queue: outbox.QueueCredits, Depth: 3, Dead: 2, Oldest: began},
					{Queue: outbox.QueueJobs, Oldest: began.Add(time.Hour)}, // written by a clock that is ahead
				},
				Reservations: app.ReservationStats{Open: 4, Amount: 125, Oldest: began.Add(-time.Minute)},
			}, nil
		})
		time.Sleep(30 * time.Second)
		s := scrape(t, m)
		for series, want := range map[string]string{
			`aigen_generations{status="Completed"}`: "7", `aigen_generations{status="Pending"}`: "0",
			`aigen_outbox_depth{lane="credits"}`: "3", `aigen_outbox_dead{lane="credits"}`: "2",
			`aigen_outbox_oldest_age_seconds{lane="credits"}`: "30", `aigen_outbox_oldest_age_seconds{lane="jobs"}`: "0",
			`aigen_outbox_depth{lane="notifications"}`: "0", `aigen_outbox_oldest_age_seconds{lane="notifications"}`: "0",
			`aigen_reservations_open`: "4", `aigen_reservations_open_credits`: "1.25",
			`aigen_reservations_oldest_age_seconds`: "90", `aigen_scrape_errors_total`: "0",
		} {
			require.Equal(t, want, s[series], series)
		}
	})
}

func TestScrapingDoesNotHurtTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked, open, most atomic.Int32
		m := setup(func(context.Context) (app.Stats, error) {
			asked.Add(1)
			most.Store(max(most.Load(), open.Add(1)))
			defer open.Add(-1)
			time.Sleep(100 * time.Millisecond)
			return app.Stats{}, nil
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { scrape(t, m) })
		}
		wg.Wait()
		require.EqualValues(t, 1, asked.Load(), "those who come together share an answer")
		scrape(t, m)
		require.EqualValues(t, 1, asked.Load(), "and whoever comes soon after")
		time.Sleep(2 * time.Second)
		scrape(t, m)
		require.EqualValues(t, 2, asked.Load(), "later the store is asked again")
		require.EqualValues(t, 1, most.Load())
	})
}

func TestStoreThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("database is gone")
		var asked int
		log := &strings.Builder{}
		m := metrics.New(func(context.Context) (app.Stats, error) { asked++; return app.Stats{}, fault },
			slog.New(slog.NewTextHandler(log, nil)))
		m.Callback("applied")
		for range 3 {
			s := scrape(t, m)
			require.NotContains(t, s, `aigen_outbox_depth{lane="jobs"}`, "no number rather than a wrong one")
			require.Equal(t, "1", s[`aigen_callbacks_total{outcome="applied"}`], "the others stay")
		}
		require.Equal(t, "4", scrape(t, m)["aigen_scrape_errors_total"])
		require.Equal(t, 1, asked, "a store in trouble is left in peace too")
		require.Equal(t, 1, strings.Count(log.String(), "database is gone"), "one line, not one a scrape")

		fault = nil
		time.Sleep(3 * time.Second)
		require.Equal(t, "0", scrape(t, m)[`aigen_outbox_depth{lane="jobs"}`])
		require.Contains(t, log.String(), "again")
	})
}

func TestStoreThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		free := make(chan struct{})
		m := setup(func(context.Context) (app.Stats, error) { // heeds no context
			asked.Add(1)
			<-free
			return app.Stats{}, nil
		})
		for range 3 {
			began := time.Now()
			s := scrape(t, m)
			require.Equal(t, 3*time.Second, time.Since(began))
			require.Contains(t, s, "aigen_event_streams")
			require.NotContains(t, s, "aigen_reservations_open")
		}
		require.EqualValues(t, 1, asked.Load(), "questions do not pile up")
		close(free)
		synctest.Wait()
		require.Equal(t, "0", scrape(t, m)["aigen_reservations_open"])
	})
}

func TestStatsHaveADeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := setup(func(ctx context.Context) (app.Stats, error) {
			<-ctx.Done()
			return app.Stats{}, context.Cause(ctx)
		})
		require.Equal(t, "1", scrape(t, m)["aigen_scrape_errors_total"])
		synctest.Wait()
	})
}

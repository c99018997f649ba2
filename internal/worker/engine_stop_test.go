package worker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/worker"
)

// A job whose report was not taken must stay in the outbox; one whose report was
// refused must not: it would be painted again for the same refusal.
func TestEngineAnswersByWhatBecameOfTheReport(t *testing.T) {
	t.Parallel()
	broken := errors.New("database is gone")
	for name, tc := range map[string]struct{ answer, want error }{
		"taken":         {nil, nil},
		"no generation": {&aigen.Error{Code: aigen.CodeNotFound}, nil},
		"no such job":   {&aigen.Error{Code: aigen.CodeUnknownJob}, nil},
		"contradiction": {&aigen.Error{Code: aigen.CodeCallbackContradiction}, nil},
		"not taken":     {broken, broken},
		"contended":     {app.ErrVersionConflict, app.ErrVersionConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &reporter{answer: func(app.ProcessResult) (app.Processed, error) { return app.Processed{}, tc.answer }}
			err := publish(t.Context(), t, worker.New(painter{numbered, 1}, r, 1, quiet), message(t, sampleJob(t, "")))
			if tc.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.want)
			}
		})
	}
}

func TestEngineReturnsJobsWhenItStops(t *testing.T) {
	t.Parallel()
	for name, parts := range map[string]func(stop func()) (painter, *reporter){
		"while it paints": func(stop func()) (painter, *reporter) {
			return painter{paint: func(ctx context.Context, _ int) (aigen.Asset, error) {
				stop()
				<-ctx.Done()
				return aigen.Asset{}, ctx.Err()
			}}, &reporter{}
		},
		"while it reports": func(stop func()) (painter, *reporter) {
			return painter{numbered, 1}, &reporter{answer: func(app.ProcessResult) (app.Processed, error) {
				stop()
				return app.Processed{}, context.Canceled
			}}
		},
		"before it begins": func(stop func()) (painter, *reporter) {
			stop()
			return painter{numbered, 1}, &reporter{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			p, r := parts(stop)
			err := publish(ctx, t, worker.New(p, r, 1, quiet), message(t, sampleJob(t, "")))
			require.ErrorIs(t, err, outbox.ErrReturned)
		})
	}
}

func TestEngineKeepsToItsWindow(t *testing.T) {
	t.Parallel()
	require.Equal(t, 1, worker.New(painter{}, nil, 0, quiet).Window())

	const window, jobs = 3, 12
	var now, most atomic.Int32
	p := painter{parallel: 1, paint: func(context.Context, int) (aigen.Asset, error) {
		if n := now.Add(1); n > most.Load() {
			most.Store(n)
		}
		defer now.Add(-1)
		time.Sleep(5 * time.Millisecond)
		return aigen.Asset{}, nil
	}}
	e := worker.New(p, &reporter{}, window, quiet)
	require.Equal(t, window, e.Window())
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		seen = map[int]int{}
	)
	wg.Add(jobs)
	e.Publish(t.Context(), repeat(message(t, sampleJob(t, `{"samples":1}`)), jobs), func(i int, err error) {
		defer wg.Done()
		mu.Lock()
		defer mu.Unlock()
		seen[i]++
	})
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int32(window))
	require.Len(t, seen, jobs, "each job ends")
	for i, n := range seen {
		require.Equal(t, 1, n, "job %d ends once", i)
	}
}

func TestEngineReturnsWhatFindsNoRoom(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	begun := make(chan struct{}, 1)
	p := painter{parallel: 1, paint: func(ctx context.Context, _ int) (aigen.Asset, error) {
		begun <- struct{}{}
		<-ctx.Done()
		return aigen.Asset{}, ctx.Err()
	}}
	e := worker.New(p, &reporter{}, 1, quiet)
	ended := make(chan error, 3)
	go func() { <-begun; stop() }()
	e.Publish(ctx, repeat(message(t, sampleJob(t, "")), 3), func(_ int, err error) { ended <- err })
	for range 3 {
		require.ErrorIs(t, <-ended, outbox.ErrReturned)
	}
}

func repeat(m app.JobMessage, n int) []app.JobMessage {
	jobs := make([]app.JobMessage, n)
	for i := range jobs {
		jobs[i] = m
	}
	return jobs
}

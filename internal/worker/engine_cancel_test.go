package worker_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/worker"
)

// waiting paints until it is told to stop, and counts what it began.
func waiting(begun *atomic.Int32, first func()) painter {
	var once sync.Once
	return painter{parallel: 2, paint: func(ctx context.Context, _ int) (aigen.Asset, error) {
		begun.Add(1)
		once.Do(first)
		<-ctx.Done()
		return aigen.Asset{}, ctx.Err()
	}}
}

func TestEngineStopsAtCancel(t *testing.T) {
	t.Parallel()
	for _, j := range []app.Job{sampleJob(t, `{"samples":8}`), finalJob(t, aigen.Asset{AssetID: "s"}, "100x100")} {
		var (
			begun atomic.Int32
			e     *worker.Engine
		)
		r := &reporter{}
		e = worker.New(waiting(&begun, func() { e.Cancel([]aigen.ID{{77}, j.JobID}) }), r, 1, quiet)
		require.NoError(t, publish(t.Context(), t, e, message(t, j)), "the job is done with")
		require.LessOrEqual(t, begun.Load(), int32(2), "what was under way")
		require.Empty(t, r.reports, "nobody waits for a report")
		e.Cancel([]aigen.ID{j.JobID}) // it has ended: nothing to do
	}
}

// Another replica has ended the generation: the engine finds out by looking.
func TestEngineLooksWhetherItsJobIsAwaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var begun atomic.Int32
		r := &reporter{}
		e := worker.New(waiting(&begun, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.awaits = func() (bool, error) { return false, nil }
		}), r, 1, quiet)
		began := time.Now()
		require.NoError(t, publish(t.Context(), t, e, message(t, sampleJob(t, `{"samples":8}`))))
		require.LessOrEqual(t, time.Since(began), 2*time.Second)
		require.LessOrEqual(t, begun.Load(), int32(2))
		require.Empty(t, r.reports)
	})
}

func TestEngineBeginsNothingThatHasEnded(t *testing.T) {
	t.Parallel()
	answers := func(o aigen.Outcome, err error) func(int) (app.Processed, error) {
		return func(int) (app.Processed, error) { return app.Processed{Outcome: o}, err }
	}
	for name, r := range map[string]*reporter{
		"ignored":     {shown: answers(aigen.OutcomeIgnored, nil)},
		"stale":       {shown: answers(aigen.OutcomeStale, nil)},
		"not found":   {shown: answers("", &aigen.Error{Code: aigen.CodeNotFound})},
		"unknown job": {shown: answers("", &aigen.Error{Code: aigen.CodeUnknownJob})},
		"not awaited": {
			shown:  answers("", errors.New("the database is away for a moment")),
			awaits: func() (bool, error) { return false, nil },
		},
	} {
		for _, j := range []app.Job{sampleJob(t, `{"samples":8}`), finalJob(t, aigen.Asset{AssetID: "s"}, "100x100")} {
			var painted atomic.Int32
			p := painter{parallel: 4, paint: func(ctx context.Context, i int) (aigen.Asset, error) {
				painted.Add(1)
				return numbered(ctx, i)
			}}
			require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, quiet), message(t, j)))
			require.Zero(t, painted.Load(), name)
			require.Empty(t, r.reports, name)
		}
	}
}

// A database that does not answer is no reason to throw away what is being made.
func TestEngineGoesOnWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	away := errors.New("away")
	r := &reporter{
		shown:  func(int) (app.Processed, error) { return app.Processed{}, away },
		awaits: func() (bool, error) { return false, away },
	}
	require.NoError(t, publish(t.Context(), t, worker.New(painter{numbered, 1}, r, 1, quiet), message(t, sampleJob(t, ""))))
	require.Equal(t, aigen.ReportSamples, r.only(t).Kind)
	require.Positive(t, r.looks)
}

// What failed does not take the others along: they may have been paid for.
func TestEngineWaitsForWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	var kept, begun atomic.Int32
	failed := make(chan struct{})
	var all sync.WaitGroup
	all.Add(3)
	p := painter{parallel: 3, paint: func(ctx context.Context, i int) (aigen.Asset, error) {
		begun.Add(1)
		all.Done()
		all.Wait() // else the failure may come before the last has begun, and keep it from that
		if i == 1 {
			defer close(failed)
			return aigen.Asset{}, errors.New("one of them")
		}
		select {
		case <-failed:
			kept.Add(1)
			return numbered(ctx, i)
		case <-ctx.Done():
			return aigen.Asset{}, ctx.Err()
		}
	}}
	r := &reporter{}
	require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, quiet), message(t, sampleJob(t, `{"samples":3}`))))
	require.EqualValues(t, 2, kept.Load())
	require.EqualValues(t, 3, begun.Load())
	require.True(t, r.only(t).Failure.Retryable)
}

func TestEngineReportsTheFailureThatDecides(t *testing.T) {
	t.Parallel()
	retry := &worker.PaintError{Code: "retry", Message: "Retry.", Retryable: true}
	final := &worker.PaintError{Code: "final", Message: "Final."}
	reject := &worker.PaintError{Code: aigen.CodeContentRejected, Message: "No.", Rejected: true}
	for _, tc := range []struct {
		errs []error
		want aigen.Code
	}{
		{[]error{retry, final}, "final"}, {[]error{final, retry}, "final"},
		{[]error{final, reject}, aigen.CodeContentRejected}, {[]error{reject, retry}, aigen.CodeContentRejected},
		{[]error{errors.New("any"), final}, "final"},
	} {
		var both sync.WaitGroup
		both.Add(2)
		p := painter{parallel: 2, paint: func(_ context.Context, i int) (aigen.Asset, error) {
			both.Done()
			both.Wait()
			return aigen.Asset{}, tc.errs[i]
		}}
		r := &reporter{}
		require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, quiet), message(t, sampleJob(t, `{"samples":2}`))))
		require.Equal(t, tc.want, r.only(t).Failure.Code)
	}
}

// Pictures that nobody was told of are for nobody.
func TestEngineRemovesWhatWasNeverReported(t *testing.T) {
	t.Parallel()
	for _, vain := range []bool{true, false} {
		b := setup(t)
		r := &reporter{inVain: vain, answer: func(app.ProcessResult) (app.Processed, error) {
			return app.Processed{Outcome: aigen.OutcomeIgnored}, nil
		}}
		e := worker.New(worker.NewProcedural(b.Assets), r, 1, quiet)
		j := sampleJob(t, `{"samples":1,"resolution":"64x4096"}`)
		require.NoError(t, publish(t.Context(), t, e, message(t, j)))
		require.Equal(t, []aigen.ID{j.RunID}, r.askedOf)
		if vain {
			require.Empty(t, b.names(t))
		} else {
			require.Len(t, b.names(t), 1, "another job of the run has the same files")
		}
	}
}

package worker_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/worker"
)

func TestEngineReportsSamples(t *testing.T) {
	t.Parallel()
	for _, parallel := range []int{0, 1, 3, 8} {
		r := &reporter{}
		e := worker.New(painter{numbered, parallel}, r, 1, quiet)
		require.NoError(t, publish(t.Context(), t, e, message(t, sampleJob(t, `{"samples":4}`))))

		rep := r.only(t)
		require.Equal(t, aigen.ReportSamples, rep.Kind)
		require.Equal(t, aigen.StageSamples, rep.Stage)
		require.Equal(t, aigen.ID{1}, rep.JobID)
		require.Equal(t, "test/painter", rep.AIModelUsed)
		require.Equal(t, []int{0, 25, 50, 75}, r.progress, "in order, also where samples are made side by side")
		for i, a := range rep.Samples {
			require.Equal(t, fmt.Sprint("asset ", i), a.AssetID)
		}
		require.Equal(t, aigen.ID{3}, r.reports[0].GenerationID)
	}
}

func TestEngineReportsFinal(t *testing.T) {
	t.Parallel()
	r := &reporter{}
	e := worker.New(painter{numbered, 1}, r, 1, quiet)
	require.NoError(t, publish(t.Context(), t, e, message(t, finalJob(t, aigen.Asset{AssetID: "s"}, "100x100"))))
	rep := r.only(t)
	require.Equal(t, aigen.ReportFinal, rep.Kind)
	require.Equal(t, aigen.StageFinal, rep.Stage)
	require.Equal(t, "asset -1", rep.FinalAssetID)
	require.Equal(t, "asset -1", rep.FinalAsset.AssetID)
}

func TestEngineReportsFailures(t *testing.T) {
	t.Parallel()
	const vague = "The picture could not be made."
	for name, tc := range map[string]struct {
		err  error
		kind aigen.ReportKind
		want aigen.Failure
	}{
		"any error": {
			errors.New("disk full at /secret"), aigen.ReportFailure,
			aigen.Failure{Code: aigen.CodeGenerationFailed, Message: vague, Retryable: true},
		},
		"a deadline of the painter's own": {
			fmt.Errorf("request: %w", context.DeadlineExceeded), aigen.ReportFailure,
			aigen.Failure{Code: aigen.CodeGenerationFailed, Message: vague, Retryable: true},
		},
		"described": {
			&worker.PaintError{Code: "odd", Message: "Odd.", Err: errors.New("inner")}, aigen.ReportFailure,
			aigen.Failure{Code: "odd", Message: "Odd."},
		},
		"rejected": {
			&worker.PaintError{Code: aigen.CodeContentRejected, Message: "No.", Rejected: true}, aigen.ReportRejected,
			aigen.Failure{Code: aigen.CodeContentRejected, Message: "No."},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, j := range []app.Job{sampleJob(t, ""), finalJob(t, aigen.Asset{}, "100x100")} {
				r, log := &reporter{}, &text{}
				require.NoError(t, publish(t.Context(), t, worker.New(failing(tc.err), r, 1, logTo(log)), message(t, j)))
				rep := r.only(t)
				require.Equal(t, tc.kind, rep.Kind)
				require.Equal(t, tc.want, rep.Failure)
				require.Empty(t, rep.Samples)
				require.Nil(t, rep.FinalAsset)
				require.Contains(t, log.String(), tc.err.Error(), "the cause is for the log")
			}
		})
	}
}

func TestEngineSurvivesPanics(t *testing.T) {
	t.Parallel()
	p := painter{parallel: 4, paint: func(context.Context, int) (aigen.Asset, error) { panic("boom") }}
	for _, j := range []app.Job{sampleJob(t, ""), finalJob(t, aigen.Asset{}, "100x100")} {
		r, log := &reporter{}, &text{}
		require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, logTo(log)), message(t, j)))
		require.Equal(t, aigen.ReportFailure, r.only(t).Kind)
		require.False(t, r.only(t).Failure.Retryable, "it would panic again")
		require.NotContains(t, r.only(t).Failure.Message, "boom")
		require.Contains(t, log.String(), "boom")
	}
}

func TestEngineStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	var made atomic.Int32
	p := painter{parallel: 1, paint: func(_ context.Context, i int) (aigen.Asset, error) {
		made.Add(1)
		return aigen.Asset{}, errors.New("first")
	}}
	r := &reporter{}
	require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, quiet), message(t, sampleJob(t, `{"samples":8}`))))
	require.EqualValues(t, 1, made.Load())
}

func TestEngineRefusesWhatIsNoJob(t *testing.T) {
	t.Parallel()
	var permanent *outbox.PermanentError
	r := &reporter{}
	e := worker.New(painter{numbered, 1}, r, 1, quiet)
	require.ErrorAs(t, publish(t.Context(), t, e, app.JobMessage{Body: []byte("{")}), &permanent)
	require.Empty(t, r.reports)
}

// After the job's deadline the sweeper has the say: a report would only be ignored,
// or hide the reason that the user is to be told.
func TestEngineIsSilentAfterTheDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wait := painter{parallel: 2, paint: func(ctx context.Context, _ int) (aigen.Asset, error) {
			<-ctx.Done()
			return aigen.Asset{}, &worker.PaintError{Message: "slow", Retryable: true, Err: ctx.Err()}
		}}
		r := &reporter{}
		j := sampleJob(t, "")
		j.Deadline = time.Now().Add(10 * time.Second)
		require.NoError(t, publish(t.Context(), t, worker.New(wait, r, 1, quiet), message(t, j)))
		require.Empty(t, r.reports)
	})
}

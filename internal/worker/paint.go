package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// paint makes what the job asks for and describes the result, good or bad. The error
// is the cause of a bad one, for the log.
func (e *Engine) paint(ctx context.Context, j app.Job) (aigen.Report, error) {
	r := aigen.Report{JobID: j.JobID, Stage: aigen.StageSamples, AIModelUsed: e.painter.Model()}
	paint := e.paintSamples
	if j.JobType == app.DeliverFinalJob {
		r.Stage, paint = aigen.StageFinal, e.paintFinal
	}
	done, err := paint(ctx, j, r)
	if err != nil {
		return failed(r, err), err
	}
	return done, nil
}

func (e *Engine) paintSamples(ctx context.Context, j app.Job, r aigen.Report) (aigen.Report, error) {
	n := j.InputParameters.Samples
	r.Kind, r.Samples = aigen.ReportSamples, make([]aigen.Asset, n)
	g, painting := errgroup.WithContext(ctx)
	g.SetLimit(max(1, e.painter.Parallel()))
	var (
		mu    sync.Mutex // also keeps what is shown from running backwards
		ready int
	)
	e.progress(ctx, j, 0)
	for i := range n {
		g.Go(func() error {
			if err := painting.Err(); err != nil {
				return err // another sample has failed: the rest would be for nothing
			}
			asset, err := guard(func() (aigen.Asset, error) { return e.painter.Sample(painting, j, i) })
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			r.Samples[i] = asset
			if ready++; ready < n {
				e.progress(ctx, j, 100*ready/n)
			}
			return nil
		})
	}
	return r, g.Wait()
}

func (e *Engine) paintFinal(ctx context.Context, j app.Job, r aigen.Report) (aigen.Report, error) {
	r.Kind = aigen.ReportFinal
	if j.SelectedSample == nil {
		return r, &PaintError{Code: aigen.CodeGenerationFailed, Message: "The chosen sample is missing from the job."}
	}
	e.progress(ctx, j, 10)
	asset, err := guard(func() (aigen.Asset, error) { return e.painter.Final(ctx, j) })
	if err != nil {
		return r, err
	}
	r.FinalAssetID, r.FinalAsset = asset.AssetID, &asset
	return r, nil
}

// guard turns a panic of a painter into a failure of its job: one prompt must not
// end the process for all others, or end it again after each restart.
func guard(paint func() (aigen.Asset, error)) (a aigen.Asset, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PaintError{
				Code: aigen.CodeGenerationFailed, Message: couldNotBeMade,
				Err: fmt.Errorf("painter panicked: %v\n%s", p, debug.Stack()),
			}
		}
	}()
	return paint()
}

// progress is for whoever watches. That it cannot be shown is no reason to stop.
func (e *Engine) progress(ctx context.Context, j app.Job, percent int) {
	_, err := e.reporter.ProcessN8NResult(ctx, app.ProcessResult{
		GenerationID: j.GenerationID, Report: aigen.Report{JobID: j.JobID}, Progress: &percent,
	})
	if err != nil && ctx.Err() == nil {
		e.log.Warn("progress not shown", "job_id", j.JobID, "error", err)
	}
}

const couldNotBeMade = "The picture could not be made."

// failed turns an error into a report on it.
func failed(r aigen.Report, err error) aigen.Report {
	r.Kind = aigen.ReportFailure
	r.Failure = aigen.Failure{Code: aigen.CodeGenerationFailed, Message: couldNotBeMade, Retryable: true}
	var p *PaintError
	if errors.As(err, &p) {
		r.Failure = aigen.Failure{Code: p.Code, Message: p.Message, Retryable: p.Retryable}
		if p.Rejected {
			r.Kind = aigen.ReportRejected
		}
	}
	return r
}

package worker

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// paint makes what the job asks for and describes the result, good or bad. The error
// is the cause of a bad one, for the log.
func (e *Engine) paint(ctx context.Context, w *watch) (aigen.Report, error) {
	r := aigen.Report{JobID: w.job.JobID, Stage: aigen.StageSamples, AIModelUsed: e.painter.Model()}
	paint := e.paintSamples
	if w.job.JobType == outbox.DeliverFinalJob {
		r.Stage, paint = aigen.StageFinal, e.paintFinal
	}
	done, err := paint(ctx, w, r)
	if err != nil {
		return failed(r, err), err
	}
	return done, nil
}

// paintSamples makes the samples side by side. After a failure none is begun, and those
// under way are waited for: they may have been paid for, and the next job of the run
// finds them.
func (e *Engine) paintSamples(ctx context.Context, w *watch, r aigen.Report) (aigen.Report, error) {
	n := w.job.InputParameters.Samples
	r.Kind, r.Samples = aigen.ReportSamples, make([]aigen.Asset, n)
	var (
		painting errgroup.Group
		mu       sync.Mutex // also keeps what is shown from running backwards
		ready    int
		worst    error
	)
	painting.SetLimit(max(1, e.painter.Parallel()))
	w.progress(ctx, 0)
	for i := range n {
		painting.Go(func() error {
			mu.Lock()
			stop := worst != nil
			mu.Unlock()
			if stop {
				return nil
			}
			asset, err := e.sample(ctx, w, i)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				worst = worse(worst, err)
				return nil
			}
			r.Samples[i] = asset
			if ready++; ready < n && worst == nil {
				w.progress(ctx, 100*ready/n)
			}
			return nil
		})
	}
	return r, errors.Join(painting.Wait(), worst)
}

func (e *Engine) sample(ctx context.Context, w *watch, i int) (aigen.Asset, error) {
	if err := w.awaited(ctx); err != nil {
		return aigen.Asset{}, err
	}
	return guard(func() (aigen.Asset, error) { return e.painter.Sample(ctx, w.job, i) })
}

// worse is the failure of two that decides: a refusal of the content, then one that no
// repeat can help, then the first.
func worse(a, b error) error {
	weight := func(err error) int {
		var p *PaintError
		switch {
		case err == nil:
			return 0
		case errors.As(err, &p) && p.Rejected:
			return 3
		case errors.As(err, &p) && !p.Retryable:
			return 2
		}
		return 1
	}
	if weight(b) > weight(a) {
		return b
	}
	return a
}

func (e *Engine) paintFinal(ctx context.Context, w *watch, r aigen.Report) (aigen.Report, error) {
	r.Kind = aigen.ReportFinal
	w.progress(ctx, 10)
	if err := w.awaited(ctx); err != nil {
		return r, err
	}
	asset, err := guard(func() (aigen.Asset, error) { return e.painter.Final(ctx, w.job) })
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

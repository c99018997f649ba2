// Package worker is the embedded engine: it takes jobs in the process, makes the
// pictures, keeps them below a folder and reports as n8n does, by the same use-case.
//
// It is safe against crashes because a job stays leased in the outbox until its
// report has been taken: whoever starts next gets it again. Names of assets follow
// from the run, so a job that runs twice writes the same files, and a second job of a
// run finds what the first one made.
package worker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Reporter takes reports on jobs, and knows which are awaited: app.Service.
type Reporter interface {
	ProcessN8NResult(ctx context.Context, cmd app.ProcessResult) (app.Processed, error)
	// AwaitsJob reports whether the result of a job is still wanted.
	AwaitsJob(ctx context.Context, generation, job aigen.ID) (bool, error)
	// RunHasNoResult reports whether the generation has ended without a result of this run.
	RunHasNoResult(ctx context.Context, generation, run aigen.ID) (bool, error)
}

// Painter makes pictures. Its methods may be called from several goroutines. An error
// may be a *PaintError, which says what to report; any other is reported as a failure
// that may be retried.
type Painter interface {
	// Sample makes preview number i (0 for the first) of a job.
	Sample(ctx context.Context, j app.Job, i int) (aigen.Asset, error)
	// Final makes the chosen sample in high resolution.
	Final(ctx context.Context, j app.Job) (aigen.Asset, error)
	// Model names what makes the pictures, for aiModelUsed.
	Model() string
	// Parallel is how many samples of one job may be made at a time, at least 1.
	Parallel() int
}

// PaintError says why a picture was not made.
type PaintError struct {
	Code      aigen.Code
	Message   string // for the user
	Retryable bool
	Rejected  bool  // the content was refused
	Err       error // for the log: never shown, and free of prompts and keys
}

// Error implements error.
func (e *PaintError) Error() string {
	if e.Err != nil {
		return e.Message + ": " + e.Err.Error()
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *PaintError) Unwrap() error { return e.Err }

// Engine is an app.JobPublisher that does the jobs itself.
type Engine struct {
	painter  Painter
	reporter Reporter
	log      *slog.Logger
	slots    chan struct{}

	mu       sync.Mutex
	underWay map[aigen.ID]map[*watch]struct{} // by job
}

// New builds an engine that works on up to concurrency jobs at a time (at least 1).
func New(p Painter, r Reporter, concurrency int, log *slog.Logger) *Engine {
	return &Engine{painter: p, reporter: r, log: log, slots: make(chan struct{}, max(1, concurrency))}
}

// Window implements app.JobPublisher: no more than can be worked on, so that other
// processes get their share.
func (e *Engine) Window() int { return cap(e.slots) }

// Publish implements app.JobPublisher. A job is done when its report was taken.
func (e *Engine) Publish(ctx context.Context, jobs []app.JobMessage, done func(i int, err error)) {
	for i, m := range jobs {
		select {
		case e.slots <- struct{}{}:
			go func() {
				defer func() { <-e.slots }()
				done(i, e.work(ctx, m))
			}()
		case <-ctx.Done():
			done(i, outbox.ErrReturned)
		}
	}
}

func (e *Engine) work(ctx context.Context, m app.JobMessage) error {
	var j app.Job
	if err := json.Unmarshal(m.Body, &j); err != nil {
		return &outbox.PermanentError{Err: fmt.Errorf("read job: %w", err)}
	}
	painting, w, end := e.begin(ctx, j)
	defer end()
	started := time.Now()
	report, painted := e.paint(painting, w)
	outcome, err := "not reported", error(nil)
	switch {
	case ctx.Err() != nil:
		return outbox.ErrReturned // we are stopping: the job is done again after the start
	case errors.Is(context.Cause(painting), errEnded):
		e.log.InfoContext(ctx, "job ended before it was done", "job_id", j.JobID, "generation_id", j.GenerationID,
			"type", j.JobType, "attempt", j.Attempt, "took", time.Since(started))
		e.tidy(ctx, j)
		return nil
	case painted != nil && painting.Err() != nil:
		// The sweeper fails the stage, for the reason that users are told. Only the
		// job's own deadline counts here: a painter may have shorter ones of its own.
	default:
		if outcome, err = e.report(ctx, j, report); err != nil && ctx.Err() != nil {
			return outbox.ErrReturned
		}
		if painted != nil || outcome != string(aigen.OutcomeApplied) {
			e.tidy(ctx, j)
		}
	}
	e.logJob(ctx, j, report, outcome, painted, time.Since(started))
	return err
}

// logJob writes the one line on a job. The cause of a failure is written nowhere else.
func (e *Engine) logJob(ctx context.Context, j app.Job, r aigen.Report, outcome string, painted error, took time.Duration) {
	level, attrs := slog.LevelInfo, []any{
		"job_id", j.JobID, "generation_id", j.GenerationID, "type", j.JobType, "attempt", j.Attempt,
		"report", r.Kind, "outcome", outcome, "took", took,
	}
	if painted != nil {
		level = slog.LevelWarn
		attrs = append(attrs, "failure", r.Failure.Code, "retryable", r.Failure.Retryable, "error", painted)
	}
	e.log.Log(ctx, level, "job", attrs...)
}

// report hands the report over. A refusal by the domain is an answer too: it will
// not change if the job is done again.
func (e *Engine) report(ctx context.Context, j app.Job, r aigen.Report) (string, error) {
	res, err := e.reporter.ProcessN8NResult(ctx, app.ProcessResult{GenerationID: j.GenerationID, Report: r})
	switch code := aigen.CodeOf(err); code {
	case "":
		return string(res.Outcome), nil
	case aigen.CodeNotFound, aigen.CodeUnknownJob, aigen.CodeCallbackContradiction:
		return string(code), nil
	default:
		return string(code), err
	}
}

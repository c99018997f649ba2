package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// errEnded is why a job stops that nobody waits for any more: its generation has ended,
// or another job has taken its place.
var errEnded = errors.New("nobody waits for this job any more")

// lookEvery is how often a job under way asks whether it is still awaited. What this
// process ends itself it hears of at once (Cancel); this is for other replicas.
const lookEvery = time.Second

// lookAgain is how old an answer may be that still counts before a picture: what makes
// no picture at all (the stub) is not slowed down by looks.
const lookAgain = 50 * time.Millisecond

// watch is the job under way, and who may stop it.
type watch struct {
	e    *Engine
	job  app.Job
	stop context.CancelCauseFunc

	mu     sync.Mutex
	looked time.Time // when the job was last known to be awaited
}

// begin notes the job as under way. The context ends with its deadline, and with cause
// errEnded when nobody waits for it any more.
func (e *Engine) begin(ctx context.Context, j app.Job) (context.Context, *watch, func()) {
	ctx, cancel := context.WithDeadline(ctx, j.Deadline)
	ctx, stop := context.WithCancelCause(ctx)
	w := &watch{e: e, job: j, stop: stop}
	e.mu.Lock()
	if e.underWay == nil {
		e.underWay = map[aigen.ID]map[*watch]struct{}{}
	}
	if e.underWay[j.JobID] == nil {
		e.underWay[j.JobID] = map[*watch]struct{}{} // of two, if a lease ended too soon
	}
	e.underWay[j.JobID][w] = struct{}{}
	e.mu.Unlock()
	looking := make(chan struct{})
	go func() {
		defer close(looking)
		w.run(ctx)
	}()
	return ctx, w, func() {
		stop(nil)
		cancel()
		<-looking
		e.mu.Lock()
		defer e.mu.Unlock()
		if delete(e.underWay[j.JobID], w); len(e.underWay[j.JobID]) == 0 {
			delete(e.underWay, j.JobID)
		}
	}
}

// Cancel stops those of the jobs that are under way here: what they are about is over.
// Nothing more is begun or paid for, and no report is sent. It does not wait for them.
func (e *Engine) Cancel(jobs []aigen.ID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, id := range jobs {
		for w := range e.underWay[id] {
			w.stop(errEnded)
		}
	}
}

// run looks now and then, until the job ends.
func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			w.look(ctx)
		}
	}
}

// awaited is asked before each picture. Its error ends the job.
func (w *watch) awaited(ctx context.Context) error {
	w.mu.Lock()
	fresh := time.Since(w.looked) < lookAgain
	w.mu.Unlock()
	if !fresh {
		w.look(ctx)
	}
	return ended(ctx)
}

// look asks for the state of the job. A database that does not answer is no reason to
// throw away what was made: the report will tell.
func (w *watch) look(ctx context.Context) {
	awaited, err := w.e.reporter.AwaitsJob(ctx, w.job.GenerationID, w.job.JobID)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			w.e.log.Debug("whether the job is awaited is not known", "job_id", w.job.JobID, "error", err)
		}
	case !awaited:
		w.stop(errEnded)
	default:
		w.known()
	}
}

// known notes that the job was awaited just now.
func (w *watch) known() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.looked = time.Now()
}

// ended is the reason of a context that has ended, nil before.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// progress is for whoever watches. That it cannot be shown is no reason to stop; that
// nobody is there to see it is one.
func (w *watch) progress(ctx context.Context, percent int) {
	res, err := w.e.reporter.ProcessN8NResult(ctx, app.ProcessResult{
		GenerationID: w.job.GenerationID, Report: aigen.Report{JobID: w.job.JobID}, Progress: &percent,
	})
	switch code := aigen.CodeOf(err); {
	case code == aigen.CodeNotFound || code == aigen.CodeUnknownJob:
		w.stop(errEnded)
	case err != nil:
		if ctx.Err() == nil {
			w.e.log.Warn("progress not shown", "job_id", w.job.JobID, "error", err)
		}
	case res.Outcome == aigen.OutcomeIgnored || res.Outcome == aigen.OutcomeStale:
		w.stop(errEnded)
	default:
		w.known()
	}
}

// forgetter is a Painter that keeps files of a job.
type forgetter interface {
	// Forget removes the files of a job that will never be reported.
	Forget(j app.Job)
}

// tidy removes what was made for a run that came to nothing: nobody was told of it. It
// asks first, since another job of the same run has the same files.
func (e *Engine) tidy(ctx context.Context, j app.Job) {
	p, ok := e.painter.(forgetter)
	if !ok {
		return
	}
	vain, err := e.reporter.RunHasNoResult(ctx, j.GenerationID, j.RunID)
	if err != nil {
		e.log.Debug("files of a run are left", "job_id", j.JobID, "run_id", j.RunID, "error", err)
		return
	}
	if vain {
		p.Forget(j)
	}
}

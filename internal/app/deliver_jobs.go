package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// jobHandler hands jobs to the engine.
type jobHandler struct {
	service   *Service
	relay     *outbox.Relay
	publisher JobPublisher
	callbacks JobCallbacks
}

// JobHandler is the handler of the queue of jobs. The relay is the one that it is given to.
func (s *Service) JobHandler(r *outbox.Relay, p JobPublisher, c JobCallbacks) outbox.Handler {
	return &jobHandler{service: s, relay: r, publisher: p, callbacks: c}
}

// MaxInFlight implements outbox.Handler.
func (j *jobHandler) MaxInFlight() int { return j.publisher.Window() }

// Cancel implements outbox.Canceller.
func (j *jobHandler) Cancel(jobs []aigen.ID) {
	if c, ok := j.publisher.(outbox.Canceller); ok {
		c.Cancel(jobs)
	}
}

// OnRecovered implements outbox.Recoverer.
func (j *jobHandler) OnRecovered(back func()) {
	if r, ok := j.publisher.(outbox.Recoverer); ok {
		r.OnRecovered(back)
	}
}

// Linger implements outbox.Lingerer.
func (j *jobHandler) Linger() time.Duration {
	if l, ok := j.publisher.(outbox.Lingerer); ok {
		return l.Linger()
	}
	return 0
}

// Deliver implements outbox.Handler.
func (j *jobHandler) Deliver(ctx context.Context, ds []outbox.Delivery, done func(i int, err error)) {
	msgs := make([]JobMessage, 0, len(ds))
	ends := make([]func(error), 0, len(ds))
	refused := j.check(ctx, ds)
	taken := time.Now()
	for i, d := range ds {
		if refused != nil && refused[i] != nil {
			done(i, refused[i])
			continue
		}
		body, err := withCallback(d.Payload, j.callbacks.of(d), j.callbacks.uploads(d))
		if err != nil {
			done(i, &outbox.PermanentError{Err: err})
			continue
		}
		span, end := j.service.tracer.Begin(ctx, d.Trace, &d)
		msgs = append(msgs, JobMessage{
			JobID: d.ID, GenerationID: d.GenerationID, Type: d.Kind, Body: body, CreatedAt: d.CreatedAt,
			TraceParent: j.service.tracer.Current(span),
			check:       func(ctx context.Context) error { return j.checkAgain(ctx, d.ID, taken) },
		})
		ends = append(ends, func(err error) {
			end(err)
			done(i, err)
		})
	}
	if len(msgs) > 0 {
		j.publisher.Publish(ctx, msgs, func(i int, err error) { ends[i](err) })
	}
}

// check finds those that are not to be handed over; nil: there are none. What was
// written leased a moment ago can have ended in this process alone, or else is found by
// checkAgain; what was claimed may have ended anywhere, or before this version removed
// the rows of jobs that end.
func (j *jobHandler) check(ctx context.Context, ds []outbox.Delivery) []error {
	var refused []error
	refuse := func(i int, err error) {
		if refused == nil {
			refused = make([]error, len(ds))
		}
		refused[i] = err
	}
	var claimed []aigen.ID
	for i := range ds {
		switch {
		case j.relay.Withdrawn(ds[i].ID):
			refuse(i, outbox.ErrNotWanted)
		case ds[i].Owner == "":
			claimed = append(claimed, ds[i].ID)
		}
	}
	if len(claimed) == 0 {
		return refused
	}
	held, err := j.relay.HeldJobs(ctx, claimed)
	for i := range ds {
		switch {
		case ds[i].Owner != "":
		case err != nil:
			refuse(i, fmt.Errorf("%w: %w", outbox.ErrReturned, err))
		case len(held) < len(claimed) && !slices.Contains(held, ds[i].ID):
			refuse(i, outbox.ErrNotWanted)
		}
	}
	return refused
}

// checkAgainAfter is how long a job may wait within a publisher before the store is asked
// whether it is still awaited.
const checkAgainAfter = time.Second

// checkAgain is asked right before a job goes that may have waited within the publisher.
func (j *jobHandler) checkAgain(ctx context.Context, job aigen.ID, taken time.Time) error {
	if j.relay.Withdrawn(job) {
		return outbox.ErrNotWanted
	}
	if j.relay.HeldBack(outbox.QueueJobs, job) {
		return outbox.ErrReturned
	}
	if time.Since(taken) < checkAgainAfter {
		return nil
	}
	held, err := j.relay.HeldJobs(ctx, []aigen.ID{job})
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", outbox.ErrReturned, err)
	case len(held) == 0:
		return outbox.ErrNotWanted
	}
	return nil
}

// Unavailable implements outbox.Handler.
func (j *jobHandler) Unavailable(err error) bool { return errors.Is(err, outbox.ErrUnavailable) }

// GiveUp implements outbox.Handler. The deadline of the stage, which is the authority,
// bounds the wait for an engine that is away, or that asks for time.
func (j *jobHandler) GiveUp(_ outbox.Delivery, err error, exhausted bool) bool {
	return exhausted && !outbox.Uncounted(err)
}

// minRepeatDelay is when a job that was sent without an answer is sent again at the
// soonest. Each time may be a whole run at the engine.
const minRepeatDelay = 2 * time.Minute

// RetryAt implements outbox.Handler: a job that the engine may have is sent again after half of
// the time that its stage has left.
func (j *jobHandler) RetryAt(d outbox.Delivery, err error) time.Time {
	if !errors.Is(err, outbox.ErrOutcomeUnknown) {
		return time.Time{}
	}
	var job struct {
		Deadline time.Time `json:"deadline"`
	}
	_ = json.Unmarshal(d.Payload, &job) // without it, the soonest
	now := j.service.policy.Now()
	return now.Add(max(job.Deadline.Sub(now)/2, minRepeatDelay))
}

// OnDeadLetter implements outbox.Handler. It fails the generation whose job nobody takes: the user learns it now and not
// at the deadline, and the credits are free.
func (j *jobHandler) OnDeadLetter(ctx context.Context, d outbox.Delivery) error {
	held, err := j.relay.HeldJobs(ctx, []aigen.ID{d.ID})
	switch {
	case err != nil:
		return err
	case len(held) == 0:
		return outbox.ErrNotWanted // it ended meanwhile, or the engine has shown that it has it
	}
	_, err = j.service.Change(ctx, d.GenerationID, func(g *aigen.Generation, c *Change) (bool, error) {
		c.Keep = d.ID // it is about to be marked dead
		return g.DispatchFailed(j.service.policy, d.ID)
	})
	if errors.Is(err, aigen.ErrNotFound) {
		return nil // it ended long ago and was removed
	}
	return err
}

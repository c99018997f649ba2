package app

import (
	"context"
	"errors"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// jobDeliverer hands jobs to the engine.
type jobDeliverer struct {
	service   *Service
	publisher JobPublisher
	callbacks JobCallbacks
}

func (j *jobDeliverer) window() int { return j.publisher.Window() }

func (j *jobDeliverer) deliver(ctx context.Context, ds []Delivery, done func(i int, err error)) {
	msgs := make([]JobMessage, 0, len(ds))
	ends := make([]func(error), 0, len(ds))
	for i, d := range ds {
		body, err := withCallback(d.Payload, j.callbacks.of(d))
		if err != nil {
			done(i, &PermanentError{err})
			continue
		}
		span, end := j.service.tracer.Begin(ctx, d.Trace, &d)
		msgs = append(msgs, JobMessage{
			JobID: d.ID, GenerationID: d.GenerationID, Type: d.Kind, Body: body, CreatedAt: d.CreatedAt,
			TraceParent: j.service.tracer.Current(span),
		})
		ends = append(ends, func(err error) {
			end(err)
			done(i, err)
		})
	}
	j.publisher.Publish(ctx, msgs, func(i int, err error) { ends[i](err) })
}

func (j *jobDeliverer) forever(_ Delivery, err error) bool { return errors.Is(err, ErrAway) }

// dead fails the generation whose job nobody takes: the user learns it now and not
// at the deadline, and the credits are free.
func (j *jobDeliverer) dead(ctx context.Context, d Delivery) error {
	_, err := j.service.change(ctx, d.GenerationID, func(g *aigen.Generation, _ *Change) (bool, error) {
		return g.DispatchFailed(j.service.policy, d.ID)
	})
	if errors.Is(err, aigen.ErrNotFound) {
		return nil // it ended long ago and was removed
	}
	return err
}

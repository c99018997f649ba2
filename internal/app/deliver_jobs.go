package app

import (
	"context"

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
	index := make([]int, 0, len(ds))
	for i, d := range ds {
		body, err := withCallback(d.Payload, j.callbacks.of(d))
		if err != nil {
			done(i, &PermanentError{err})
			continue
		}
		msgs = append(msgs, JobMessage{
			JobID: d.ID, GenerationID: d.GenerationID, Type: d.Kind, Body: body, CreatedAt: d.CreatedAt,
		})
		index = append(index, i)
	}
	j.publisher.Publish(ctx, msgs, func(i int, err error) { done(index[i], err) })
}

func (j *jobDeliverer) forever(Delivery, error) bool { return false }

// dead fails the generation whose job nobody takes: the user learns it now and not
// at the deadline, and the credits are free.
func (j *jobDeliverer) dead(ctx context.Context, d Delivery) error {
	_, err := j.service.change(ctx, d.GenerationID, func(g *aigen.Generation, _ *Change) (bool, error) {
		return g.DispatchFailed(j.service.policy, d.ID)
	})
	return err
}

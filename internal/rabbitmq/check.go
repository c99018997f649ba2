package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Report is what Check saw of the job queue.
type Report struct {
	Messages  int // ready to be taken
	Consumers int // 0: no workflow listens
	Dead      int // in the queue of dead letters
	Took      time.Duration
}

// Check does for real what the service does, on a connection of its own: it declares
// what the service needs, publishes a probe to a queue that only it knows, takes it
// out again, and looks at the job queues.
func Check(ctx context.Context, c Config) (Report, error) {
	c.setDefaults()
	began := time.Now()
	conn, err := dial(ctx, c)
	if err != nil {
		return Report{}, err
	}
	defer context.AfterFunc(ctx, conn.hangUp)()
	defer conn.hangUp()
	ch, err := prepare(conn, c)
	if err != nil {
		return Report{}, err
	}
	if err := probe(ctx, ch); err != nil {
		return Report{}, fmt.Errorf("probe: %w", err)
	}
	var r Report
	q, err := ch.QueueDeclarePassive(c.Queue, true, false, false, false, nil)
	if err != nil {
		return r, fmt.Errorf("look at queue %q: %w", c.Queue, translate(err))
	}
	dead, err := ch.QueueDeclarePassive(c.Queue+".dead", true, false, false, false, nil)
	if err != nil {
		return r, fmt.Errorf("look at queue %q: %w", c.Queue+".dead", translate(err))
	}
	return Report{Messages: q.Messages, Consumers: q.Consumers, Dead: dead.Messages, Took: time.Since(began)}, nil
}

// probe sends a message to itself.
func probe(ctx context.Context, ch *amqp.Channel) error {
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return translate(err)
	}
	got, err := ch.ConsumeWithContext(ctx, q.Name, "", true, true, false, false, nil)
	if err != nil {
		return translate(err)
	}
	confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", q.Name, true, false, amqp.Publishing{Body: []byte("probe")})
	if err != nil {
		return translate(err)
	}
	if ok, err := confirm.WaitContext(ctx); err != nil || !ok {
		return errors.Join(ErrNacked, err)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case m, more := <-got:
		if !more || string(m.Body) != "probe" {
			return errors.New("it did not come back")
		}
		return nil
	}
}

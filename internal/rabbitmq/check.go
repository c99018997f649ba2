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
	Unprobed  bool // the user may not declare a queue for a probe
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
	var r Report
	if err := probe(ctx, conn, ch); lacksRight(err) {
		r.Unprobed = true
		if ch, err = conn.Channel(); err != nil { // the refusal has closed the other
			return Report{}, fmt.Errorf("open a channel: %w", translate(err))
		}
	} else if err != nil {
		return Report{}, fmt.Errorf("probe: %w", translate(err))
	}
	q, err := ch.QueueDeclarePassive(c.Queue, true, false, false, false, nil)
	if err != nil {
		return r, fmt.Errorf("look at queue %q: %w", c.Queue, translate(err))
	}
	dead, err := ch.QueueDeclarePassive(c.Queue+".dead", true, false, false, false, nil)
	if err != nil {
		return r, fmt.Errorf("look at queue %q: %w", c.Queue+".dead", translate(err))
	}
	r.Messages, r.Consumers, r.Dead, r.Took = q.Messages, q.Consumers, dead.Messages, time.Since(began)
	return r, nil
}

// probe sends a message to itself.
func probe(ctx context.Context, conn *connection, ch *amqp.Channel) error {
	blocked := conn.NotifyBlocked(make(chan amqp.Blocking, 8)) // room: nobody reads it to the end
	q, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return err
	}
	got, err := ch.ConsumeWithContext(ctx, q.Name, "", true, true, false, false, nil)
	if err != nil {
		return err
	}
	confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", q.Name, true, false, amqp.Publishing{Body: []byte("probe")})
	if err != nil {
		return err
	}
	select {
	case <-confirm.Done():
		if !confirm.Acked() {
			return ErrNacked
		}
	case b := <-blocked:
		return blockedError(b.Reason)
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnconfirmed, context.Cause(ctx))
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

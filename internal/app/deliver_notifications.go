package app

import (
	"context"
	"encoding/json"
	"fmt"

	"golang.org/x/sync/errgroup"
)

// notificationsAtOnce is how many notifications are under way at a time.
const notificationsAtOnce = 16

// notificationDeliverer tells users. What it cannot deliver is set aside after the
// attempts that are set: a message that comes days late helps nobody.
type notificationDeliverer struct {
	service NotificationService
	tracer  Tracer
}

func (n *notificationDeliverer) window() int { return 4 * notificationsAtOnce }

func (n *notificationDeliverer) deliver(ctx context.Context, ds []Delivery, done func(i int, err error)) {
	var g errgroup.Group
	g.SetLimit(notificationsAtOnce)
	for i, d := range ds {
		g.Go(func() error {
			ctx, end := n.tracer.Begin(ctx, d.Trace, &d)
			err := n.one(ctx, d)
			end(err)
			done(i, err)
			return nil
		})
	}
	_ = g.Wait() // every end has been told to done
}

func (n *notificationDeliverer) one(ctx context.Context, d Delivery) error {
	var note Notification
	if err := json.Unmarshal(d.Payload, &note); err != nil {
		return &PermanentError{fmt.Errorf("read notification: %w", err)}
	}
	note.ID = d.ID
	return n.service.Notify(ctx, note)
}

func (n *notificationDeliverer) forever(Delivery, error) bool { return false }

func (n *notificationDeliverer) dead(context.Context, Delivery) error { return nil }

package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
)

// notificationsAtOnce is how many notifications are under way at a time.
const notificationsAtOnce = 16

// notificationLife is how long a notification is tried, however often: an outage of
// the other side of some hours loses none, and one that comes days late helps nobody.
const notificationLife = 24 * time.Hour

// notificationDeliverer tells users.
type notificationDeliverer struct {
	service NotificationService
	tracer  Tracer
	now     func() time.Time
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

func (n *notificationDeliverer) forever(d Delivery, _ error) bool {
	return n.now().Sub(d.CreatedAt) < notificationLife
}

func (n *notificationDeliverer) dead(context.Context, Delivery) error { return nil }

package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// notificationsAtOnce is how many notifications are under way at a time.
	notificationsAtOnce = 64
	// notificationsOpen is how many are taken for that: enough for what one shared
	// transaction orders, so that few have to be claimed.
	notificationsOpen = 256
	// notificationsWait is how long a notification waits for a service that is away.
	notificationsWait = 24 * time.Hour
)

// notificationDeliverer tells users. What it cannot deliver is set aside after the
// attempts that are set: a message that comes days late helps nobody.
type notificationDeliverer struct {
	service NotificationService
	tracer  Tracer
	now     func() time.Time
	places  chan struct{} // one for each that is under way
}

func newNotificationDeliverer(s NotificationService, t Tracer, now func() time.Time) *notificationDeliverer {
	return &notificationDeliverer{service: s, tracer: t, now: now, places: make(chan struct{}, notificationsAtOnce)}
}

func (n *notificationDeliverer) window() int { return notificationsOpen }

func (n *notificationDeliverer) deliver(ctx context.Context, ds []Delivery, done func(i int, err error)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, d := range ds {
		select {
		case n.places <- struct{}{}:
		case <-ctx.Done():
			done(i, ErrReturned)
			continue
		}
		wg.Go(func() {
			defer func() { <-n.places }()
			ctx, end := n.tracer.Begin(ctx, d.Trace, &d)
			err := n.one(ctx, d)
			end(err)
			done(i, err)
		})
	}
}

func (n *notificationDeliverer) one(ctx context.Context, d Delivery) error {
	var note Notification
	if err := json.Unmarshal(d.Payload, &note); err != nil {
		return &PermanentError{fmt.Errorf("read notification: %w", err)}
	}
	note.ID = d.ID
	return n.service.Notify(ctx, note)
}

func (n *notificationDeliverer) away(err error) bool { return errors.Is(err, ErrAway) }

// hopeless implements deliverer. While the service is away a notification waits, for a
// day: after that it helps nobody.
func (n *notificationDeliverer) hopeless(d Delivery, err error, attempts bool) bool {
	if uncounted(err) {
		return n.now().Sub(d.CreatedAt) > notificationsWait
	}
	return attempts
}

func (n *notificationDeliverer) next(Delivery, error) time.Time { return time.Time{} }

func (n *notificationDeliverer) dead(context.Context, Delivery) error { return nil }

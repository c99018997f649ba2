package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/outbox"
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

// notificationHandler tells users. What it cannot deliver is set aside after the
// attempts that are set: a message that comes days late helps nobody.
type notificationHandler struct {
	service NotificationService
	tracer  Tracer
	now     func() time.Time
	places  chan struct{} // one for each that is under way
}

// NotificationHandler is the handler of the queue of notifications.
func (s *Service) NotificationHandler(n NotificationService) outbox.Handler {
	return &notificationHandler{
		service: n, tracer: s.tracer, now: s.policy.Now, places: make(chan struct{}, notificationsAtOnce),
	}
}

// MaxInFlight implements outbox.Handler.
func (n *notificationHandler) MaxInFlight() int { return notificationsOpen }

// Deliver implements outbox.Handler.
func (n *notificationHandler) Deliver(ctx context.Context, ds []outbox.Delivery, done func(i int, err error)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, d := range ds {
		select {
		case n.places <- struct{}{}:
		case <-ctx.Done():
			done(i, outbox.ErrReturned)
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

func (n *notificationHandler) one(ctx context.Context, d outbox.Delivery) error {
	var note Notification
	if err := json.Unmarshal(d.Payload, &note); err != nil {
		return &outbox.PermanentError{Err: fmt.Errorf("read notification: %w", err)}
	}
	note.ID = d.ID
	return n.service.Notify(ctx, note)
}

// Unavailable implements outbox.Handler.
func (n *notificationHandler) Unavailable(err error) bool {
	return errors.Is(err, outbox.ErrUnavailable)
}

// GiveUp implements outbox.Handler. While the service is away a notification waits, for a
// day: after that it helps nobody.
func (n *notificationHandler) GiveUp(d outbox.Delivery, err error, exhausted bool) bool {
	if outbox.Uncounted(err) {
		return n.now().Sub(d.CreatedAt) > notificationsWait
	}
	return exhausted
}

// RetryAt implements outbox.Handler.
func (n *notificationHandler) RetryAt(outbox.Delivery, error) time.Time { return time.Time{} }

// OnDeadLetter implements outbox.Handler.
func (n *notificationHandler) OnDeadLetter(context.Context, outbox.Delivery) error { return nil }

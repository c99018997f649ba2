package web

import (
	"context"
	"errors"
	"time"

	"github.com/creativeflow/aigen"
)

// Why a stream of events is ended from this side.
var (
	ErrStopping     = errors.New("the service is stopping")
	ErrTokenExpired = errors.New("the token has expired")
)

// Lifetime returns a context for a stream of events. It ends with the request, with
// the token of who (ErrTokenExpired is its cause), and with the service (ErrStopping).
func Lifetime(request, service context.Context, who Identity, now time.Time) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(request)
	stops := []func() bool{context.AfterFunc(service, func() { cancel(ErrStopping) })}
	if !who.ExpiresAt.IsZero() {
		left := who.ExpiresAt.Sub(now)
		if left <= 0 {
			cancel(ErrTokenExpired) // it was still valid when it was checked
		}
		timer := time.AfterFunc(left, func() { cancel(ErrTokenExpired) })
		stops = append(stops, timer.Stop)
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

// Source is where the events of a stream come from: a live.Stream.
type Source interface {
	// Next waits for the next event, for as long as ctx lasts.
	Next(ctx context.Context) (aigen.Event, error)
}

// Pump passes events on until an error, which it returns. beat is called after each
// interval without an event, so that the client can tell an idle stream from a dead one.
func Pump(ctx context.Context, source Source, interval time.Duration, event func(aigen.Event) error, beat func() error) error {
	for {
		wait, cancel := context.WithTimeout(ctx, interval)
		e, err := source.Next(wait)
		idle := wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			err = event(e)
		case idle && errors.Is(err, context.DeadlineExceeded):
			err = beat()
		}
		if err != nil {
			return err
		}
	}
}

package rabbitmq

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/creativeflow/aigen/internal/outbox"
)

// What the broker did to us, for errors.Is.
var (
	// ErrRefused: the broker does not let us in, or not do what we need. Correct
	// RABBITMQ_URL or the user's rights.
	ErrRefused = errors.New("the broker refuses us")
	// ErrMismatch: an exchange or queue of that name is there with other arguments.
	ErrMismatch = errors.New("the broker has something else under that name")
	// ErrUnroutable: the message came back because no queue takes it.
	ErrUnroutable = errors.New("the broker has no queue for the job")
	// ErrUnconfirmed: the broker took the message and did not say what became of it.
	ErrUnconfirmed = errors.New("the broker did not confirm the job")
	// ErrBlocked: the broker takes no messages because of its memory or disk alarm.
	ErrBlocked = errors.New("the broker takes no messages")
	// ErrNacked: the broker did not take the message.
	ErrNacked = errors.New("the broker did not take the job (nack): the queue is full or has lost its majority")
)

// blockedError says which alarm blocks us, and in the broker's words why.
func blockedError(reason string) error {
	alarm := "an alarm"
	switch memory, disk := strings.Contains(reason, "memory"), strings.Contains(reason, "disk"); {
	case memory && disk:
		alarm = "its memory alarm and its disk alarm"
	case memory:
		alarm = "its memory alarm"
	case disk:
		alarm = "its disk alarm"
	}
	return fmt.Errorf("%w: it is blocked by %s (%s)", ErrBlocked, alarm, reason)
}

// away marks what says nothing about a job: the connection, or the broker, has a fault.
func away(err error) error { return fmt.Errorf("%w: %w", outbox.ErrUnavailable, err) }

// lacksRight reports whether the broker refused a step because of the user's rights.
func lacksRight(err error) bool {
	var e *amqp.Error
	return errors.As(err, &e) && e.Code == amqp.AccessRefused
}

// translate names what a fault of the library means. Its texts hold no password; the
// error of a URL that cannot be read would hold all of it.
func translate(err error) error {
	var e *amqp.Error
	var u *url.Error
	switch {
	case errors.Is(err, amqp.ErrCredentials), errors.Is(err, amqp.ErrSASL):
		return fmt.Errorf("%w: wrong user or password in RABBITMQ_URL", ErrRefused)
	case errors.Is(err, amqp.ErrVhost):
		return fmt.Errorf("%w: no access to the vhost of RABBITMQ_URL, or there is none of that name", ErrRefused)
	case errors.As(err, &u):
		return errors.New("RABBITMQ_URL cannot be read")
	case errors.As(err, &e) && e.Code == amqp.AccessRefused:
		return fmt.Errorf("%w: the user of RABBITMQ_URL lacks a right: %s", ErrRefused, e.Reason)
	case errors.As(err, &e) && e.Code == amqp.NotAllowed:
		return fmt.Errorf("%w: %s", ErrRefused, e.Reason)
	case errors.Is(err, amqp.ErrClosed):
		return errors.New("the connection is closed")
	}
	return err
}

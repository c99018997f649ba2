package notification

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpcall"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Config is what a Client is made of. BaseURL is required.
type Config struct {
	BaseURL string        // NOTIFICATION_SERVICE_URL
	Key     string        // NOTIFICATION_API_KEY, sent as a bearer token; empty: none
	Timeout time.Duration // of one call; default 10 s
	Conns   int           // calls at a time; default 64, as many as the relay makes at a time
	// Annotate adds to the headers of a call what belongs to the context, a trace.
	Annotate func(ctx context.Context, h http.Header)
	// Wrap puts something around the transport, such as one that traces.
	Wrap func(http.RoundTripper) http.RoundTripper
}

// Client hands notifications to a notification service (contract section 5), at
// least once: each bears an Idempotency-Key, the same at every try, so that the user
// is told once. Its methods may be called from many goroutines.
//
// It has no breaker. The relay's backoff keeps a service that is gone from being
// trampled on, and an attempt that fails without having been made would only use up
// the attempts that a notification has.
type Client struct {
	http *httpcall.Caller

	mu     sync.Mutex
	since  time.Time // of the first failure in a row; zero: the last call succeeded
	reason string
}

var _ app.NotificationService = (*Client)(nil)

const notifyPath = "/api/v1/notify"

// maxAnswer is in bytes: nothing is read from an answer but what to tell an operator.
const maxAnswer = 64 << 10

// NewClient builds a Client. It calls nobody: see Check.
func NewClient(c Config) (*Client, error) {
	if c.Conns <= 0 {
		c.Conns = 64 // with less, a call would spend its time waiting for another's connection
	}
	caller, err := httpcall.New(httpcall.Config{
		BaseURL: c.BaseURL, Key: c.Key, Timeout: c.Timeout, Conns: c.Conns, MaxAnswer: maxAnswer,
		Annotate: c.Annotate, Wrap: c.Wrap,
	})
	if err != nil {
		return nil, fmt.Errorf("NOTIFICATION_SERVICE_URL: %w", err)
	}
	return &Client{http: caller}, nil
}

// Close ends the connections that are kept. Calls under way are not touched.
func (c *Client) Close() { c.http.Close() }

// Notify implements app.NotificationService. It tries once; the relay repeats. A
// *app.PermanentError is a notification that the service will never take.
func (c *Client) Notify(ctx context.Context, n app.Notification) error {
	body, err := json.Marshal(n)
	if err != nil {
		return &outbox.PermanentError{Err: fmt.Errorf("write notification: %w", err)}
	}
	a, err := c.http.Do(ctx, httpcall.Request{
		Method: http.MethodPost, Path: notifyPath, Body: body, Header: http.Header{"Idempotency-Key": {n.ID.String()}},
	})
	if err == nil {
		err = judge(a)
	} else {
		err = judgeFault(fmt.Errorf("notification service: %w", err))
	}
	c.remember(ctx, err)
	return err
}

// judgeFault says what a call without a whole answer means: the service is out of reach,
// or hangs. What was taken is taken, however the answer ends.
func judgeFault(err error) error {
	var f *httpcall.CallError
	switch {
	case !errors.As(err, &f) || f.Kind == httpcall.GivenUp:
		return err
	case f.Status >= 200 && f.Status < 300 || f.Status == http.StatusConflict:
		return nil
	}
	return fmt.Errorf("%w: %w", outbox.ErrUnavailable, err)
}

// judge says what an answer means. Permanent is only what is about this very
// notification. A wrong address (404, 405), a wrong key (401, 403) or a redirect is
// an operator's fault and will be mended: the notifications wait for that.
func judge(a httpcall.Answer) error {
	switch {
	case a.Status >= 200 && a.Status < 300:
		return nil
	case a.Status == http.StatusConflict:
		return nil // it has seen this key before
	}
	err := errors.New("notification service: " + describe(a))
	switch a.Status {
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &outbox.PermanentError{Err: err}
	case http.StatusBadRequest:
		if !a.HTML() { // else it comes from a proxy: http spoken to a port of https
			return &outbox.PermanentError{Err: err}
		}
	}
	if a.Away() {
		err = fmt.Errorf("%w: %w", outbox.ErrUnavailable, err)
	}
	return a.Asks(err, time.Now())
}

// describe is an answer in words, with the setting that mends it where there is one.
func describe(a httpcall.Answer) string {
	s := fmt.Sprintf("HTTP %d", a.Status)
	switch {
	case a.Redirects():
		return s + ", a redirect, which is not followed: set NOTIFICATION_SERVICE_URL to where it leads"
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return s + ": the key is refused, check NOTIFICATION_API_KEY"
	case a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed || a.Status == http.StatusGone:
		return s + ": no notifications are taken at this address, check NOTIFICATION_SERVICE_URL; " + notifyPath + " is added to it"
	}
	if o, ok := a.JSON(); ok {
		// The service's own words, wherever it puts them.
		for _, name := range []string{"code", "error", "detail", "message"} {
			if said := httpcall.Short(o.Text(name), 200); said != "" {
				return s + ", " + name + ": " + said
			}
		}
	}
	return s
}

package notification

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/creativeflow/aigen/internal/httpcall"
	"github.com/creativeflow/aigen/internal/outbox"
)

// remember keeps whether the service works. What is said of one notification, or by
// a caller who left, says nothing of it.
func (c *Client) remember(ctx context.Context, err error) {
	var permanent *outbox.PermanentError
	failed := err != nil && !errors.As(err, &permanent)
	if failed && ctx.Err() != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !failed:
		c.since, c.reason = time.Time{}, ""
	case c.since.IsZero():
		c.since = time.Now()
		fallthrough
	default:
		c.reason = err.Error()
	}
}

// State is how the notification service seems to be, from the calls that were made.
type State struct {
	Failing time.Time // since when; zero: the last call succeeded, or there was none
	Reason  string    // of the last failure, for operators; not for /readyz
}

// State tells without a call. It is for /readyz: a service that fails makes this one
// degraded at most, as its notifications wait.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return State{Failing: c.since, Reason: c.reason}
}

// Check asks the service what it takes at its address (OPTIONS), which tells nobody
// anything. The error says what is wrong and which setting to change.
func (c *Client) Check(ctx context.Context) error {
	a, err := c.http.Do(ctx, httpcall.Request{Method: http.MethodOptions, Path: notifyPath})
	var f *httpcall.CallError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("the certificate of NOTIFICATION_SERVICE_URL is not trusted: %w", certificate)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("NOTIFICATION_SERVICE_URL says https, but no TLS is spoken there: %w", err)
	case errors.As(err, &f) && f.Kind == httpcall.TooLarge:
		return nil // somebody is there; what they say is of no interest
	case errors.As(err, &f) && f.Kind == httpcall.TimedOut:
		return fmt.Errorf("the notification service does not answer: %w; check NOTIFICATION_SERVICE_URL", err)
	case err != nil:
		return fmt.Errorf("nothing answers at NOTIFICATION_SERVICE_URL: %w; check the host and the port", err)
	case a.Redirects(), a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden,
		a.Status == http.StatusNotFound, a.Status == http.StatusGone:
		return errors.New(describe(a))
	case a.Status >= http.StatusInternalServerError && a.Status != http.StatusNotImplemented:
		return fmt.Errorf("the notification service is out of order: %s", describe(a))
	}
	return nil // 405 and 501 too: there is no OPTIONS, but the address is known
}

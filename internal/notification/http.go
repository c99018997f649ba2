package notification

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/creativeflow/aigen-orchestrator/internal/httpcall"
)

// Config of a Service. BaseURL is required; zero values get the defaults.
type Config struct {
	BaseURL string        // NOTIFICATION_SERVICE_URL
	Key     string        // NOTIFICATION_API_KEY, sent as a bearer token; empty: none
	Timeout time.Duration // of one call; default 10 s
	Wrap    func(http.RoundTripper) http.RoundTripper
}

// Service is the notification service (contract section 5). It implements
// app.NotificationService.
type Service struct{ call *httpcall.Caller }

// New builds a Service. It calls nobody: see Check.
func New(c Config) (*Service, error) {
	if c.Timeout <= 0 {
		c.Timeout = 10 * time.Second
	}
	call, err := httpcall.New(httpcall.Config{BaseURL: c.BaseURL, Key: c.Key, Timeout: c.Timeout, Conns: 16, MaxAnswer: 64 << 10, Wrap: c.Wrap})
	if err != nil {
		return nil, fmt.Errorf("NOTIFICATION_SERVICE_URL: %w", err)
	}
	return &Service{call: call}, nil
}

// Close ends the connections that are kept.
func (s *Service) Close() { s.call.Close() }

const notifyPath = "/api/v1/notify"

// Notify implements app.NotificationService. A repeat has the same Idempotency-Key:
// the notification's id.
func (s *Service) Notify(ctx context.Context, n app.Notification) error {
	body, err := json.Marshal(n)
	if err != nil {
		return &app.PermanentError{Err: fmt.Errorf("write notification: %w", err)}
	}
	a, err := s.call.Do(ctx, httpcall.Request{
		Method: http.MethodPost, Path: notifyPath, Body: body, Header: http.Header{"Idempotency-Key": {n.ID.String()}},
	})
	if err != nil {
		return fmt.Errorf("notify at NOTIFICATION_SERVICE_URL: %w", err)
	}
	return judge(a, time.Now())
}

// judge says whether the user will be told. Only what is said about this very
// notification is final; a wrong address or key is mended by an operator, and the
// notification waits for that, up to OUTBOX_MAX_ATTEMPTS.
func judge(a httpcall.Answer, now time.Time) error {
	if a.Status >= 200 && a.Status < 300 || a.Status == http.StatusConflict {
		return nil // with 409 it was there before
	}
	err := fmt.Errorf("the notification service answered %d: %s", a.Status, httpcall.Short(string(a.Body), 200))
	switch a.Status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w (is NOTIFICATION_API_KEY right?)", err)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("%w (does NOTIFICATION_SERVICE_URL lead to %s?)", err, notifyPath)
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return &app.PermanentError{Err: err}
	}
	if a.Redirects() {
		return fmt.Errorf("%w (a redirect, which is not followed: is NOTIFICATION_SERVICE_URL right?)", err)
	}
	if wait := a.RetryAfter(now); wait > 0 {
		return fmt.Errorf("%w (asks to wait %s)", err, wait)
	}
	return err
}

// Check finds out whether the service answers, without telling anybody anything.
func (s *Service) Check(ctx context.Context) error {
	a, err := s.call.Do(ctx, httpcall.Request{Method: http.MethodOptions, Path: notifyPath})
	switch {
	case err != nil:
		return fmt.Errorf("ask at NOTIFICATION_SERVICE_URL: %w", err)
	case a.Status >= http.StatusInternalServerError:
		return fmt.Errorf("NOTIFICATION_SERVICE_URL answers with %d", a.Status)
	case a.Redirects():
		return fmt.Errorf("NOTIFICATION_SERVICE_URL redirects (%d): is it the base URL of the service?", a.Status)
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		return fmt.Errorf("NOTIFICATION_SERVICE_URL answers with %d: is NOTIFICATION_API_KEY right?", a.Status)
	}
	return nil
}

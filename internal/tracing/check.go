package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
)

// Check sends a batch without spans to the collector, with the headers and the proxy
// that spans would be sent with. The error is for operators.
func Check(ctx context.Context, endpoint string) error {
	c := otlptracehttp.NewClient(otlptracehttp.WithEndpointURL(endpoint+tracesPath),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}))
	if err := c.Start(ctx); err != nil {
		return fmt.Errorf("tracing: %w", err)
	}
	defer func() { _ = c.Stop(ctx) }() // there is nothing to lose
	err := c.UploadTraces(ctx, nil)
	var u *url.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &u):
		return fmt.Errorf("the collector does not answer: %w", u.Err) // without the URL, which may hold a password
	case hasStatus(err, http.StatusUnauthorized, http.StatusForbidden):
		return fmt.Errorf("the collector refuses us: set OTEL_EXPORTER_OTLP_HEADERS to what it expects: %w", bare(err))
	case hasStatus(err, http.StatusNotFound, http.StatusMethodNotAllowed):
		return fmt.Errorf("the collector takes no traces at this address: correct OTEL_EXPORTER_OTLP_ENDPOINT; %s is added to it: %w", tracesPath, bare(err))
	}
	return fmt.Errorf("the collector takes no traces: %w", bare(err))
}

// hasStatus finds the status in an error's text: the driver's type for it is its own.
func hasStatus(err error, statuses ...int) bool {
	for _, s := range statuses {
		if strings.Contains(err.Error(), fmt.Sprintf("%d %s", s, http.StatusText(s))) {
			return true
		}
	}
	return false
}

// bare is what the collector said, without the URL that the driver puts before it.
func bare(err error) error {
	said := err.Error()
	if after, ok := strings.CutPrefix(said, "failed to send to "); ok {
		_, said, _ = strings.Cut(after, ": ")
	}
	return errors.New(said[:min(len(said), 300)])
}

package tracing

import (
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// Transport makes a span of each call that goes out through base, named after service,
// and tells the other side of it by the traceparent header. The span ends with the
// answer's headers.
func (t *Tracer) Transport(service string, base http.RoundTripper) http.RoundTripper {
	return &transport{t: t, service: service, base: base}
}

// Around is Transport for those who build their transport themselves.
func (t *Tracer) Around(service string) func(http.RoundTripper) http.RoundTripper {
	return func(base http.RoundTripper) http.RoundTripper { return t.Transport(service, base) }
}

type transport struct {
	t       *Tracer
	service string
	base    http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	// No URL: a query may name a user.
	ctx, span := t.t.tracer.Start(r.Context(), t.service+" "+r.Method, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(r.Method), semconv.PeerService(t.service)))
	r = r.Clone(ctx) // a RoundTripper may not change the caller's request
	t.t.context.Inject(ctx, propagation.HeaderCarrier(r.Header))
	res, err := t.base.RoundTrip(r)
	if err != nil {
		span.SetStatus(codes.Error, fmt.Sprintf("%T", err))
	} else {
		span.SetAttributes(semconv.HTTPResponseStatusCode(res.StatusCode))
		if res.StatusCode >= http.StatusBadRequest {
			span.SetStatus(codes.Error, "")
		}
	}
	span.End()
	return res, err
}

// CloseIdleConnections lets http.Client reach the transport below.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.base.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

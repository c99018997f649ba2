// Package tracing follows a request through the service with OpenTelemetry: from
// the HTTP call through the outbox and the message to the workflow engine, back in
// by the callback, and out to the credit and notification services.
//
// Without an endpoint nothing is recorded or sent. Trace contexts are passed on all
// the same, so that the systems on both sides of the service can join their traces.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/creativeflow/aigen/internal/outbox"
)

const scope = "github.com/creativeflow/aigen"

// tracesPath is added to the endpoint.
const tracesPath = "/v1/traces"

// header is the only header of a trace context that is kept between processes: the
// outbox has room for one, and tracestate means something to its vendor alone.
const header = "traceparent"

// Config of a Tracer.
type Config struct {
	// Endpoint is the base URL of an OTLP/HTTP collector (http://collector:4318);
	// "" records nothing. Headers, sampling and limits follow the OTEL_… variables
	// of the OpenTelemetry specification.
	Endpoint string
	Version  string // of the program
	Log      *slog.Logger
	// Exporter takes the place of the one for Endpoint, in tests.
	Exporter sdk.SpanExporter
}

// Tracer makes spans. It implements app.Tracer and the tracer of the HTTP API. It is
// safe for concurrent use.
type Tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	context  propagation.TraceContext
	records  bool // else spans have ids to pass on, and nothing is kept of them
}

// New builds a Tracer. It does not connect: a collector that is away costs spans, and
// nothing else.
func New(ctx context.Context, c Config) (*Tracer, error) {
	options, err := c.options(ctx)
	if err != nil {
		return nil, err
	}
	if c.Endpoint != "" && c.Log != nil {
		// OpenTelemetry has one such handler for a process; without it the standard
		// logger would write between our lines.
		otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { c.Log.Warn("traces were not sent", "error", err) }))
	}
	p := sdk.NewTracerProvider(options...)
	return &Tracer{provider: p, tracer: p.Tracer(scope), records: c.Endpoint != "" || c.Exporter != nil}, nil
}

func (c Config) options(ctx context.Context) ([]sdk.TracerProviderOption, error) {
	exporter := c.Exporter
	if exporter == nil {
		if c.Endpoint == "" {
			return []sdk.TracerProviderOption{sdk.WithSampler(sdk.NeverSample())}, nil
		}
		var err error
		if exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint+tracesPath)); err != nil {
			return nil, fmt.Errorf("tracing: %w", err)
		}
	}
	// What the operator says in OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME wins.
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("aigen"), semconv.ServiceVersion(c.Version)),
		resource.WithFromEnv(), resource.WithHost())
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("tracing: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return []sdk.TracerProviderOption{sdk.WithBatcher(exporter), sdk.WithResource(about)}, nil
}

// Shutdown sends what is left; ctx bounds that.
func (t *Tracer) Shutdown(ctx context.Context) error {
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("tracing: send the last spans: %w", err)
	}
	return nil
}

// Current implements app.Tracer.
func (t *Tracer) Current(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		var span trace.Span
		ctx, span = t.tracer.Start(ctx, "background")
		defer span.End()
	}
	var h kept
	t.context.Inject(ctx, &h)
	return string(h)
}

// kept is a carrier for the one header that is kept.
type kept string

// Get implements propagation.TextMapCarrier.
func (k *kept) Get(name string) string {
	if name == header {
		return string(*k)
	}
	return ""
}

// Set implements propagation.TextMapCarrier.
func (k *kept) Set(name, value string) {
	if name == header {
		*k = kept(value)
	}
}

// Keys implements propagation.TextMapCarrier.
func (k *kept) Keys() []string { return []string{header} }

// Begin implements app.Tracer. The span goes on where the one that wrote the delivery
// ended, however much later and in whichever process.
func (t *Tracer) Begin(ctx context.Context, parent string, d *outbox.Delivery) (context.Context, func(error)) {
	// The relay's own context belongs to no request.
	ctx = t.context.Extract(trace.ContextWithSpanContext(ctx, trace.SpanContext{}), (*kept)(&parent))
	if !t.records {
		ctx, _ = t.tracer.Start(ctx, "")
		return ctx, func(error) {}
	}
	ctx, span := t.tracer.Start(ctx, "deliver "+string(d.Kind), trace.WithSpanKind(trace.SpanKindProducer),
		trace.WithAttributes(
			attribute.String("aigen.delivery.id", d.ID.String()),
			attribute.String("aigen.generation.id", d.GenerationID.String()),
			attribute.Int("aigen.delivery.attempt", d.Attempts),
			attribute.Float64("aigen.delivery.age_seconds", max(0, time.Since(d.CreatedAt).Seconds())),
		))
	return ctx, func(err error) { finish(span, err) }
}

// Request starts the span of an HTTP request to the service, below the caller's if
// the headers name one. route is the pattern of the path. end takes the status of
// the answer, 0 if there was none.
func (t *Tracer) Request(ctx context.Context, h http.Header, method, route string) (context.Context, func(status int)) {
	ctx = t.context.Extract(ctx, propagation.HeaderCarrier(h))
	if !t.records {
		ctx, _ = t.tracer.Start(ctx, "")
		return ctx, func(int) {}
	}
	ctx, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPRoute(route)))
	return ctx, func(status int) {
		if status > 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(status))
		}
		if status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
		span.End()
	}
}

// TraceID is the id of the recorded trace that ctx belongs to, "" if it is none: for
// log lines, which only need an id that leads somewhere.
func TraceID(ctx context.Context) string {
	if c := trace.SpanContextFromContext(ctx); c.IsSampled() {
		return c.TraceID().String()
	}
	return ""
}

// finish ends a span. The words of an error stay out of it: they may quote what a
// person wrote, and collectors are read by many.
func finish(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, fmt.Sprintf("%T", err))
	}
	span.End()
}

package app

import (
	"context"

	"github.com/creativeflow/aigen/internal/outbox"
)

// Tracer follows a piece of work through processes and queues. Between them a trace
// is a W3C traceparent ("00-<trace>-<span>-<flags>"), kept with the outbox's rows.
type Tracer interface {
	// Current is the traceparent of the span in ctx, or of a new trace that is not
	// recorded where there is none: what leaves the service always has one.
	Current(ctx context.Context) string
	// Begin starts the span of a delivery under the one that wrote it (parent; "" or
	// a malformed one begins a trace). end takes what became of it.
	Begin(ctx context.Context, parent string, d *outbox.Delivery) (child context.Context, end func(error))
}

// noTracer is for those who do not trace.
type noTracer struct{}

func (noTracer) Current(context.Context) string { return "" }

func (noTracer) Begin(ctx context.Context, _ string, _ *outbox.Delivery) (context.Context, func(error)) {
	return ctx, func(error) {}
}

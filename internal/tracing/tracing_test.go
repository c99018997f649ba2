package tracing_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/tracing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kept keeps its spans after the shutdown, which is what sends them.
type kept struct{ *tracetest.InMemoryExporter }

func (kept) Shutdown(context.Context) error { return nil }

const callers = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// From a caller's trace through the outbox to another service, one trace.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	var told string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		told = r.Header.Get("traceparent")
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	spans := kept{tracetest.NewInMemoryExporter()}
	tracer, err := tracing.New(t.Context(), tracing.Config{Exporter: spans, Version: "v1"})
	require.NoError(t, err)

	request, end := tracer.Request(t.Context(), http.Header{"Traceparent": {callers}}, "POST", "/api/v1/generations")
	kept := tracer.Current(request)
	require.Equal(t, "0af7651916cd43dd8448eb211c80319c", tracing.TraceID(request))
	end(http.StatusAccepted)

	delivery, done := tracer.Begin(t.Context(), kept, &outbox.Delivery{Kind: outbox.DeliverDeduct, Attempts: 2, CreatedAt: time.Now()})
	call, err := http.NewRequestWithContext(delivery, http.MethodGet, server.URL+"?user_id=private", nil)
	require.NoError(t, err)
	c := http.Client{Transport: tracer.Transport("odoo", http.DefaultTransport)}
	res, err := c.Do(call)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	c.CloseIdleConnections()
	done(errors.New("a prompt in an error"))
	require.NoError(t, tracer.Shutdown(t.Context()))

	got := map[string]tracetest.SpanStub{}
	for _, s := range spans.GetSpans() {
		got[s.Name] = s
		assert.Equal(t, "0af7651916cd43dd8448eb211c80319c", s.SpanContext.TraceID().String(), s.Name)
		for _, a := range s.Attributes {
			assert.NotContains(t, a.Value.String(), "private")
		}
	}
	server1, deliver, out := got["POST /api/v1/generations"], got["deliver deduct"], got["odoo GET"]
	assert.Equal(t, "b7ad6b7169203331", server1.Parent.SpanID().String())
	assert.Equal(t, server1.SpanContext.SpanID(), deliver.Parent.SpanID())
	assert.Equal(t, deliver.SpanContext.SpanID(), out.Parent.SpanID())
	assert.Contains(t, told, out.SpanContext.SpanID().String())
	assert.Equal(t, trace.SpanKindServer, server1.SpanKind)
	assert.Equal(t, codes.Error, deliver.Status.Code)
	assert.NotContains(t, deliver.Status.Description, "prompt")
	assert.Equal(t, codes.Error, out.Status.Code)
}

// With no collector contexts are passed on, and nothing is recorded.
func TestOff(t *testing.T) {
	t.Parallel()
	tracer, err := tracing.New(t.Context(), tracing.Config{})
	require.NoError(t, err)
	for range 2 {
		assert.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`, tracer.Current(t.Context()), "what leaves has a context")
	}
	first, second := tracer.Current(t.Context()), tracer.Current(t.Context())
	assert.NotEqual(t, first, second)
	ctx, end := tracer.Request(t.Context(), http.Header{"Traceparent": {callers}}, "GET", "/x")
	assert.True(t, strings.HasPrefix(tracer.Current(ctx), "00-0af7651916cd43dd8448eb211c80319c-"), "the caller's trace goes on")
	end(500)
	assert.Empty(t, tracing.TraceID(t.Context()))
	for _, parent := range []string{"", "garbage", "00-0-0-0", callers + "\r\nX: y"} {
		child, done := tracer.Begin(t.Context(), parent, &outbox.Delivery{})
		assert.Regexp(t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-00$`, tracer.Current(child), parent)
		done(nil)
	}
	require.NoError(t, tracer.Shutdown(t.Context()))
}

// The real exporter speaks to a collector; one that is away costs nothing but spans.
func TestCollector(t *testing.T) {
	t.Parallel()
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		select {
		case got <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + " " + string(body):
		default:
		}
	}))
	defer server.Close()
	tracer, err := tracing.New(t.Context(), tracing.Config{Endpoint: server.URL, Version: "v1.2.3"})
	require.NoError(t, err)
	_, end := tracer.Request(t.Context(), http.Header{}, "GET", "/api/v1/credits")
	end(200)
	require.NoError(t, tracer.Shutdown(t.Context()))
	sent := <-got
	assert.True(t, strings.HasPrefix(sent, "POST /v1/traces application/x-protobuf "), sent)
	for _, part := range []string{"aigen", "v1.2.3", "GET /api/v1/credits"} {
		assert.Contains(t, sent, part)
	}

	away, err := tracing.New(t.Context(), tracing.Config{Endpoint: "http://127.0.0.1:1"})
	require.NoError(t, err)
	_, end = away.Request(t.Context(), http.Header{}, "GET", "/")
	end(200)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.NoError(t, away.Shutdown(ctx), "it is in the log; the stop goes on")
	require.NoError(t, ctx.Err(), "and was not held up")
}

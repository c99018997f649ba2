// Package metrics shows Prometheus what an operator needs to know: how requests and
// generations fare, how far behind the outbox is, and which credits are still held.
//
// What happens is counted as it happens; what is (rows in the outbox, reservations
// open) is asked of the store when Prometheus comes, at most once in a while.
package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Metrics implements app.Metrics and records HTTP requests. Its methods may be called
// from many goroutines and do not block.
type Metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger
	routes   *routes

	requests    *prometheus.CounterVec
	requestTime *prometheus.HistogramVec
	transitions *prometheus.CounterVec
	stageTime   *prometheus.HistogramVec
	callbacks   *prometheus.CounterVec
	deliveries  *prometheus.CounterVec
	deliveryAge *prometheus.HistogramVec
	creditOps   *prometheus.CounterVec
	creditTime  *prometheus.HistogramVec
	streams     prometheus.Gauge
	build       *prometheus.GaugeVec
}

var (
	_ app.Metrics    = (*Metrics)(nil)
	_ outbox.Metrics = (*Metrics)(nil)
)

// New builds a Metrics with a registry of its own, which also has the collectors of
// the Go runtime and of the process. stats is asked when somebody scrapes; it should
// end with its context, though nobody waits longer for it either way.
func New(stats func(context.Context) (app.Stats, error), log *slog.Logger) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), log: log, routes: newRoutes()}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	m.define()
	m.registry.MustRegister(
		m.requests, m.requestTime, m.transitions, m.stageTime, m.callbacks, m.deliveries, m.deliveryAge,
		m.creditOps, m.creditTime, m.streams, m.build,
		newStoreCollector(stats, m.log),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.start()
	m.SetVersion("")
	return m
}

// Handler serves /metrics in the formats of Prometheus. A metric that cannot be
// gathered is left out, not the others with it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: complaints{m.log}, ErrorHandling: promhttp.ContinueOnError,
		MaxRequestsInFlight: 8, EnableOpenMetrics: true,
	})
}

// complaints passes promhttp's complaints on.
type complaints struct{ log *slog.Logger }

func (c complaints) Println(v ...any) { c.log.Warn("metrics", "error", fmt.Sprintln(v...)) }

// Transition implements app.Metrics. A change within a status is none.
func (m *Metrics) Transition(from, to aigen.Status, spent time.Duration) {
	if from == to {
		return
	}
	m.transitions.WithLabelValues(statusLabel(from), statusLabel(to)).Inc()
	if from != "" {
		m.stageTime.WithLabelValues(statusLabel(from)).Observe(seconds(spent))
	}
}

// Callback implements app.Metrics.
func (m *Metrics) Callback(outcome string) {
	m.callbacks.WithLabelValues(callbackOutcomes.label(outcome)).Inc()
}

// Delivery implements app.Metrics.
func (m *Metrics) Delivery(lane outbox.Queue, kind outbox.DeliveryKind, outcome string, age time.Duration) {
	l := lanes.label(string(lane))
	m.deliveries.WithLabelValues(l, kinds.label(string(kind)), deliveryOutcomes.label(outcome)).Inc()
	if outcome == "delivered" {
		m.deliveryAge.WithLabelValues(l).Observe(seconds(age))
	}
}

// CreditOperation implements app.Metrics.
func (m *Metrics) CreditOperation(op, outcome string, took time.Duration) {
	o := creditOperations.label(op)
	m.creditOps.WithLabelValues(o, creditOutcomes.label(outcome)).Inc()
	m.creditTime.WithLabelValues(o).Observe(seconds(took))
}

// Streams implements app.Metrics.
func (m *Metrics) Streams(delta int) { m.streams.Add(float64(delta)) }

// Request records an HTTP request. route is the pattern that it matched, such as
// "/api/v1/generations/{id}", and "" if it matched none: never the path as it came,
// which would make a time series of each id. For an event stream, took is how long
// it was open.
func (m *Metrics) Request(route, method string, status int, took time.Duration) {
	r, me := m.routes.label(route), methods.label(method)
	m.requests.WithLabelValues(r, me, codeLabel(status)).Inc()
	m.requestTime.WithLabelValues(r, me).Observe(seconds(took))
}

// seconds of a duration. A clock that was set back must not make one negative.
func seconds(d time.Duration) float64 { return max(0, d.Seconds()) }

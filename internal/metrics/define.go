package metrics

import (
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Bounds of the histograms' buckets, in seconds.
var (
	// A call that a person or another program waits for.
	callBuckets = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	// A delivery may wait for a receiver that is down for hours.
	ageBuckets = []float64{.01, .05, .1, .5, 1, 5, 15, 60, 300, 900, 3600, 14400, 86400}
	// Pending lasts milliseconds, a stage minutes, a selection up to 30 days.
	stageBuckets = []float64{.05, .25, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21600, 86400, 604800, 2592000}
)

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func (m *Metrics) define() {
	m.requests = counter("aigen_http_requests_total",
		`HTTP requests answered, by route pattern ("other": no known route), method and status code.`,
		"route", "method", "status")
	m.requestTime = histogram("aigen_http_request_duration_seconds",
		"Time from an HTTP request's arrival to the end of its answer, in seconds; for event streams, how long they were open.",
		callBuckets, "route", "method")
	m.transitions = counter("aigen_generation_transitions_total",
		`Changes of a generation's status that this process made; from is "new" for the first status.`,
		"from", "to")
	m.stageTime = histogram("aigen_stage_duration_seconds",
		"Time that a generation had been in a status when it left it, in seconds; stage is the status that was left.",
		stageBuckets, "stage")
	m.callbacks = counter("aigen_callbacks_total",
		"Reports of the workflow engine, without progress, by what became of them: an outcome of the callback's answer, or the code of the error.",
		"outcome")
	m.deliveries = counter("aigen_deliveries_total",
		"Attempts to deliver a row of the outbox that this process ended, by lane, kind and outcome (delivered, retry, dead, returned).",
		"lane", "kind", "outcome")
	m.deliveryAge = histogram("aigen_delivery_age_seconds",
		"Time from the writing of an outbox row to its successful delivery, in seconds.",
		ageBuckets, "lane")
	m.creditOps = counter("aigen_credit_operations_total",
		"Calls to the remote credit service, by operation and outcome (ok, refused, unavailable, error). None with the embedded ledger.",
		"op", "outcome")
	m.creditTime = histogram("aigen_credit_operation_duration_seconds",
		"Time that a call to the remote credit service took, in seconds.",
		callBuckets, "op")
	m.streams = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "aigen_event_streams", Help: "Event streams (SSE) that are open in this process.",
	})
	m.build = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "aigen_build_info", Help: "Always 1; the labels name the version of the program and of Go.",
	}, []string{"version", "go"})
}

// start shows 0 for what can happen and has not: an alert on a rate sees the first
// fault only if the series was there before it.
func (m *Metrics) start() {
	m.transitions.WithLabelValues(newGeneration, string(aigen.StatusPending))
	m.transitions.WithLabelValues(newGeneration, string(aigen.StatusProcessingSamples))
	for _, from := range aigen.Statuses() {
		for _, to := range aigen.Statuses() {
			if from.CanMoveTo(to) {
				m.transitions.WithLabelValues(string(from), string(to))
			}
		}
	}
	for outcome := range callbackOutcomes {
		m.callbacks.WithLabelValues(outcome)
	}
	for kind := range kinds {
		for outcome := range deliveryOutcomes {
			m.deliveries.WithLabelValues(string(outbox.DeliveryKind(kind).Queue()), kind, outcome)
		}
	}
}

// SetVersion names the program's version; "" is what the Go toolchain wrote into it.
func (m *Metrics) SetVersion(version string) {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		version = info.Main.Version
	}
	if version == "" {
		version = "unknown"
	}
	m.build.Reset()
	m.build.WithLabelValues(version, runtime.Version()).Set(1)
}

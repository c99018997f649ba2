package app

import (
	"time"

	"github.com/creativeflow/aigen"
)

// Metrics is told what happens, for an operator to watch. Its methods must not block.
type Metrics interface {
	// Transition: a generation went from one status ("" for a new one) to another,
	// after having been in the first for spent.
	Transition(from, to aigen.Status, spent time.Duration)
	// Callback: the engine reported; outcome is an aigen.Outcome or an error's code.
	Callback(outcome string)
	// Delivery: an attempt ended; outcome is "delivered", "retry", "dead" or "returned".
	Delivery(lane Lane, kind DeliveryKind, outcome string, age time.Duration)
	// CreditOperation: the remote credit service was asked.
	CreditOperation(op, outcome string, took time.Duration)
	// Streams: the number of live event streams changed by delta.
	Streams(delta int)
}

// NoMetrics ignores everything.
type NoMetrics struct{}

// Transition implements Metrics.
func (NoMetrics) Transition(aigen.Status, aigen.Status, time.Duration) {}

// Callback implements Metrics.
func (NoMetrics) Callback(string) {}

// Delivery implements Metrics.
func (NoMetrics) Delivery(Lane, DeliveryKind, string, time.Duration) {}

// CreditOperation implements Metrics.
func (NoMetrics) CreditOperation(string, string, time.Duration) {}

// Streams implements Metrics.
func (NoMetrics) Streams(int) {}

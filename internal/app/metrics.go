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
	// CreditOperation: the remote credit service was asked.
	CreditOperation(op, outcome string, took time.Duration)
}

// NoMetrics ignores everything.
type NoMetrics struct{}

// Transition implements ServiceMetrics.
func (NoMetrics) Transition(aigen.Status, aigen.Status, time.Duration) {}

// Callback implements ServiceMetrics.
func (NoMetrics) Callback(string) {}

// CreditOperation implements ServiceMetrics.
func (NoMetrics) CreditOperation(string, string, time.Duration) {}

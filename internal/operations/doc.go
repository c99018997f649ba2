// Package operations holds the use-cases of operators: the outbox, the generations of all
// users with their timelines, search, statistics, health and settings. The caller has checked
// that an operator asks.
package operations

// Package reconcile compares the reservations that the generations record with those that the
// credit service holds, and repairs differences if asked to.
package reconcile

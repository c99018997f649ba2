package aigen

import "slices"

// Status is the state of a generation. The table states below defines the allowed moves.
// The stores repeat the list of states in CHECK constraints, and the ends in their guarded
// updates.
//
//	Pending ──► ProcessingSamples ──► AwaitingSelection ──► ProcessingFinal ──► Completed
//	   │               ▲                     │ regenerate         ▲
//	   │               └─────────────────────┘                    │
//	   └──────────────────────────────────────────────────────────┘ without samples
//	any state that has not ended ──► Failed | Cancelled    either Processing state ──► ContentRejected
type Status string

// The eight states (contract section 2).
const (
	StatusPending           Status = "Pending"           // credits are being reserved
	StatusProcessingSamples Status = "ProcessingSamples" // a job makes samples
	StatusAwaitingSelection Status = "AwaitingSelection" // a person has to choose
	StatusProcessingFinal   Status = "ProcessingFinal"   // a job makes the final asset
	StatusCompleted         Status = "Completed"
	StatusFailed            Status = "Failed"
	StatusCancelled         Status = "Cancelled"
	StatusContentRejected   Status = "ContentRejected"
)

// states lists the eight states in the order of the picture, each with the states that may
// follow it. A state without a next state is an end.
var states = []struct {
	status Status
	next   []Status
}{
	{StatusPending, []Status{StatusProcessingSamples, StatusProcessingFinal, StatusFailed, StatusCancelled}},
	{StatusProcessingSamples, []Status{StatusAwaitingSelection, StatusFailed, StatusCancelled, StatusContentRejected}},
	{StatusAwaitingSelection, []Status{StatusProcessingFinal, StatusProcessingSamples, StatusFailed, StatusCancelled}},
	{StatusProcessingFinal, []Status{StatusCompleted, StatusFailed, StatusCancelled, StatusContentRejected}},
	{StatusCompleted, nil},
	{StatusFailed, nil},
	{StatusCancelled, nil},
	{StatusContentRejected, nil},
}

// Statuses lists the eight states, in the order of the picture.
func Statuses() []Status {
	all := make([]Status, len(states))
	for i, s := range states {
		all[i] = s.status
	}
	return all
}

// next returns the states that may follow s; ok is false if s is none of the eight states.
func (s Status) next() (next []Status, ok bool) {
	for i := range states {
		if states[i].status == s {
			return states[i].next, true
		}
	}
	return nil, false
}

// Valid reports whether s is one of the eight states.
func (s Status) Valid() bool {
	_, ok := s.next()
	return ok
}

// Ended reports whether no state follows s.
func (s Status) Ended() bool {
	next, ok := s.next()
	return ok && len(next) == 0
}

// CanMoveTo reports whether next may follow s.
func (s Status) CanMoveTo(next Status) bool {
	allowed, _ := s.next()
	return slices.Contains(allowed, next)
}

// Stage is a part of the work on a generation.
type Stage string

// The stages.
const (
	StageSamples Stage = "samples" // several previews in low resolution
	StageFinal   Stage = "final"   // the chosen one in high resolution
)

package aigen

// Status is the state of a generation. The one table below says which moves exist;
// the CHECK constraints of the stores and their guarded updates repeat it.
//
//	Pending ──► ProcessingSamples ──► AwaitingSelection ──► ProcessingFinal ──► Completed
//	                   ▲                     │ regenerate
//	                   └─────────────────────┘
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

// transitions holds every move there is. A status without a row is an end.
var transitions = map[Status][]Status{
	StatusPending:           {StatusProcessingSamples, StatusFailed, StatusCancelled},
	StatusProcessingSamples: {StatusAwaitingSelection, StatusFailed, StatusCancelled, StatusContentRejected},
	StatusAwaitingSelection: {StatusProcessingFinal, StatusProcessingSamples, StatusFailed, StatusCancelled},
	StatusProcessingFinal:   {StatusCompleted, StatusFailed, StatusCancelled, StatusContentRejected},
}

// Statuses lists the eight states, in the order of the picture.
func Statuses() []Status {
	return []Status{
		StatusPending, StatusProcessingSamples, StatusAwaitingSelection, StatusProcessingFinal,
		StatusCompleted, StatusFailed, StatusCancelled, StatusContentRejected,
	}
}

// Valid reports whether s is one of the eight states.
func (s Status) Valid() bool {
	switch s {
	case StatusPending, StatusProcessingSamples, StatusAwaitingSelection, StatusProcessingFinal,
		StatusCompleted, StatusFailed, StatusCancelled, StatusContentRejected:
		return true
	}
	return false
}

// Ended reports whether nothing changes after s.
func (s Status) Ended() bool { return s.Valid() && len(transitions[s]) == 0 }

// CanMoveTo reports whether the table has the move from s to next.
func (s Status) CanMoveTo(next Status) bool {
	for _, allowed := range transitions[s] {
		if allowed == next {
			return true
		}
	}
	return false
}

// Stage is a part of the work on a generation.
type Stage string

// The stages.
const (
	StageSamples Stage = "samples" // several previews in low resolution
	StageFinal   Stage = "final"   // the chosen one in high resolution
)

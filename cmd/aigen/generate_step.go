package main

import (
	"fmt"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// stepMark is how a step of the way stands.
type stepMark int

const (
	stepRuns stepMark = iota
	stepDone
	stepFailed
)

// step is what an event says of the way to the picture.
type step struct {
	name   string
	mark   stepMark
	remark string
}

// stepOf translates an event into the words of the display.
func stepOf(e client.Event) step {
	s := step{name: "samples", mark: stepRuns}
	if e.Data.Stage == aigen.StageFinal {
		s.name = "final"
	}
	switch e.Type {
	case aigen.EventCreated:
		if e.Data.Status == aigen.StatusPending {
			s.name, s.remark = "credits", "being reserved"
		}
	case aigen.EventSamplesRetrying, aigen.EventFinalRetrying:
		s.remark = fmt.Sprintf("try %d", e.Data.Attempt)
		if e.Data.Error != nil {
			s.remark += " after: " + printable(e.Data.Error.Message)
		}
	case aigen.EventSamplesReady:
		s.name, s.mark = "samples", stepDone
		s.remark = fmt.Sprintf("%d to choose from", len(e.Data.SampleAssets))
	case aigen.EventCompleted:
		s.name, s.mark, s.remark = "final", stepDone, "ready"
	case aigen.EventFailed:
		s.mark, s.remark = stepFailed, "failed"
	case aigen.EventRejected:
		s.mark, s.remark = stepFailed, "not allowed"
	case aigen.EventCancelled:
		s.mark, s.remark = stepFailed, "cancelled"
	case aigen.EventCreditsRefused:
		s.mark, s.remark = stepFailed, "not enough credits"
	case aigen.EventCreditsUnavailable:
		s.mark, s.remark = stepFailed, "credits could not be checked"
	case aigen.EventSamplesStarted, aigen.EventFinalStarted, aigen.EventAssetLost, aigen.EventProgress:
	}
	return s
}

// count is "1 sample", "2 samples".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

package httpapi

import (
	"time"

	"github.com/creativeflow/aigen"
)

// eventView is an event on the wire.
type eventView struct {
	Type string    `json:"type" enum:"@event" doc:"What happened."`
	Seq  int64     `json:"seq,omitempty" doc:"Number within the generation, without gaps; missing for progress."`
	At   time.Time `json:"at"`
	aigen.EventData
}

func viewEvent(e aigen.Event) eventView {
	return eventView{Type: string(e.Type), Seq: e.Seq, At: e.At.UTC(), EventData: e.Data}
}

// eventListView describes the list of events that clients without SSE get.
type eventListView struct {
	Items           []eventView `json:"items" nullable:"false" doc:"Oldest first. 1 MiB of them at most."`
	NextLastEventID *string     `json:"nextLastEventId" doc:"Where there is more: ask again with this as Last-Event-ID. Else null."`
}

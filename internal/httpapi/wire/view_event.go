package wire

import (
	"time"

	"github.com/creativeflow/aigen"
)

// EventView is an event on the wire.
type EventView struct {
	Type string    `json:"type" enum:"@event" doc:"What happened."`
	Seq  int64     `json:"seq,omitempty" doc:"Number within the generation, without gaps; missing for progress."`
	At   time.Time `json:"at"`
	aigen.EventData
}

// ViewEvent is the wire form of e, without who caused it.
func ViewEvent(e aigen.Event) EventView {
	return EventView{Type: string(e.Type), Seq: e.Seq, At: e.At.UTC(), EventData: e.Data}
}

// EventListView describes the list of events that clients without SSE get.
type EventListView struct {
	Items           []EventView `json:"items" nullable:"false" doc:"Oldest first. 1 MiB of them at most."`
	NextLastEventID *string     `json:"nextLastEventId" doc:"Where there is more: ask again with this as Last-Event-ID. Else null."`
}

package wire

import (
	"slices"
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

// Event is the wire form of e, without who caused it.
func (vs *Views) Event(e aigen.Event) EventView {
	v := EventView{Type: string(e.Type), Seq: e.Seq, At: e.At.UTC(), EventData: e.Data}
	if len(v.SampleAssets) > 0 {
		v.SampleAssets = slices.Clone(v.SampleAssets)
		for i := range v.SampleAssets {
			v.SampleAssets[i] = vs.Links.Show(v.SampleAssets[i])
		}
	}
	if v.FinalAsset != nil {
		final := vs.Links.Show(*v.FinalAsset)
		v.FinalAsset = &final
	}
	return v
}

// EventListView describes the list of events that clients without SSE get.
type EventListView struct {
	Items           []EventView `json:"items" nullable:"false" doc:"Oldest first. 1 MiB of them at most."`
	NextLastEventID *string     `json:"nextLastEventId" doc:"Where there is more: ask again with this as Last-Event-ID. Else null."`
}

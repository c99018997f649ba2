package live

import "github.com/creativeflow/aigen"

// FittingEvents is how many of these events are kept at a time.
var FittingEvents = fitting

// EventPages and ReadEvents read events as streams do.
type EventPages = eventPages

// ReadEvents reads the next page.
func ReadEvents(p *EventPages, fetch func(limit int) ([]aigen.Event, error)) ([]aigen.Event, bool, error) {
	return p.read(fetch)
}

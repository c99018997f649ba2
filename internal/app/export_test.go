package app

import "github.com/creativeflow/aigen"

// EncodeJob is for the fuzz target.
func EncodeJob(j Job) ([]byte, error) { return j.encode() }

// Remembered is what the service would change without loading it; nil for nothing.
func (s *Service) Remembered(id aigen.ID) *aigen.Generation { return s.recent.get(id) }

// FittingEvents is how many of these events are kept at a time.
var FittingEvents = fitting

// EventPages and ReadEvents read events as streams do.
type EventPages = eventPages

// ReadEvents reads the next page.
func ReadEvents(p *EventPages, fetch func(limit int) ([]aigen.Event, error)) ([]aigen.Event, bool, error) {
	return p.read(fetch)
}

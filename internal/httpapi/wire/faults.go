package wire

import (
	"fmt"
	"slices"

	"github.com/creativeflow/aigen"
)

// maxFaults bounds an answer's list of faults.
const maxFaults = 100

// Faults collects what is wrong with an input, one fault a location.
type Faults []aigen.FieldError

// Add notes what is wrong at a location. The first fault of a location counts.
func (f *Faults) Add(location, format string, args ...any) {
	if len(*f) < maxFaults && !f.has(location) {
		*f = append(*f, aigen.FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
	}
}

func (f *Faults) has(location string) bool {
	return slices.ContainsFunc(*f, func(e aigen.FieldError) bool { return e.Location == location })
}

// Err is nil if nothing is wrong.
func (f *Faults) Err() error {
	if len(*f) == 0 {
		return nil
	}
	return Invalid(*f...)
}

package httpapi

import (
	"fmt"
	"slices"

	"github.com/creativeflow/aigen"
)

// maxFaults bounds an answer's list of faults.
const maxFaults = 100

// faults collects what is wrong with an input, one fault a location.
type faults []aigen.FieldError

func (f *faults) add(location, format string, args ...any) {
	if len(*f) < maxFaults && !f.has(location) {
		*f = append(*f, aigen.FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
	}
}

func (f *faults) has(location string) bool {
	return slices.ContainsFunc(*f, func(e aigen.FieldError) bool { return e.Location == location })
}

// err is nil if nothing is wrong.
func (f *faults) err() error {
	if len(*f) == 0 {
		return nil
	}
	return invalid(*f...)
}

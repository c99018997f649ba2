package aigen

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Options are what a caller adds to a request for its own purposes. They are fixed for the
// life of the generation (contract section 10).
type Options struct {
	ExternalID string            // the caller's own id; unique among the user's generations where it is set
	Metadata   map[string]string // returned in every answer and event
	AutoSelect bool              // choose the first sample as soon as there is one
	BatchID    ID                // of a request for several generations
	RetryOf    ID                // the generation that this one repeats
}

// Bounds of Options (contract section 10).
const (
	MaxExternalID      = 128 // characters
	MaxMetadataEntries = 16
	MaxMetadataSize    = 4 << 10 // bytes of all keys and values
)

// Check returns the faults of what a user sent; locations start with "body.".
func (o Options) Check() (faults []FieldError) {
	if o.ExternalID != "" && !sane(o.ExternalID, MaxExternalID) {
		faults = append(faults, FieldError{"body.externalId", fmt.Sprintf("must have 1 to %d characters without control characters", MaxExternalID)})
	}
	if len(o.Metadata) > MaxMetadataEntries {
		faults = append(faults, FieldError{"body.metadata", fmt.Sprintf("has %d entries, at most %d are allowed", len(o.Metadata), MaxMetadataEntries)})
	}
	size := 0
	for k, v := range o.Metadata {
		size += len(k) + len(v)
		if k == "" || !utf8.ValidString(k+v) || strings.ContainsRune(k+v, 0) {
			faults = append(faults, FieldError{"body.metadata", "keys must not be empty, and keys and values must be valid UTF-8 without NUL"})
		}
	}
	if size > MaxMetadataSize {
		faults = append(faults, FieldError{"body.metadata", fmt.Sprintf("has %d bytes, at most %d are allowed", size, MaxMetadataSize)})
	}
	return faults
}

func sane(s string, most int) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

package faults

import (
	"fmt"
	"io"
	"slices"
)

func sortFaults(all []Fault) {
	slices.SortStableFunc(all, func(a, b Fault) int { return int(a.At - b.At) })
	for i := range all {
		all[i].N = i + 1
	}
}

// PrintSchedule writes one line for each fault.
func PrintSchedule(w io.Writer, all []Fault) {
	for _, f := range all {
		_, _ = fmt.Fprintln(w, f)
	}
}

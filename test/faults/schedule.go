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

// only keeps the faults of these kinds, with their numbers and moments; all if there are none.
func only(all []Fault, kinds []Kind) []Fault {
	if len(kinds) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(f Fault) bool { return !slices.Contains(kinds, f.Kind) })
}

// Known reports whether there is such a kind.
func (k Kind) Known() bool {
	for _, p := range plan {
		if p.kind == k {
			return true
		}
	}
	return false
}

// PrintSchedule writes one line for each fault.
func PrintSchedule(w io.Writer, all []Fault) {
	for _, f := range all {
		_, _ = fmt.Fprintln(w, f)
	}
}

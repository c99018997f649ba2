package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
)

// QueryNames are the parameters of the query of each route, by method and path, as the
// document describes them.
func queryNames() map[string][]string {
	names := map[string][]string{}
	for _, rt := range described() {
		names[rt.Method+" "+rt.Path] = rt.Operation.QueryNames()
	}
	return names
}

// checkQuery refuses what would be lost quietly: a filter that is misspelt, or written
// twice, gives other data than was asked for.
func checkQuery(r *http.Request, known []string) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return wire.Invalid(aigen.FieldError{Location: "query", Message: "cannot be read: parameters are parted by &, and % begins two hexadecimal digits"})
	}
	var f wire.Faults
	for name, list := range values {
		at := "query." + wire.Shorten(wire.Plain(name), 64)
		switch {
		case !slices.Contains(known, name):
			f.Add(at, "%s", unknownName(name, known))
		case len(list) > 1:
			f.Add(at, "comes %d times, and counts once", len(list))
		}
	}
	slices.SortFunc(f, func(a, b aigen.FieldError) int { return strings.Compare(a.Location, b.Location) })
	return f.Err()
}

func unknownName(name string, known []string) string {
	if len(known) == 0 {
		return "is not known: there are no parameters here"
	}
	text := "is not known; known are " + strings.Join(known, ", ")
	if near := nearest(name, known); near != "" {
		text += "; did you mean " + near + "?"
	}
	return text
}

// nearest is the one of the words that somebody probably meant, "" if none is near.
func nearest(name string, words []string) string {
	best, least := "", 3
	for _, word := range words {
		if len(name) > 2*len(word) {
			continue // not near, and not to be measured at any length
		}
		if d := distance(strings.ToLower(name), strings.ToLower(word)); d < least && d < len(word) {
			best, least = word, d
		}
	}
	return best
}

// distance is how many bytes must be put in, taken out, changed, or swapped with the next
// one, to make one text of the other.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

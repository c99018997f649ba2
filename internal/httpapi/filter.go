package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
)

// The bounds of a page.
const (
	defaultLimit = 20
	maxLimit     = 100
)

// filter reads the query of a list, whose names were checked. An empty parameter counts
// as missing.
type filter struct {
	get    func(name string) string
	faults faults
}

func newFilter(r *http.Request) *filter { return &filter{get: r.URL.Query().Get} }

func (f *filter) limit() int {
	text := f.get("limit")
	if text == "" {
		return defaultLimit
	}
	n, ok := aigen.WholeNumber(text)
	if !ok || n < 1 || n > maxLimit {
		f.faults.add("query.limit", "must be a whole number from 1 to %d", maxLimit)
		return defaultLimit
	}
	return int(n)
}

func (f *filter) id(name string) (id aigen.ID) {
	if text := f.get(name); text != "" {
		var err error
		if id, err = aigen.ParseID(text); err != nil || id.IsZero() {
			f.faults.add("query."+name, "must be a UUID")
		}
	}
	return id
}

func (f *filter) time(name string) (at time.Time) {
	if text := f.get(name); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil || at.Year() < 1970 || at.Year() > 9999 {
			f.faults.add("query."+name, "must be a time as in RFC 3339, such as 2026-11-23T10:00:00Z")
		}
	}
	return at.UTC()
}

// word reads one of a few words.
func word[T ~string](f *filter, name string, words []T) T {
	text := T(f.get(name))
	if text != "" && !slices.Contains(words, text) {
		f.faults.add("query."+name, "must be one of %s", joined(words))
	}
	return text
}

func joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// cursorID reads a cursor that is an id.
func (f *filter) cursorID() (aigen.ID, error) {
	text := f.get("cursor")
	if text == "" {
		return aigen.ID{}, nil
	}
	id, err := aigen.ParseID(text)
	if err != nil {
		return id, badCursor()
	}
	return id, nil
}

func badCursor() error {
	return newAPIError(codeInvalidCursor, "Take the cursor from nextCursor of the page before, as it is.",
		aigen.FieldError{Location: "query.cursor", Message: "is not a cursor that this service gave out"})
}

// nextID is the cursor after a page; null on the last.
func nextID(id aigen.ID) *string {
	if id.IsZero() {
		return nil
	}
	return orNull(id.String())
}

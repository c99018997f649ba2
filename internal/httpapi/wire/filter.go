package wire

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
)

// The bounds of a page.
const (
	DefaultLimit = 20
	MaxLimit     = 100
)

// Filter reads the query of a list, whose names were checked. An empty parameter counts
// as missing.
type Filter struct {
	Get    func(name string) string
	Faults Faults
}

// NewFilter reads the query of r.
func NewFilter(r *http.Request) *Filter { return &Filter{Get: r.URL.Query().Get} }

// Limit reads limit, the size of a page.
func (f *Filter) Limit() int {
	text := f.Get("limit")
	if text == "" {
		return DefaultLimit
	}
	n, ok := aigen.WholeNumber(text)
	if !ok || n < 1 || n > MaxLimit {
		f.Faults.Add("query.limit", "must be a whole number from 1 to %d", MaxLimit)
		return DefaultLimit
	}
	return int(n)
}

// ID reads a UUID; zero where there is none.
func (f *Filter) ID(name string) (id aigen.ID) {
	if text := f.Get(name); text != "" {
		var err error
		if id, err = aigen.ParseID(text); err != nil || id.IsZero() {
			f.Faults.Add("query."+name, "must be a UUID")
		}
	}
	return id
}

// Time reads a time as in RFC 3339; zero where there is none.
func (f *Filter) Time(name string) (at time.Time) {
	if text := f.Get(name); text != "" {
		var err error
		if at, err = time.Parse(time.RFC3339, text); err != nil || at.Year() < 1970 || at.Year() > 9999 {
			f.Faults.Add("query."+name, "must be a time as in RFC 3339, such as 2026-11-23T10:00:00Z")
		}
	}
	return at.UTC()
}

// Word reads one of a few words.
func Word[T ~string](f *Filter, name string, words []T) T {
	text := T(f.Get(name))
	if text != "" && !slices.Contains(words, text) {
		f.Faults.Add("query."+name, "must be one of %s", Joined(words))
	}
	return text
}

// Joined lists words for a message.
func Joined[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}

// CursorID reads a cursor that is an id.
func (f *Filter) CursorID() (aigen.ID, error) {
	text := f.Get("cursor")
	if text == "" {
		return aigen.ID{}, nil
	}
	id, err := aigen.ParseID(text)
	if err != nil {
		return id, BadCursor()
	}
	return id, nil
}

// BadCursor is the answer to a cursor that this service has not given out.
func BadCursor() error {
	return NewError(CodeInvalidCursor, "Take the cursor from nextCursor of the page before, as it is.",
		aigen.FieldError{Location: "query.cursor", Message: "is not a cursor that this service gave out"})
}

package wire

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/jsonscan"
)

// Object reads the members of a JSON object. Names are matched exactly, unlike by
// encoding/json. A member that is null counts as one that is missing.
type Object struct {
	at      string
	Members []jsonscan.Member // nil: it is no object
	Faults  *Faults
}

// NewObject reads raw, valid JSON, which stands at this location. What is read of it
// are pieces of raw.
func NewObject(at string, raw json.RawMessage, f *Faults) Object {
	o := Object{at: at, Members: jsonscan.Members(raw), Faults: f}
	if o.Members == nil {
		f.Add(at, "must be a JSON object")
	}
	return o
}

// Location is where a member stands, for a fault.
func (o Object) Location(name string) string { return o.at + "." + name }

// Fault notes what is wrong with a member.
func (o Object) Fault(name, format string, args ...any) {
	o.Faults.Add(o.Location(name), format, args...)
}

// Get returns a member that is there and not null.
func (o Object) Get(name string) (json.RawMessage, bool) {
	for i := range o.Members {
		if m := &o.Members[i]; string(m.Name) == name {
			return m.Value, string(m.Value) != "null"
		}
	}
	return nil, false
}

// Set gives a member another value.
func (o *Object) Set(name string, value json.RawMessage) {
	o.Members = slices.DeleteFunc(o.Members, func(m jsonscan.Member) bool { return string(m.Name) == name })
	o.Members = append(o.Members, jsonscan.Member{Name: []byte(name), Value: value})
}

// Need returns a member that must be there.
func (o Object) Need(name string) bool {
	_, ok := o.Get(name)
	if !ok && !o.Faults.has(o.at) {
		o.Fault(name, "is required")
	}
	return ok
}

// Text returns a member that is a string.
func (o Object) Text(name string) (string, bool) {
	raw, ok := o.Get(name)
	if !ok {
		return "", false
	}
	if raw[0] != '"' {
		o.Fault(name, "must be a string")
		return "", false
	}
	return string(jsonscan.Unquoted(raw)), true
}

// ID returns a member that is a UUID.
func (o Object) ID(name string) (aigen.ID, bool) {
	s, ok := o.Text(name)
	if !ok {
		return aigen.ID{}, false
	}
	id, err := aigen.ParseID(s)
	switch {
	case err != nil:
		o.Fault(name, "must be a UUID, such as 0198c0de-0000-7000-8000-000000000000")
	case id.IsZero():
		o.Fault(name, "must not be the nil UUID")
	default:
		return id, true
	}
	return aigen.ID{}, false
}

// Number returns a member that is a whole number from 0 to high; 0 if it is missing.
func (o Object) Number(name string, high int) int {
	raw, ok := o.Get(name)
	if !ok {
		return 0
	}
	n, ok := aigen.WholeNumber(string(raw))
	if !ok || n < 0 || n > int64(high) {
		o.Fault(name, "must be a whole number from 0 to %d", high)
		return 0
	}
	return int(n)
}

// Percent returns a member that is a number from 0 to 100, rounded; 0 if it is missing.
func (o Object) Percent(name string) int {
	raw, ok := o.Get(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseFloat(string(raw), 64) // of valid JSON: text, true and lists are no numbers
	if err != nil || n < 0 || n > 100 {
		o.Fault(name, "must be a number from 0 to 100")
		return 0
	}
	return int(math.Round(n))
}

// Flag returns a member that is true or false; false if it is missing.
func (o Object) Flag(name string) bool {
	raw, ok := o.Get(name)
	if ok && string(raw) != "true" && string(raw) != "false" {
		o.Fault(name, "must be true or false")
	}
	return string(raw) == "true"
}

// Child returns a member that is an object; ok is false if there is none.
func (o Object) Child(name string) (Object, bool) {
	raw, ok := o.Get(name)
	if !ok {
		return Object{at: o.Location(name), Faults: o.Faults}, false
	}
	return NewObject(o.Location(name), raw, o.Faults), true
}

// List returns the elements of a member that is an array.
func (o Object) List(name string) ([]json.RawMessage, bool) {
	raw, ok := o.Get(name)
	if !ok {
		return nil, false
	}
	list, ok := jsonscan.Elements(raw)
	if !ok {
		o.Fault(name, "must be a list")
	}
	return list, ok
}

// Only refuses members of other names, so that a misspelt one is not lost quietly.
func (o Object) Only(names ...string) {
	var unknown []string
	for i := range o.Members {
		name := o.Members[i].Name
		if !slices.ContainsFunc(names, func(known string) bool { return known == string(name) }) {
			unknown = append(unknown, string(name))
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		o.Fault(Shorten(name, 64), "is not a known field; known are %s", strings.Join(names, ", "))
	}
}

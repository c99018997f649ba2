package httpapi

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
)

// object reads the members of a JSON object. Names are matched exactly, unlike by
// encoding/json. A member that is null counts as one that is missing.
type object struct {
	at      string
	members []member // nil: it is no object
	faults  *faults
}

// newObject reads raw, valid JSON, which stands at this location. What is read of it
// are pieces of raw.
func newObject(at string, raw json.RawMessage, f *faults) object {
	o := object{at: at, members: members(raw), faults: f}
	if o.members == nil {
		f.add(at, "must be a JSON object")
	}
	return o
}

func (o object) location(name string) string { return o.at + "." + name }

func (o object) fault(name, format string, args ...any) {
	o.faults.add(o.location(name), format, args...)
}

// get returns a member that is there and not null.
func (o object) get(name string) (json.RawMessage, bool) {
	for i := range o.members {
		if m := &o.members[i]; string(m.name) == name {
			return m.value, string(m.value) != "null"
		}
	}
	return nil, false
}

// set gives a member another value.
func (o *object) set(name string, value json.RawMessage) {
	o.members = slices.DeleteFunc(o.members, func(m member) bool { return string(m.name) == name })
	o.members = append(o.members, member{name: []byte(name), value: value})
}

// need returns a member that must be there.
func (o object) need(name string) bool {
	_, ok := o.get(name)
	if !ok && !o.faults.has(o.at) {
		o.fault(name, "is required")
	}
	return ok
}

// text returns a member that is a string.
func (o object) text(name string) (string, bool) {
	raw, ok := o.get(name)
	if !ok {
		return "", false
	}
	if raw[0] != '"' {
		o.fault(name, "must be a string")
		return "", false
	}
	return string(unquoted(raw)), true
}

// id returns a member that is a UUID.
func (o object) id(name string) (aigen.ID, bool) {
	s, ok := o.text(name)
	if !ok {
		return aigen.ID{}, false
	}
	id, err := aigen.ParseID(s)
	switch {
	case err != nil:
		o.fault(name, "must be a UUID, such as 0198c0de-0000-7000-8000-000000000000")
	case id.IsZero():
		o.fault(name, "must not be the nil UUID")
	default:
		return id, true
	}
	return aigen.ID{}, false
}

// number returns a member that is a whole number from 0 to high; 0 if it is missing.
func (o object) number(name string, high int) int {
	raw, ok := o.get(name)
	if !ok {
		return 0
	}
	n, ok := aigen.WholeNumber(string(raw))
	if !ok || n < 0 || n > int64(high) {
		o.fault(name, "must be a whole number from 0 to %d", high)
		return 0
	}
	return int(n)
}

// percent returns a member that is a number from 0 to 100, rounded; 0 if it is missing.
func (o object) percent(name string) int {
	raw, ok := o.get(name)
	if !ok {
		return 0
	}
	n, err := strconv.ParseFloat(string(raw), 64) // of valid JSON: text, true and lists are no numbers
	if err != nil || n < 0 || n > 100 {
		o.fault(name, "must be a number from 0 to 100")
		return 0
	}
	return int(math.Round(n))
}

// flag returns a member that is true or false; false if it is missing.
func (o object) flag(name string) bool {
	raw, ok := o.get(name)
	if ok && string(raw) != "true" && string(raw) != "false" {
		o.fault(name, "must be true or false")
	}
	return string(raw) == "true"
}

// child returns a member that is an object; ok is false if there is none.
func (o object) child(name string) (object, bool) {
	raw, ok := o.get(name)
	if !ok {
		return object{at: o.location(name), faults: o.faults}, false
	}
	return newObject(o.location(name), raw, o.faults), true
}

// list returns the elements of a member that is an array.
func (o object) list(name string) ([]json.RawMessage, bool) {
	raw, ok := o.get(name)
	if !ok {
		return nil, false
	}
	list, ok := elements(raw)
	if !ok {
		o.fault(name, "must be a list")
	}
	return list, ok
}

// only refuses members of other names, so that a misspelt one is not lost quietly.
func (o object) only(names ...string) {
	var unknown []string
	for i := range o.members {
		name := o.members[i].name
		if !slices.ContainsFunc(names, func(known string) bool { return known == string(name) }) {
			unknown = append(unknown, string(name))
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		o.fault(shorten(name, 64), "is not a known field; known are %s", strings.Join(names, ", "))
	}
}

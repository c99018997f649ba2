package httpapi

import "encoding/json"

// PlainJSON and CheckClosely are the short and the long way to check a body.
func PlainJSON(b []byte, whole bool) bool     { return plainJSON(b, jsonRules{whole: whole}) }
func CheckClosely(b []byte, whole bool) error { return checkClosely(b, jsonRules{whole: whole}) }

// Members and Elements take apart what CheckClosely has nothing against. The names of
// the members come in their order.
func Members(raw []byte) (names []string, values map[string]json.RawMessage) {
	list := members(raw)
	if list == nil {
		return nil, nil
	}
	values = map[string]json.RawMessage{}
	for _, m := range list {
		names, values[string(m.name)] = append(names, string(m.name)), m.value
	}
	return names, values
}

// Elements likewise.
var Elements = elements

// Canonical and DecodedCanonical are the short and the long way to one form.
var Canonical, DecodedCanonical = canonical, decodedCanonical

package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Taking JSON apart that has been checked. The parts are pieces of the whole: nothing
// is copied, and nobody may write to them.

// Member is a member of an object.
type Member struct {
	Name  []byte // as text
	Value json.RawMessage
}

// fewMembers is how many members most objects have at most.
const fewMembers = 8

// Members returns those of an object; nil if raw, which is valid JSON, is none.
func Members(raw []byte) []Member {
	i := blanks(raw, 0)
	if raw[i] != '{' {
		return nil
	}
	list := []Member{}
	for i = blanks(raw, i+1); raw[i] != '}'; {
		if len(list) == 0 {
			list = make([]Member, 0, fewMembers)
		}
		end := stringEnd(raw, i)
		name := Unquoted(raw[i:end])
		i = blanks(raw, blanks(raw, end)+1) // past the colon
		end = valueEnd(raw, i)
		list = append(list, Member{name, raw[i:end:end]})
		if i = blanks(raw, end); raw[i] == ',' {
			i = blanks(raw, i+1)
		}
	}
	return list
}

// Elements returns those of an array; false if raw, which is valid JSON, is none.
func Elements(raw []byte) ([]json.RawMessage, bool) {
	i := blanks(raw, 0)
	if raw[i] != '[' {
		return nil, false
	}
	var list []json.RawMessage
	for i = blanks(raw, i+1); raw[i] != ']'; {
		end := valueEnd(raw, i)
		list = append(list, raw[i:end:end])
		if i = blanks(raw, end); raw[i] == ',' {
			i = blanks(raw, i+1)
		}
	}
	return list, true
}

// valueEnd is where the value that starts at i ends. b is valid JSON.
func valueEnd(b []byte, i int) int {
	switch b[i] {
	case '"':
		return stringEnd(b, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch b[i] {
			case '"':
				i = stringEnd(b, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(b) && strings.IndexByte(",]} \t\r\n", b[i]) < 0 {
		i++
	}
	return i
}

// stringEnd is where the string that starts at i ends. b is valid JSON.
func stringEnd(b []byte, i int) int {
	for i++; b[i] != '"'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// Unquoted is the text of a string. Halves of characters become U+FFFD.
func Unquoted(literal []byte) []byte {
	if bytes.IndexByte(literal, '\\') < 0 {
		return literal[1 : len(literal)-1]
	}
	var s string
	if err := json.Unmarshal(literal, &s); err != nil {
		return nil // cannot be: the JSON is valid
	}
	return []byte(s)
}

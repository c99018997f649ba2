package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// maxDepth of arrays and objects in a body, the outermost counted.
const maxDepth = 32

// Rules says what a body's JSON may hold.
type Rules struct {
	// RejectLoneSurrogates refuses halves of surrogate pairs, as databases do. Engines cut messages
	// in the middle of an emoji; with false such a half becomes U+FFFD.
	RejectLoneSurrogates bool
}

// Kind is the kind of a jsonFault.
type Kind int

// What may be wrong with a body.
const (
	Malformed Kind = iota
	Empty
	InvalidUTF8
	TooDeep
	DuplicateName
)

// Error says why a body is refused.
type Error struct {
	Kind   Kind
	Detail string // for whoever sent it
	Where  string // "" where the body as a whole is meant
}

func (f *Error) Error() string { return f.Detail }

// Check refuses what is not one JSON value, and what parsers disagree on: keys
// that come twice, half characters, endless nesting.
func Check(body []byte, rules Rules) error {
	if plainJSON(body, rules) {
		return nil
	}
	return checkClosely(body, rules)
}

// checkClosely says what is wrong with a body, if anything is.
func checkClosely(body []byte, rules Rules) error {
	at := func(offset int) string {
		line := 1 + bytes.Count(body[:offset], []byte("\n"))
		column := offset - bytes.LastIndexByte(body[:offset], '\n')
		return fmt.Sprintf("line %d, column %d (byte %d)", line, column, offset)
	}
	if len(bytes.TrimLeft(body, " \t\r\n")) == 0 {
		return &Error{Empty, "Send a JSON object.", ""}
	}
	if bytes.HasPrefix(body, []byte("\xef\xbb\xbf")) {
		return &Error{Malformed, "The body begins with a byte order mark (EF BB BF), which JSON does not have. Send it without.", at(0)}
	}
	if offset := invalidUTF8(body); offset >= 0 {
		return &Error{InvalidUTF8, fmt.Sprintf("The byte at offset %d is not valid UTF-8.", offset), at(offset)}
	}
	if offset := tooDeep(body); offset >= 0 {
		return &Error{TooDeep, fmt.Sprintf("Arrays and objects may be nested up to %d deep.", maxDepth), at(offset)}
	}
	var whole json.RawMessage
	if err := json.Unmarshal(body, &whole); err != nil {
		offset := len(body)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			offset = min(max(int(syntax.Offset)-1, 0), len(body))
			if syntax.Error() == "unexpected end of JSON input" {
				offset = len(body)
			}
		}
		where := at(offset) + ": " + err.Error()
		return &Error{Malformed, "The body cannot be read as JSON: " + err.Error() + ".", where}
	}
	return checkStrings(body, rules, at)
}

// invalidUTF8 returns the offset of the first byte that is no UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

// tooDeep returns where the nesting passes maxDepth, or -1. b need not be JSON.
func tooDeep(b []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return i
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return -1
}

// checkStrings looks at each string of valid JSON.
func checkStrings(b []byte, rules Rules, at func(int) string) error {
	var open []map[string]struct{} // the keys of each open object, nil for an array
	isKey := false
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{':
			open, isKey = append(open, map[string]struct{}{}), true
		case '[':
			open, isKey = append(open, nil), false
		case '}', ']':
			open, isKey = open[:len(open)-1], false
		case ',':
			isKey = len(open) > 0 && open[len(open)-1] != nil
		case '"':
			end := stringEnd(b, i)
			literal := b[i:end]
			if rules.RejectLoneSurrogates && halfSurrogate(literal) {
				return &Error{Malformed, "A \\u escape stands for half a character.", at(i)}
			}
			if isKey && !addKey(open[len(open)-1], literal) {
				return &Error{DuplicateName, "An object has the same key twice; which one counts cannot be known.", at(i)}
			}
			isKey = false
			i = end - 1
		}
	}
	return nil
}

// addKey reports whether the key is new. Keys are compared as text: "a" and
// "\u0061" are the same.
func addKey(keys map[string]struct{}, literal []byte) bool {
	key := string(literal[1 : len(literal)-1])
	if bytes.IndexByte(literal, '\\') >= 0 {
		if err := json.Unmarshal(literal, &key); err != nil {
			return false // cannot be: the JSON is valid
		}
	}
	_, twice := keys[key]
	keys[key] = struct{}{}
	return !twice
}

// halfSurrogate reports whether a string has a \u escape of one half of a pair
// without the other.
func halfSurrogate(literal []byte) bool {
	high := false // the escape just before was a first half
	for i := 0; i < len(literal); i++ {
		if literal[i] != '\\' {
			if high {
				return true
			}
			continue
		}
		i++
		if literal[i] != 'u' {
			if high {
				return true
			}
			continue
		}
		// D800–DBFF is a first half, DC00–DFFF a second.
		surrogate := (literal[i+1] == 'd' || literal[i+1] == 'D') && literal[i+2] >= '8'
		second := surrogate && (literal[i+2]|0x20) >= 'c'
		if high != second {
			return true
		}
		high = surrogate && !second
		i += 4
	}
	return high
}

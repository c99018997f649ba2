package jsonscan

import (
	"bytes"
	"encoding/json"
	"strings"
)

// CheckFree says what databases and other languages cannot hold of free-form JSON: NUL
// in a text, and numbers beyond the range of a double. It returns "" where all is well.
func CheckFree(raw json.RawMessage) (why string) {
	if plainFree(raw) {
		return ""
	}
	v, err := decodeAny(raw)
	if err != nil {
		return "" // the form has been checked
	}
	walk(v, func(leaf any) {
		switch x := leaf.(type) {
		case string:
			if strings.ContainsRune(x, 0) {
				why = "must not hold a NUL character"
			}
		case json.Number:
			if _, err := x.Float64(); err != nil || len(x) > maxDigits {
				why = "holds a number that is too large or has too many digits"
			}
		}
	})
	return why
}

// maxDigits is how long a number in free-form JSON may be.
const maxDigits = 64

// plainFree reports whether checkFree finds nothing in raw, valid JSON, at first sight:
// no text has an escaped NUL, and no number an exponent, without which a double holds
// all that have so few digits. false says nothing.
func plainFree(raw []byte) bool {
	if bytes.Contains(raw, []byte(`\u0000`)) {
		return false
	}
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '"':
			i = stringEnd(raw, i) - 1
		case c == '-' || c >= '0' && c <= '9':
			end := valueEnd(raw, i)
			if end-i > maxDigits || bytes.ContainsAny(raw[i:end], "eE") {
				return false
			}
			i = end - 1
		}
	}
	return true
}

// walk visits keys, strings and numbers. v is not deeper than maxDepth.
func walk(v any, visit func(any)) {
	switch x := v.(type) {
	case map[string]any:
		for key, member := range x {
			visit(key)
			walk(member, visit)
		}
	case []any:
		for _, element := range x {
			walk(element, visit)
		}
	default:
		visit(v)
	}
}

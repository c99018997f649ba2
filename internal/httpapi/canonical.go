package httpapi

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/web"
)

// canonical writes JSON with sorted keys and no white space. Numbers stay as they
// were spelt, so that none loses digits.
func canonical(raw []byte) ([]byte, error) {
	if plainJSON(raw, jsonRules{}) {
		return appendCanonical(make([]byte, 0, len(raw)), raw), nil
	}
	return decodedCanonical(raw)
}

// decodedCanonical takes any JSON, and several times as long.
func decodedCanonical(raw []byte) ([]byte, error) {
	v, err := decodeAny(raw)
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// appendCanonical appends what json.Marshal makes of plain JSON that was decoded.
func appendCanonical(b, raw []byte) []byte {
	switch i := blanks(raw, 0); raw[i] {
	case '{':
		list := members(raw)
		slices.SortFunc(list, func(a, b member) int { return bytes.Compare(a.name, b.name) })
		b = append(b, '{')
		for n, m := range list {
			if n > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, m.name), ':') // no key of plain JSON has an escape
			b = appendCanonical(b, m.value)
		}
		return append(b, '}')
	case '[':
		list, _ := elements(raw)
		b = append(b, '[')
		for n, element := range list {
			if n > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, element)
		}
		return append(b, ']')
	case '"':
		literal := raw[i:stringEnd(raw, i)]
		if bytes.IndexByte(literal, '\\') >= 0 {
			return appendEscaped(b, unquoted(literal))
		}
		return appendText(b, literal[1:len(literal)-1])
	default:
		return append(b, raw[i:valueEnd(raw, i)]...)
	}
}

// appendText appends a string as json.Marshal spells it, of a text that has nothing to
// escape but perhaps <, > and &, and the line separators of JavaScript, which begin with
// the byte E2.
func appendText(b, text []byte) []byte {
	if bytes.ContainsAny(text, "<>&") || bytes.IndexByte(text, 0xe2) >= 0 {
		return appendEscaped(b, text)
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

func appendEscaped(b, text []byte) []byte {
	literal, _ := json.Marshal(string(text)) //nolint:errchkjson // a string: cannot fail
	return append(b, literal...)
}

func decodeAny(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// requestKey reads the Idempotency-Key, and makes the hash that tells whether a
// later request with it is the same one: method, path without spelling, and what
// the body means. body may be empty.
func requestKey(r *http.Request, route string, generation aigen.ID, body []byte) (app.RequestKey, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return app.RequestKey{}, nil
	}
	if len(values) > 1 || !visible(values[0]) || len(values[0]) > aigen.MaxKeyLength {
		return app.RequestKey{}, invalid(aigen.FieldError{
			Location: "header.Idempotency-Key",
			Message:  "must be one value of 1 to " + strconv.Itoa(aigen.MaxKeyLength) + " visible ASCII characters",
		})
	}
	if len(body) > 0 {
		var err error
		if body, err = canonical(body); err != nil {
			return app.RequestKey{}, err
		}
	}
	path := strings.Replace(route, "{id}", generation.String(), 1)
	return app.RequestKey{Key: values[0], Hash: sha256.Sum256(append([]byte(r.Method+" "+path+"\n"), body...))}, nil
}

// visible reports whether s is made of visible ASCII characters.
func visible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != ""
}

// Replayed marks an answer that an earlier request got first.
func replayed(w http.ResponseWriter, r *http.Request, yes bool) {
	if yes {
		web.InfoFrom(r.Context()).Replayed = true
		w.Header().Set("Idempotency-Replayed", "true")
	}
}

// checkFree refuses what databases and other languages cannot hold within free-form
// JSON: NUL in a text, and numbers beyond the range of a double.
func checkFree(at string, raw json.RawMessage, f *faults) {
	if plainFree(raw) {
		return
	}
	v, err := decodeAny(raw)
	if err != nil {
		return // the form has been checked
	}
	walk(v, func(leaf any) {
		switch x := leaf.(type) {
		case string:
			if strings.ContainsRune(x, 0) {
				f.add(at, "must not hold a NUL character")
			}
		case json.Number:
			if _, err := x.Float64(); err != nil || len(x) > maxDigits {
				f.add(at, "holds a number that is too large or has too many digits")
			}
		}
	})
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

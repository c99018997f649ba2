package jsonscan

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Canonical writes JSON with sorted keys and no white space. Numbers stay as they
// were spelt, so that none loses digits.
func Canonical(raw []byte) ([]byte, error) {
	if plainJSON(raw, Rules{}) {
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
		list := Members(raw)
		slices.SortFunc(list, func(a, b Member) int { return bytes.Compare(a.Name, b.Name) })
		b = append(b, '{')
		for n, m := range list {
			if n > 0 {
				b = append(b, ',')
			}
			b = append(appendText(b, m.Name), ':') // no key of plain JSON has an escape
			b = appendCanonical(b, m.Value)
		}
		return append(b, '}')
	case '[':
		list, _ := Elements(raw)
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
			return appendEscaped(b, Unquoted(literal))
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

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// printable makes text from elsewhere safe to print on one line: a control character
// could move the cursor, change the title of the window, or worse.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case isControl(r):
			return -1
		}
		return r
	}, s)
}

// isControl: what a terminal might obey, and what turns text around unseen.
func isControl(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }

// cleanWriter is what all text of the commands goes through: of control characters, it
// lets line breaks and tabs pass. What draws on a terminal, or writes a picture, takes
// the stream beneath (rawOf), and cleans by itself what comes from elsewhere.
type cleanWriter struct {
	to   io.Writer
	rest []byte // of a character that is not complete yet
}

func (w *cleanWriter) Write(p []byte) (int, error) {
	text := slices.Concat(w.rest, p)
	var clean bytes.Buffer
	for len(text) > 0 && utf8.FullRune(text) {
		r, n := utf8.DecodeRune(text)
		if r == '\n' || r == '\t' || !isControl(r) {
			clean.WriteRune(r) // what is no UTF-8 becomes U+FFFD: a terminal may obey single bytes too
		}
		text = text[n:]
	}
	w.rest = bytes.Clone(text)
	if _, err := w.to.Write(clean.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// rawOf is the stream beneath.
func rawOf(w io.Writer) io.Writer {
	if c, ok := w.(*cleanWriter); ok {
		return c.to
	}
	return w
}

// writeJSON writes v as JSON on one line; with an indent, on several.
func writeJSON(out io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := out.Write(escaped(b.Bytes()))
	return err
}

// escaped is JSON that means the same, with control characters in the form \u009b: JSON
// demands that of the oldest of them alone.
func escaped(raw []byte) []byte {
	if utf8.Valid(raw) && !bytes.ContainsFunc(raw, func(r rune) bool { return r != '\n' && isControl(r) }) {
		return raw
	}
	var b bytes.Buffer
	for _, r := range string(raw) {
		switch {
		case r == '\n' || !isControl(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := surrogates(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}

func surrogates(r rune) (hi, lo rune) {
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

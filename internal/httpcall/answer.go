package httpcall

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Answer is what the other side said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Redirects reports whether the answer points elsewhere.
func (a Answer) Redirects() bool { return a.Status >= 300 && a.Status < 400 }

// JSON reads the body as a JSON object. The content type is not asked: frameworks
// send pages as JSON and JSON as text, and no page parses as an object.
func (a Answer) JSON() (Object, bool) {
	var o Object
	if err := json.Unmarshal(a.Body, &o); err != nil || o == nil {
		return nil, false
	}
	return o, true
}

// HTML reports whether the answer is a page for a browser.
func (a Answer) HTML() bool {
	if strings.HasPrefix(strings.ToLower(a.Header.Get("Content-Type")), "text/html") {
		_, isJSON := a.JSON()
		return !isJSON
	}
	return bytes.HasPrefix(bytes.TrimLeft(a.Body, "\ufeff \t\r\n"), []byte("<"))
}

// longestWait bounds what is believed of a Retry-After.
const longestWait = time.Hour

// RetryAfter is how long the other side asks to be left alone, 0 if it does not say.
// It says so in seconds or as a date (RFC 9110, 10.2.3).
func (a Answer) RetryAfter(now time.Time) time.Duration {
	text := strings.TrimSpace(a.Header.Get("Retry-After"))
	if n, err := strconv.ParseUint(text, 10, 32); err == nil {
		return min(time.Duration(n)*time.Second, longestWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(0, at.Sub(now)), longestWait)
	}
	return 0
}

// Away reports whether the answer says that there is nobody to take the call just now: it
// comes from a server that has too much to do, or from a proxy in front of one that is
// gone (the 52x and 530 are Cloudflare's).
func (a Answer) Away() bool {
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, 530:
		return true
	}
	return a.Status >= 520 && a.Status <= 527
}

// Asks gives err a method RetryAfter where the answer asks to be left alone for a while.
func (a Answer) Asks(err error, now time.Time) error {
	if wait := a.RetryAfter(now); wait > 0 {
		return &asked{err, wait}
	}
	return err
}

// asked is an error with how long the other side asks to be left alone.
type asked struct {
	error
	after time.Duration
}

func (a *asked) Error() string             { return fmt.Sprintf("%s (asks to wait %s)", a.error, a.after) }
func (a *asked) Unwrap() error             { return a.error }
func (a *asked) RetryAfter() time.Duration { return a.after }

// Object is a JSON object with its values not read yet.
type Object map[string]json.RawMessage

// Has reports whether there is a value: Odoo writes false for none, others null or
// an empty text.
func (o Object) Has(name string) bool {
	switch string(o[name]) {
	case "", "null", "false", `""`:
		return false
	}
	return true
}

// Bool is the value of a name; ok is false if it is anything but true or false.
func (o Object) Bool(name string) (value, ok bool) {
	switch string(o[name]) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

// Text is the value of a name if it is a text, else "".
func (o Object) Text(name string) string {
	var s string
	if json.Unmarshal(o[name], &s) != nil {
		return ""
	}
	return s
}

// Object is the value of a name if it is an object, else nil.
func (o Object) Object(name string) Object {
	var inner Object
	if json.Unmarshal(o[name], &inner) != nil {
		return nil
	}
	return inner
}

// List is the value of a name if it is a list; ok is false if it is none.
func (o Object) List(name string) (items []json.RawMessage, ok bool) {
	if err := json.Unmarshal(o[name], &items); err != nil {
		return nil, false
	}
	return items, items != nil
}

// Short makes a text of the other side fit for a log: its first line, at most limit
// bytes, what does not print left out.
func Short(s string, limit int) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strings.TrimSpace(s)
}

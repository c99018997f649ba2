package wire

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Seconds is the wire form of Retry-After, rounded up: too early helps nobody.
func Seconds(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10)
}

// Marshal writes JSON as people read it: encoding/json would spell <, > and & as
// escapes, for the sake of pages that hold JSON, of which there are none.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// WriteJSON answers with a value.
func WriteJSON(w http.ResponseWriter, status int, v any) error {
	body, err := Marshal(v)
	if err != nil {
		return err
	}
	WriteBody(w, status, body)
	return nil
}

// WriteBody answers with JSON.
func WriteBody(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// The fields of draft-ietf-httpapi-ratelimit-headers-11. They are not written
// "Ratelimit", as net/http would have it: the names are the draft's, and h[name]
// keeps them.
const (
	RateHeader       = "RateLimit"
	RatePolicyHeader = "RateLimit-Policy"
)

package sse

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// keptBuffer is how large the buffer of a Writer may stay, in bytes.
const keptBuffer = 16 << 10

// ErrClientGone is returned (wrapped) where an event could not be written in time.
var ErrClientGone = errors.New("the client does not read its events")

// Writer writes server-sent events. Each write has a deadline of its own: a client that
// has disappeared without closing its connection would otherwise hold a goroutine for
// hours.
type Writer struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	buf     bytes.Buffer
}

// NewWriter returns a Writer that gives each event this long to be written.
func NewWriter(w http.ResponseWriter, timeout time.Duration) *Writer {
	return &Writer{w: w, control: http.NewResponseController(w), timeout: timeout}
}

// Begin sends the headers, and how long a client should wait before it connects again.
func (s *Writer) Begin(retry time.Duration) error {
	h := s.w.Header()
	h.Set("Content-Type", MediaType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // otherwise nginx keeps events until its buffer is full
	s.w.WriteHeader(http.StatusOK)
	// No blank line follows, here and after a comment: some clients would take it for the
	// end of an event without data.
	fmt.Fprintf(&s.buf, "retry: %d\n", retry.Milliseconds())
	return s.flush()
}

// Event writes one event, with data as JSON. An event with the id "" does not change what
// a client resumes after.
func (s *Writer) Event(id, name string, data any) error {
	body, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		s.buf.WriteString("id: " + id + "\n")
	}
	s.buf.WriteString("event: " + name + "\ndata: ")
	s.buf.Write(body) // JSON without indentation has no line breaks
	s.buf.WriteString("\n\n")
	return s.flush()
}

// Comment writes a line that clients ignore: a sign of life.
func (s *Writer) Comment(text string) error {
	s.buf.WriteString(": " + text + "\n")
	return s.flush()
}

func (s *Writer) flush() error {
	// A writer without deadlines (a test's) needs none.
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	_, err := s.w.Write(s.buf.Bytes())
	if s.buf.Reset(); s.buf.Cap() > keptBuffer {
		s.buf = bytes.Buffer{} // streams are open for hours, and large events are rare
	}
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	return nil
}

package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// eventStream is the media type of Server-Sent Events.
const eventStream = "text/event-stream"

// retryHint is how long a client waits before it connects again.
const retryHint = 2 * time.Second

// keptBuffer is how large a buffer of a stream may stay, in bytes.
const keptBuffer = 16 << 10

// errClientGone: an event could not be written within its deadline.
var errClientGone = errors.New("the client does not read its events")

// sse writes Server-Sent Events. Each write has a deadline of its own: a client
// that is gone without a word would else hold a goroutine for hours.
type sse struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
	buf     bytes.Buffer
}

func newSSE(w http.ResponseWriter, timeout time.Duration) *sse {
	return &sse{w: w, control: http.NewResponseController(w), timeout: timeout}
}

func (s *sse) begin() error {
	h := s.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // else nginx keeps events until its buffer is full
	s.w.WriteHeader(http.StatusOK)
	// Without a blank line, here and in a comment: some clients make an event without
	// data of each.
	fmt.Fprintf(&s.buf, "retry: %d\n", retryHint.Milliseconds())
	return s.flush()
}

// event writes one event. Those without a number leave the client's place as it is.
func (s *sse) event(number int64, v eventView) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if number > 0 {
		s.buf.WriteString("id: " + strconv.FormatInt(number, 10) + "\n")
	}
	s.buf.WriteString("event: " + v.Type + "\ndata: ")
	s.buf.Write(data) // JSON without indentation has no line breaks
	s.buf.WriteString("\n\n")
	return s.flush()
}

// notice tells why the stream ends from this side.
func (s *sse) notice(name, message string) error {
	data, err := json.Marshal(map[string]string{"type": name, "message": message})
	if err != nil {
		return err
	}
	fmt.Fprintf(&s.buf, "event: %s\ndata: %s\n\n", name, data)
	return s.flush()
}

func (s *sse) comment(text string) error {
	s.buf.WriteString(": " + text + "\n")
	return s.flush()
}

func (s *sse) flush() error {
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
		return fmt.Errorf("%w: %w", errClientGone, err)
	}
	return nil
}

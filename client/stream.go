package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/sse"
)

// Event is something that happened to a generation.
type Event struct {
	ID   string // what to resume after; "" for progress, which is not kept
	Type aigen.EventType
	At   time.Time
	Data aigen.EventData
	Raw  json.RawMessage // all of it as it came, with what this version does not know
}

// Terminal reports whether nothing follows.
func (e Event) Terminal() bool { return e.Type != aigen.EventProgress && e.Data.Status.Ended() }

// errSilent is why a connection is cut that sends nothing, not even a heartbeat.
var errSilent = errors.New("the stream fell silent")

// Stream yields what has happened to a generation after the event after ("": all),
// then what happens, up to the terminal event. A connection that breaks is made
// again, and no event is lost or repeated thereby. An error is the last thing it
// yields: the caller's context ended, the service said no, or it could not be found
// again for MaxOutage.
func (c *Client) Stream(ctx context.Context, id aigen.ID, after string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{c: c, path: "/generations/" + id.String() + "/events", last: after, yield: yield, contact: time.Now()}
		s.ends = Event.Terminal
		s.run(ctx)
	}
}

// Link is the connection of a StreamAll: nil Down when it has been made, else why it
// is not there.
type Link struct{ Down error }

// StreamAll yields what happens from now on to all of the user's generations, until the
// caller's context ends or the service says no. A connection that breaks is made again,
// without end, and no event that is kept is lost or repeated thereby, once there was a
// first: link is told each time, and whoever shows a state reads it anew when the
// connection has been made. It is called between events, never at the same time.
func (c *Client) StreamAll(ctx context.Context, link func(Link)) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		s := &stream{c: c, path: "/events", yield: yield, contact: time.Now(), link: link, endless: true}
		s.ends = func(Event) bool { return false }
		s.run(ctx)
	}
}

// run connects until there is nothing more to come.
func (s *stream) run(ctx context.Context) {
	for {
		err := s.connect(ctx)
		if s.done {
			return
		}
		delay, again := s.again(ctx, err)
		if again {
			if s.link != nil {
				s.link(Link{Down: err})
			}
			err = sleep(ctx, delay)
		}
		if err != nil && (!again || ctx.Err() != nil) {
			s.yield(Event{}, err)
			return
		}
	}
}

// stream is one Stream over all its connections.
type stream struct {
	c       *Client
	path    string
	yield   func(Event, error) bool
	ends    func(Event) bool // nothing follows the event
	link    func(Link)       // nil: nobody wants to know
	endless bool             // MaxOutage does not count

	last     string        // id of the last event handed out
	done     bool          // the terminal event was handed out, or nobody wants more
	failures int           // connections in a row that brought nothing
	contact  time.Time     // when something last came
	retry    time.Duration // as the server asked
}

// again decides whether to connect once more after err, and when.
func (s *stream) again(ctx context.Context, err error) (time.Duration, bool) {
	s.failures++
	delay := max(s.c.backoff(s.failures), min(s.retry, s.c.MaxDelay))
	var p *Problem
	switch {
	case ctx.Err() != nil:
		return 0, false
	case errors.As(err, &p):
		if !p.passing() && p.Status < http.StatusInternalServerError {
			return 0, false
		}
		delay = max(delay, min(p.RetryAfter, s.c.MaxDelay))
	case errors.Is(err, sse.ErrTooLong), errors.As(err, new(*malformedError)):
		return 0, false // it would come again
	}
	return delay, s.endless || time.Since(s.contact) < s.c.MaxOutage
}

// malformedError is an event that no service of this contract sends.
type malformedError struct{ err error }

func (e *malformedError) Error() string {
	return "the stream is not what this service sends: " + e.err.Error()
}
func (e *malformedError) Unwrap() error { return e.err }

// connect reads one connection to its end.
func (s *stream) connect(ctx context.Context) error {
	conn, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(s.c.IdleTimeout, func() { cancel(errSilent) })
	defer silence.Stop()

	req, err := http.NewRequestWithContext(conn, http.MethodGet, s.c.endpoint(s.path), nil)
	if err != nil {
		return err
	}
	if err := s.c.authorize(req); err != nil {
		return err
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cache-Control", "no-cache")
	if s.last != "" {
		req.Header.Set("Last-Event-ID", s.last)
	}
	res, err := s.c.api.Do(req)
	if err != nil {
		return s.c.unreachable(conn, err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent: // the end has been seen
		s.done = true
		return nil
	default:
		return readProblem(res, time.Now())
	}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind != "text/event-stream" {
		return &malformedError{fmt.Errorf("its content type is %q", kind)}
	}
	if s.link != nil {
		s.link(Link{})
	}
	err = s.read(&watched{r: res.Body, silence: silence, limit: s.c.IdleTimeout, contact: &s.contact})
	if cause := context.Cause(conn); cause != nil && !s.done {
		return cause
	}
	return err
}

func (s *stream) read(body io.Reader) error {
	frames := sse.NewReader(body)
	for {
		f, err := frames.Next()
		s.retry = max(s.retry, frames.Retry)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return errors.New("the stream was cut off")
		case err != nil:
			return err
		}
		s.failures = 0
		if s.skips(f) {
			continue
		}
		e, err := decodeEvent(f)
		if err != nil {
			return err
		}
		if f.Named {
			s.last = f.ID
		}
		s.done = !s.yield(e, nil) || s.ends(e)
		if s.done {
			return nil
		}
	}
}

// skips reports whether a frame is not for the caller: a remark on the connection,
// such as server_shutdown, after which we connect again; or an event that is not
// after the last one, because something on the way has swallowed our Last-Event-ID.
func (s *stream) skips(f sse.Frame) bool {
	if !f.Named {
		return f.Event != string(aigen.EventProgress)
	}
	n, err := strconv.ParseInt(f.ID, 10, 64)
	last, lastErr := strconv.ParseInt(s.last, 10, 64)
	return err == nil && lastErr == nil && n <= last
}

func decodeEvent(f sse.Frame) (Event, error) {
	e := Event{Type: aigen.EventType(f.Event), Raw: json.RawMessage(f.Data)}
	if f.Named {
		e.ID = f.ID
	}
	wire := struct {
		At *time.Time `json:"at"`
		*aigen.EventData
	}{&e.At, &e.Data}
	if err := json.Unmarshal(f.Data, &wire); err != nil {
		return Event{}, &malformedError{fmt.Errorf("event %q: %w", f.Event, err)}
	}
	return e, nil
}

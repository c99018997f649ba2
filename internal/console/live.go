package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
)

const eventStream = "text/event-stream"

// errSessionEnded: the token's time is over while a stream is open.
var errSessionEnded = errors.New("the session has ended")

// liveMessage is what pages are told. It is a nudge: a page that shows the generation
// asks for its part anew. So nothing has to be replayed after a connection was lost;
// with each new one, pages ask once.
type liveMessage struct {
	ID       aigen.ID        `json:"id"`
	Type     aigen.EventType `json:"type"`
	Status   aigen.Status    `json:"status"`
	Progress *int            `json:"progress,omitempty"`
}

// live is the stream of all that happens to the user's generations, for all pages
// that are open. It is a GET with the session's cookie and changes nothing; other
// origins cannot read it, since no CORS header allows them to.
func (k *Console) live(w http.ResponseWriter, r *http.Request) error {
	s := sessionOf(r.Context())
	if k.drain.Err() != nil {
		return &fault{code: codeShuttingDown}
	}
	leave, err := k.streams.enter(s.UserID)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := k.lifetime(r.Context(), s)
	defer cancel()
	source, err := k.c.Service.StreamUser(ctx, s.UserID, nil)
	switch {
	case errors.Is(context.Cause(ctx), errSessionEnded):
		return &signedOutError{why: whyExpired, cause: err}
	case err != nil && k.drain.Err() != nil:
		return &fault{code: codeShuttingDown, cause: err}
	case err != nil:
		return err
	}
	defer source.Close()
	out := liveWriter{w: w, control: http.NewResponseController(w), timeout: k.c.WriteTimeout}
	if err := out.begin(); err != nil || r.Method == http.MethodHead {
		return nil // the browser has gone, or asks only whether it would be let in
	}
	k.pump(ctx, source, out)
	return nil
}

// lifetime ends with the request, the session, or the service.
func (k *Console) lifetime(parent context.Context, s session) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	stops := []func() bool{context.AfterFunc(k.drain, func() { cancel(context.Canceled) })}
	if !s.ExpiresAt.IsZero() {
		timer := time.AfterFunc(s.ExpiresAt.Sub(k.c.Now()), func() { cancel(errSessionEnded) })
		stops = append(stops, timer.Stop)
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

// pump passes events on until the end, with a beat where there are none, by which
// pages know a live connection from a dead one.
func (k *Console) pump(ctx context.Context, source *live.Stream, out liveWriter) {
	for {
		wait, cancel := context.WithTimeout(ctx, k.c.Heartbeat)
		e, err := source.Next(wait)
		idle := wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			err = out.event("change", liveMessage{ID: e.GenerationID, Type: e.Type, Status: e.Data.Status, Progress: e.Data.Progress})
		case idle && errors.Is(err, context.DeadlineExceeded):
			err = out.event("beat", nil)
		case errors.Is(context.Cause(ctx), errSessionEnded):
			_ = out.event("ended", nil)
		}
		if err != nil {
			return
		}
	}
}

// liveWriter writes Server-Sent Events. Each has a deadline of its own: a browser that
// is gone without a word would else hold a goroutine for hours.
type liveWriter struct {
	w       http.ResponseWriter
	control *http.ResponseController
	timeout time.Duration
}

func (o liveWriter) begin() error {
	h := o.w.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // else nginx keeps events until its buffer is full
	o.w.WriteHeader(http.StatusOK)
	if _, err := io.WriteString(o.w, "retry: 1000\n\n"); err != nil {
		return err
	}
	return o.event("hello", nil)
}

func (o liveWriter) event(name string, data any) error {
	body := []byte("{}")
	if data != nil {
		var err error
		if body, err = json.Marshal(data); err != nil {
			return err
		}
	}
	// A writer that has no deadlines (a test's) needs none.
	_ = o.control.SetWriteDeadline(time.Now().Add(o.timeout))
	if _, err := io.WriteString(o.w, "event: "+name+"\ndata: "+string(body)+"\n\n"); err != nil {
		return err
	}
	return o.control.Flush()
}

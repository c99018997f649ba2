package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
)

// eventListView describes the list of events that clients without SSE get.
type eventListView struct {
	Items           []eventView `json:"items" nullable:"false" doc:"Oldest first. 1 MiB of them at most."`
	NextLastEventID *string     `json:"nextLastEventId" doc:"Where there is more: ask again with this as Last-Event-ID. Else null."`
}

func (a *API) generationEvents(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept")
	format := negotiate(r.Header.Values("Accept"))
	if format == formatNone {
		return newAPIError(codeNotAcceptable, "There is text/event-stream and application/json.")
	}
	after, _, err := lastEventID(r)
	if err != nil {
		return err
	}
	user := identityOf(r.Context()).UserID
	g, err := a.c.Service.GetGeneration(r.Context(), user, id)
	if err != nil {
		return err
	}
	if after > g.LastEvent {
		// Such a client would wait for ever for events it believes to have.
		return eventIDFault("this generation has no event of that number yet")
	}
	if format == formatJSON {
		return a.listEvents(w, r, user, id, after)
	}
	if g.Status.Ended() && after == g.LastEvent {
		// A browser's EventSource connects again whenever a stream ends, but for this.
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return a.stream(w, r, func(ctx context.Context) (*live.Stream, error) {
		return a.c.Service.StreamGeneration(ctx, user, id, after)
	})
}

func (a *API) listEvents(w http.ResponseWriter, r *http.Request, user, id aigen.ID, after int64) error {
	leave, err := a.large.enter(user)
	if err != nil {
		return err
	}
	defer leave()
	body := newListBody()
	for e, err := range a.c.Service.EachEvent(r.Context(), user, id, after) {
		if err != nil {
			return err
		}
		fits, err := body.add(a.viewEvent(e))
		if err != nil {
			return err
		}
		if !fits {
			body.end(w, "nextLastEventId", strconv.FormatInt(after, 10))
			return nil
		}
		after = e.Seq
	}
	body.end(w, "nextLastEventId", "")
	return nil
}

func (a *API) userEvents(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept")
	if accept := r.Header.Values("Accept"); qualityOf(accept, eventStream).q == 0 {
		return newAPIError(codeNotAcceptable, "There is only text/event-stream.")
	}
	after, given, err := lastEventID(r)
	if err != nil {
		return err
	}
	user := identityOf(r.Context()).UserID
	return a.stream(w, r, func(ctx context.Context) (*live.Stream, error) {
		if !given {
			return a.c.Service.StreamUser(ctx, user, nil)
		}
		s, err := a.c.Service.StreamUser(ctx, user, &after)
		if errors.Is(err, live.ErrAhead) {
			return nil, eventIDFault("you have no event of that number yet")
		}
		return s, err
	})
}

// lastEventID reads where to resume: the header that EventSource sends by itself,
// else the query, for the first connection of a page that was loaded anew.
func lastEventID(r *http.Request) (after int64, given bool, err error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("lastEventId")
	}
	if text == "" {
		return 0, false, nil
	}
	after, err = parseEventID(text)
	return after, true, err
}

// parseEventID takes digits only: no sign, no blank.
func parseEventID(text string) (int64, error) {
	for i := range len(text) {
		if text[i] < '0' || text[i] > '9' {
			return 0, eventIDFault("must be the id of an event of this stream")
		}
	}
	after, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, eventIDFault("must be the id of an event of this stream")
	}
	return after, nil
}

func eventIDFault(message string) error {
	return newAPIError(codeInvalidEventID, "Last-Event-ID: "+message+".", aigen.FieldError{Location: "header.Last-Event-ID", Message: message})
}

// stream serves a stream until its end, the client's, the token's or the service's.
func (a *API) stream(w http.ResponseWriter, r *http.Request, open func(context.Context) (*live.Stream, error)) error {
	c, who := infoFrom(r.Context()), identityOf(r.Context())
	if a.drain.Err() != nil {
		return newAPIError(codeShuttingDown, "The service is stopping. Connect again in a moment.")
	}
	leave, err := a.streams.enter(who.UserID)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := a.lifetime(r.Context(), who)
	defer cancel(nil)
	source, err := open(ctx)
	if err != nil {
		return a.notOpened(ctx, err)
	}
	defer source.Close()
	c.stream = true
	out := newSSE(w, a.c.WriteTimeout)
	if err := out.begin(); err != nil || r.Method == http.MethodHead {
		c.gone = err != nil
		return nil
	}
	err = a.pump(ctx, source, out)
	switch cause := context.Cause(ctx); {
	case errors.Is(err, io.EOF):
	case errors.Is(cause, errShutdown):
		_ = out.notice("server_shutdown", "The service is stopping. Connect again with Last-Event-ID.")
	case errors.Is(cause, errTokenExpired):
		_ = out.notice("token_expired", "The token has expired. Connect again with a new one and Last-Event-ID.")
	case r.Context().Err() != nil || errors.Is(err, errClientGone):
		c.gone = true
	default:
		c.err = err // headers are out: the client reconnects and is told then
	}
	return nil
}

// notOpened is the answer where a stream's time was over before it had begun: that is
// no fault of ours, as the cancelled context in err would have it.
func (a *API) notOpened(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errShutdown):
		return newAPIError(codeShuttingDown, "The service is stopping. Connect again in a moment.")
	case errors.Is(cause, errTokenExpired):
		return tokenFault(cause)
	}
	return err
}

// lifetime ends with the request, the token, or the service.
func (a *API) lifetime(parent context.Context, who Identity) (context.Context, context.CancelCauseFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	stops := []func() bool{context.AfterFunc(a.drain, func() { cancel(errShutdown) })}
	if !who.ExpiresAt.IsZero() {
		left := who.ExpiresAt.Sub(a.c.Now())
		if left <= 0 {
			cancel(errTokenExpired) // it was still good when it was looked at
		}
		timer := time.AfterFunc(left, func() { cancel(errTokenExpired) })
		stops = append(stops, timer.Stop)
	}
	return ctx, func(cause error) {
		for _, stop := range stops {
			stop()
		}
		cancel(cause)
	}
}

// pump passes events on, with a sign of life where there are none.
func (a *API) pump(ctx context.Context, source *live.Stream, out *sse) error {
	for {
		wait, cancel := context.WithTimeout(ctx, a.c.Heartbeat)
		e, err := source.Next(wait)
		idle := wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err == nil:
			err = out.event(source.Number(e), a.viewEvent(e))
		case idle && errors.Is(err, context.DeadlineExceeded):
			err = out.comment("still here")
		}
		if err != nil {
			return err
		}
	}
}

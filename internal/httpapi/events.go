package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/sse"
	"github.com/creativeflow/aigen/internal/web"
)

func (a *API) generationEvents(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	w.Header().Add("Vary", "Accept")
	format := negotiate(r.Header.Values("Accept"))
	if format == formatNone {
		return wire.NewError(wire.CodeNotAcceptable, "There is text/event-stream and application/json.")
	}
	after, _, err := lastEventID(r)
	if err != nil {
		return err
	}
	user := web.IdentityOf(r.Context()).UserID
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
	leave, err := wire.EnterLarge(a.large, user)
	if err != nil {
		return err
	}
	defer leave()
	body := wire.NewListBody()
	for e, err := range a.c.Service.EachEvent(r.Context(), user, id, after) {
		if err != nil {
			return err
		}
		fits, err := body.Add(a.views.Event(e))
		if err != nil {
			return err
		}
		if !fits {
			body.End(w, "nextLastEventId", strconv.FormatInt(after, 10))
			return nil
		}
		after = e.Seq
	}
	body.End(w, "nextLastEventId", "")
	return nil
}

func (a *API) userEvents(w http.ResponseWriter, r *http.Request) error {
	w.Header().Add("Vary", "Accept")
	if accept := r.Header.Values("Accept"); qualityOf(accept, sse.MediaType).q == 0 {
		return wire.NewError(wire.CodeNotAcceptable, "There is only text/event-stream.")
	}
	after, given, err := lastEventID(r)
	if err != nil {
		return err
	}
	user := web.IdentityOf(r.Context()).UserID
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
	return wire.NewError(wire.CodeInvalidEventID, "Last-Event-ID: "+message+".", aigen.FieldError{Location: "header.Last-Event-ID", Message: message})
}

// Stream serves a stream until its end, the client's, the token's or the service's.
func (a *API) stream(w http.ResponseWriter, r *http.Request, open func(context.Context) (*live.Stream, error)) error {
	c, who := web.InfoFrom(r.Context()), web.IdentityOf(r.Context())
	if a.drain.Err() != nil {
		return wire.NewError(web.CodeShuttingDown, "The service is stopping. Connect again in a moment.")
	}
	leave, ok := a.streams.Enter(who.UserID)
	if !ok {
		return wire.NewError(web.CodeTooManyStreams, "You have "+strconv.Itoa(a.c.StreamsPerUser)+" event streams open. Close one first.")
	}
	defer leave()
	ctx, cancel := web.Lifetime(r.Context(), a.drain, who, a.c.Now())
	defer cancel()
	source, err := open(ctx)
	if err != nil {
		return a.notOpened(ctx, err)
	}
	defer source.Close()
	out := sse.NewWriter(w, a.c.WriteTimeout)
	if err := out.Begin(retryHint); err != nil || r.Method == http.MethodHead {
		c.Gone = err != nil
		return nil
	}
	err = web.Pump(ctx, source, a.c.Heartbeat,
		func(e aigen.Event) error { return writeEvent(out, source.Number(e), a.views.Event(e)) },
		func() error { return out.Comment("still here") })
	switch cause := context.Cause(ctx); {
	case errors.Is(err, io.EOF):
	case errors.Is(cause, web.ErrStopping):
		_ = writeNotice(out, "server_shutdown", "The service is stopping. Connect again with Last-Event-ID.")
	case errors.Is(cause, web.ErrTokenExpired):
		_ = writeNotice(out, "token_expired", "The token has expired. Connect again with a new one and Last-Event-ID.")
	case r.Context().Err() != nil || errors.Is(err, sse.ErrClientGone):
		c.Gone = true
	default:
		c.Err = err // headers are out: the client reconnects and is told then
	}
	return nil
}

// retryHint is how long a client waits before it connects again.
const retryHint = 2 * time.Second

// writeEvent writes an event with its number in the stream. An event without a number
// is not kept, so a client cannot resume after it.
func writeEvent(out *sse.Writer, number int64, e wire.EventView) error {
	id := ""
	if number > 0 {
		id = strconv.FormatInt(number, 10)
	}
	return out.Event(id, e.Type, e)
}

// writeNotice says why the stream ends from this side.
func writeNotice(out *sse.Writer, name, message string) error {
	return out.Event("", name, map[string]string{"type": name, "message": message})
}

// notOpened is the answer where a stream's time was over before it had begun: that is
// no fault of ours, as the cancelled context in err would have it.
func (a *API) notOpened(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, web.ErrStopping):
		return wire.NewError(web.CodeShuttingDown, "The service is stopping. Connect again in a moment.")
	case errors.Is(cause, web.ErrTokenExpired):
		return tokenFault(cause)
	}
	return err
}

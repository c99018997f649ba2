package console

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/sse"
	"github.com/creativeflow/aigen/internal/web"
)

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
		return &fault{code: web.CodeShuttingDown}
	}
	leave, ok := k.streams.Enter(s.UserID)
	if !ok {
		return &fault{code: web.CodeTooManyStreams}
	}
	defer leave()
	ctx, cancel := web.Lifetime(r.Context(), k.drain, s.Identity, k.c.Now())
	defer cancel()
	source, err := k.c.Service.StreamUser(ctx, s.UserID, nil)
	switch {
	case errors.Is(context.Cause(ctx), web.ErrTokenExpired):
		return &signedOutError{why: whyExpired, cause: err}
	case err != nil && k.drain.Err() != nil:
		return &fault{code: web.CodeShuttingDown, cause: err}
	case err != nil:
		return err
	}
	defer source.Close()
	out := sse.NewWriter(w, k.c.WriteTimeout)
	if err := out.Begin(time.Second); err != nil || r.Method == http.MethodHead {
		return nil // the browser has gone, or asks only whether it would be let in
	}
	k.follow(ctx, source, out)
	return nil
}

// nothing is the data of an event whose name says it all.
type nothing struct{}

// follow passes events on until the end. The beats between them let pages tell a live
// connection from a dead one.
func (k *Console) follow(ctx context.Context, source web.Source, out *sse.Writer) {
	if out.Event("", "hello", nothing{}) != nil {
		return
	}
	change := func(e aigen.Event) error {
		return out.Event("", "change", liveMessage{ID: e.GenerationID, Type: e.Type, Status: e.Data.Status, Progress: e.Data.Progress})
	}
	beat := func() error { return out.Event("", "beat", nothing{}) }
	_ = web.Pump(ctx, source, k.c.Heartbeat, change, beat) // the browser connects again, whatever it was
	if errors.Is(context.Cause(ctx), web.ErrTokenExpired) {
		_ = out.Event("", "ended", nothing{})
	}
}

package live

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/creativeflow/aigen"
)

// ErrAhead is returned for an event number that no event of the stream has yet: such a
// client would wait for ever for events that it believes to have.
var ErrAhead = errors.New("the stream has no event of that number yet")

// Stream is a live sequence of events without gap or repeat. Progress events come
// in between and carry no number. It is for one goroutine; Close it.
type Stream struct {
	h          *Hub
	user       aigen.ID
	generation aigen.ID // zero: all of the user's
	after      int64    // number of the last event handed out
	l          *listener
	ready      []aigen.Event
	ended      bool
	pages      eventPages
	behind     bool      // the store may hold more than was read
	looked     time.Time // when it was last read
	phase      float64   // spreads the polls of many streams: a part of the interval, 0.75 to 1.25
}

// StreamGeneration streams what has happened to a generation after event number after,
// then what happens.
func (h *Hub) StreamGeneration(user, id aigen.ID, after int64) *Stream {
	return h.stream(user, id, after)
}

// StreamUser streams the events of all of the user's generations after position
// after; nil: from now on. ErrAhead if there was none of that position yet.
func (h *Hub) StreamUser(ctx context.Context, user aigen.ID, after *int64) (*Stream, error) {
	// Listen first: what comes between the two is in the queue, not lost.
	st := h.stream(user, aigen.ID{}, 0)
	last, err := h.c.Store.LastPosition(ctx, user)
	switch {
	case err == nil && after == nil:
		st.after = last
	case err == nil && *after > last:
		err = ErrAhead
	case err == nil:
		st.after = *after
	}
	if err != nil {
		st.Close()
		return nil, err
	}
	return st, nil
}

func (h *Hub) stream(user, generation aigen.ID, after int64) *Stream {
	h.c.Streams(1)
	return &Stream{
		h: h, user: user, generation: generation, after: after, l: h.listen(user, generation),
		behind: true, phase: 0.75 + rand.Float64()/2, //nolint:gosec // G404: jitter, not a secret
	}
}

// Close frees the stream.
func (st *Stream) Close() {
	st.h.leave(st.user, st.l)
	st.h.c.Streams(-1)
}

// Number is what a client resumes after: the event's Seq in the stream of a
// generation, its Position in that of a user; 0 for progress.
func (st *Stream) Number(e aigen.Event) int64 {
	if st.generation.IsZero() {
		return e.Position
	}
	return e.Seq
}

// Next waits for the next event. io.EOF follows the terminal event of a
// generation's stream; the context's error when ctx ends.
func (st *Stream) Next(ctx context.Context) (aigen.Event, error) {
	for {
		if len(st.ready) > 0 {
			e := st.ready[0]
			st.ready = st.ready[1:]
			if n := st.Number(e); n > 0 {
				st.after = n
			}
			st.ended = st.ended || st.ends(e)
			return e, nil
		}
		if st.ended {
			return aigen.Event{}, io.EOF
		}
		if err := st.fill(ctx); err != nil {
			return aigen.Event{}, err
		}
	}
}

// ends reports whether e is the last event of the stream.
func (st *Stream) ends(e aigen.Event) bool {
	return !st.generation.IsZero() && e.Data.Status.Ended() && e.Type != aigen.EventProgress
}

// fill puts at least one event into ready, or has waited in vain and may be called
// again.
func (st *Stream) fill(ctx context.Context) error {
	if st.behind {
		return st.read(ctx)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	// Counted from the last look, not from here: a caller that waits in pieces
	// shorter than the interval would else never look.
	timer := time.NewTimer(time.Until(st.looked.Add(st.pollInterval())))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		st.behind = true // another process may have written
	case <-st.l.signal:
		events, missed := st.l.take()
		st.sort(events)
		st.behind = st.behind || missed
	}
	return nil
}

// pollInterval is long while the bus brings what others write: then polling only
// finds what a bus may lose without noticing.
func (st *Stream) pollInterval() time.Duration {
	d := st.h.c.Poll
	if st.h.c.Bus.Live() {
		d = max(d, st.h.c.PollWithBus)
	}
	return time.Duration(st.phase * float64(d))
}

// sort keeps what follows on what was handed out. A gap means that an event came by
// another way, or overtook: the store has them in order.
func (st *Stream) sort(events []aigen.Event) {
	next, over := st.after, st.ended
	for _, e := range events {
		switch n := st.Number(e); {
		case over:
			return // progress that came late
		case n == 0:
			st.ready = append(st.ready, e)
		case n == next+1:
			st.ready = append(st.ready, e)
			next, over = n, st.ends(e)
		case n > next+1:
			st.behind = true
			return
		}
	}
}

func (st *Stream) read(ctx context.Context) error {
	looked := time.Now()
	page, more, err := st.pages.read(func(limit int) ([]aigen.Event, error) {
		if st.generation.IsZero() {
			return st.h.c.Store.UserEvents(ctx, st.user, st.after, limit)
		}
		return st.h.c.Store.Events(ctx, st.generation, st.after, limit)
	})
	if err != nil {
		return err
	}
	st.ready, st.looked, st.behind = page, looked, more
	if len(page) == 0 && !st.generation.IsZero() {
		return st.endIfOver(ctx)
	}
	return nil
}

// endIfOver ends the stream of a client that resumed after the terminal event.
func (st *Stream) endIfOver(ctx context.Context) error {
	g, err := st.h.c.Store.Get(ctx, st.generation)
	if err != nil {
		return err
	}
	st.ended = g.Status.Ended() && st.after >= g.LastEvent
	return nil
}

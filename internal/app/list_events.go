package app

import (
	"context"
	"iter"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
)

// StreamGeneration streams what has happened to a generation after event number after,
// then what happens. Error code: CodeNotFound.
func (s *Service) StreamGeneration(ctx context.Context, user, id aigen.ID, after int64) (*live.Stream, error) {
	if _, err := s.GetGeneration(ctx, user, id); err != nil {
		return nil, err
	}
	return s.live.StreamGeneration(user, id, after), nil
}

// StreamUser streams the events of all of the user's generations after position after;
// nil: from now on. ErrAhead if there was no event of that position yet.
func (s *Service) StreamUser(ctx context.Context, user aigen.ID, after *int64) (*live.Stream, error) {
	return s.live.StreamUser(ctx, user, after)
}

// EachEvent yields what has happened to a generation after event number after. The error
// is the last that it yields; its code may be CodeNotFound.
func (s *Service) EachEvent(ctx context.Context, user, id aigen.ID, after int64) iter.Seq2[aigen.Event, error] {
	return func(yield func(aigen.Event, error) bool) {
		if _, err := s.GetGeneration(ctx, user, id); err != nil {
			yield(aigen.Event{}, err)
			return
		}
		for e, err := range s.live.Each(ctx, id, after) {
			if !yield(e, err) {
				return
			}
		}
	}
}

// ListEvents returns all of what EachEvent yields.
func (s *Service) ListEvents(ctx context.Context, user, id aigen.ID, after int64) ([]aigen.Event, error) {
	var all []aigen.Event
	for e, err := range s.EachEvent(ctx, user, id, after) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

package app

import (
	"context"
	"errors"

	"github.com/creativeflow/aigen"
)

// requestRun is what select and regenerate have in common: a verb that adds a run
// to a generation of this user, and the credits for it.
func (s *Service) requestRun(
	ctx context.Context, user, id aigen.ID, k RequestKey, v func(*aigen.Generation) error,
) (Accepted, error) {
	start := admission{service: s, user: user}
	defer start.end()
	for {
		forget := &Change{}
		if first, err := s.replay(ctx, user, k, forget); first != nil || err != nil {
			return deref(first), err
		}
		if err := start.admit(ctx); err != nil {
			return Accepted{}, err
		}
		var answer *Accepted
		g, err := s.Change(ctx, id, func(g *aigen.Generation, c *Change) (bool, error) {
			if err := owned(g, user); err != nil {
				return false, err
			}
			if err := v(g); err != nil {
				return false, err
			}
			c.ForgetKey, c.ForgetRun = forget.ForgetKey, forget.ForgetRun
			var err error
			answer, err = s.requestReservation(c, k)
			return true, err
		})
		switch {
		case errors.Is(err, ErrKeyTaken):
			continue
		case err != nil:
			return Accepted{}, err
		case answer != nil:
			return *answer, nil
		default:
			return s.reserveRemotely(ctx, g, k)
		}
	}
}

// owned hides generations of other users, as if they did not exist.
func owned(g *aigen.Generation, user aigen.ID) error {
	if g.UserID != user {
		return notFound()
	}
	return nil
}

func notFound() error {
	return &aigen.Error{Code: aigen.CodeNotFound, Message: "There is no generation with this id."}
}

package app

import (
	"context"
	"errors"

	"github.com/creativeflow/aigen"
)

// InitiateGeneration starts a generation.
type InitiateGeneration struct {
	UserID    aigen.ID
	ProjectID aigen.ID
	Input     aigen.Input
	Options   aigen.Options
	Key       RequestKey
}

// InitiateGeneration reserves credits, records the generation and orders its
// samples. Error codes: CodeInsufficientCredits, CodeCreditServiceUnavailable,
// CodeIdempotencyConflict, CodeIdempotencyKeyReused, CodeRateLimited, CodeQueueFull,
// CodeExternalIDTaken, CodeInvalidInput (a reference is not the user's).
func (s *Service) InitiateGeneration(ctx context.Context, cmd InitiateGeneration) (Accepted, error) {
	start := admission{service: s, user: cmd.UserID}
	defer start.end()
	if err := s.resolveReferences(ctx, cmd.UserID, &cmd.Input); err != nil {
		return Accepted{}, err
	}
	for {
		g := aigen.New(s.policy, cmd.UserID, cmd.ProjectID, cmd.Input, cmd.Options)
		c := &Change{Generation: g}
		if first, err := s.replay(ctx, cmd.UserID, cmd.Key, c); first != nil || err != nil {
			return deref(first), err
		}
		if err := start.admit(ctx); err != nil {
			return Accepted{}, err
		}
		answer, err := s.requestReservation(c, cmd.Key)
		if err != nil {
			return Accepted{}, err
		}
		if err := s.apply(ctx, c); err != nil {
			if errors.Is(err, ErrKeyTaken) {
				continue // the same request a moment ahead of this one: answer as it did
			}
			return Accepted{}, err
		}
		s.metrics.Transition("", g.Status, 0)
		if answer != nil {
			return *answer, nil
		}
		return s.reserveRemotely(ctx, g, cmd.Key)
	}
}

func deref(a *Accepted) Accepted {
	if a == nil {
		return Accepted{}
	}
	return *a
}

package app

import (
	"context"
	"errors"

	"github.com/creativeflow/aigen"
)

// CancelGeneration stops a generation.
type CancelGeneration struct {
	UserID       aigen.ID
	GenerationID aigen.ID
	Key          RequestKey
}

// CancelGeneration ends the generation and refunds what is reserved. Error codes:
// CodeNotFound, CodeInvalidState (it has ended already).
func (s *Service) CancelGeneration(ctx context.Context, cmd CancelGeneration) (*aigen.Generation, bool, error) {
	for {
		c := &Change{}
		first, err := s.replay(ctx, cmd.UserID, cmd.Key, c)
		if err != nil {
			return nil, false, err
		}
		if first != nil {
			g, err := s.GetGeneration(ctx, cmd.UserID, cmd.GenerationID)
			return g, true, err
		}
		g, err := s.Change(ctx, cmd.GenerationID, func(g *aigen.Generation, c *Change) (bool, error) {
			if err := owned(g, cmd.UserID); err != nil {
				return false, err
			}
			if err := g.Cancel(s.policy); err != nil {
				return false, err
			}
			c.Record = s.record(g, aigen.ID{}, cmd.Key, &Accepted{GenerationID: g.ID, Status: g.Status})
			return true, nil
		})
		if errors.Is(err, ErrKeyTaken) {
			continue
		}
		return g, false, err
	}
}

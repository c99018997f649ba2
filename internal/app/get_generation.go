package app

import (
	"context"

	"github.com/creativeflow/aigen"
)

// GetGeneration returns a generation of this user. Error code: CodeNotFound, also
// for somebody else's.
func (s *Service) GetGeneration(ctx context.Context, user, id aigen.ID) (*aigen.Generation, error) {
	g, err := s.store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := owned(g, user); err != nil {
		return nil, err
	}
	return g, nil
}

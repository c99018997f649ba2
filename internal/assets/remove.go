package assets

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
)

const (
	removeLimit = 100
	removeLease = 2 * time.Minute // for another process to take over
	removeEvery = 50 * time.Millisecond
	removeRest  = 15 * time.Second // when nothing was due
)

// Run removes pictures that are due, until ctx ends. Several processes may do it on one
// store.
func (s *Service) Run(ctx context.Context) error {
	next := time.NewTimer(removeEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		n, err := s.RemoveDue(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			s.c.Log.ErrorContext(ctx, "remove pictures", "error", err)
			next.Reset(removeRest)
		case n < removeLimit:
			next.Reset(removeRest)
		default:
			next.Reset(removeEvery)
		}
	}
}

// RemoveDue removes pictures that are due, and reports how many. The bytes go first: a row
// without bytes is found again, bytes without a row are not.
func (s *Service) RemoveDue(ctx context.Context) (int, error) {
	now := s.now()
	list, err := s.c.Repository.ClaimRemovals(ctx, now, now.Add(removeLease), removeLimit)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	names := make([]aigen.AssetName, len(list))
	for i := range list {
		names[i] = list[i].Name
		s.known.forget(names[i])
		if err := s.c.Objects.Delete(ctx, allKeys(names[i])...); err != nil {
			return 0, err
		}
	}
	return len(list), s.c.Repository.ForgetAssets(ctx, names)
}

package app

import (
	"context"
	"errors"

	"github.com/creativeflow/aigen"
)

// AwaitsJob reports whether the result of this job is still wanted: its generation has
// not ended, and no other job has taken its place. An engine that is about to spend time
// or money on the job asks first. A generation that is not there awaits nothing.
func (s *Service) AwaitsJob(ctx context.Context, generation, job aigen.ID) (bool, error) {
	g, err := s.store.Get(ctx, generation)
	if errors.Is(err, aigen.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !g.Status.Ended() && g.AwaitsJob(job), nil
}

// RunHasNoResult reports whether the generation has ended, or is gone, without a result of
// this run: nobody was told of what an engine made for it, and nobody will be.
func (s *Service) RunHasNoResult(ctx context.Context, generation, run aigen.ID) (bool, error) {
	g, err := s.store.Get(ctx, generation)
	if errors.Is(err, aigen.ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if !g.Status.Ended() {
		return false, nil
	}
	for i := range g.Runs {
		if g.Runs[i].ID != run {
			continue
		}
		for _, j := range g.Runs[i].Jobs {
			if j.State == aigen.JobSucceeded {
				return false, nil
			}
		}
	}
	return true, nil
}

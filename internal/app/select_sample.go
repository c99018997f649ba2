package app

import (
	"context"

	"github.com/creativeflow/aigen"
)

// SelectSample orders the final of one sample.
type SelectSample struct {
	UserID       aigen.ID
	GenerationID aigen.ID
	SampleID     string
	Resolution   aigen.Resolution // zero: that of the input
	Key          RequestKey
}

// SelectSample reserves credits and orders the final asset. Error codes:
// CodeNotFound, CodeInvalidState, CodeUnknownSample and those of InitiateGeneration.
func (s *Service) SelectSample(ctx context.Context, cmd SelectSample) (Accepted, error) {
	return s.requestRun(ctx, cmd.UserID, cmd.GenerationID, cmd.Key, func(g *aigen.Generation) error {
		return g.SelectSample(s.policy, cmd.SampleID, cmd.Resolution)
	})
}

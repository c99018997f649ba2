package app

import (
	"context"

	"github.com/creativeflow/aigen"
)

// RetryGeneration repeats a generation that has ended.
type RetryGeneration struct {
	UserID       aigen.ID
	GenerationID aigen.ID
	Key          RequestKey
}

// RetryGeneration starts a new generation with the input of one that has ended. Error codes:
// CodeNotFound, CodeInvalidState (it has not ended) and those of InitiateGeneration.
func (s *Service) RetryGeneration(ctx context.Context, cmd RetryGeneration) (Accepted, error) {
	g, err := s.GetGeneration(ctx, cmd.UserID, cmd.GenerationID)
	if err != nil {
		return Accepted{}, err
	}
	if !g.Status.Ended() {
		return Accepted{}, &aigen.Error{
			Code: aigen.CodeInvalidState, Message: "The generation is " + string(g.Status) + ": only one that has ended can be retried.",
		}
	}
	return s.InitiateGeneration(ctx, InitiateGeneration{
		UserID: g.UserID, ProjectID: g.ProjectID, Input: g.Input, Key: cmd.Key,
		Options: aigen.Options{Metadata: g.Options.Metadata, AutoSelect: g.Options.AutoSelect, RetryOf: g.ID},
	})
}

package app

import (
	"context"
	"encoding/json"

	"github.com/creativeflow/aigen"
)

// RegenerateSamples orders new samples. A nil field keeps what the generation has.
type RegenerateSamples struct {
	UserID          aigen.ID
	GenerationID    aigen.ID
	InputPrompt     *string
	StyleGuidance   *string
	InputParameters json.RawMessage
	References      *[]aigen.Reference // of pictures of the user
	Key             RequestKey
}

// RegenerateSamples reserves credits and orders new samples for the same
// generation. Error codes: CodeNotFound, CodeInvalidState, CodeInvalidInput and
// those of InitiateGeneration.
func (s *Service) RegenerateSamples(ctx context.Context, cmd RegenerateSamples) (Accepted, error) {
	if cmd.References != nil {
		in := aigen.Input{References: *cmd.References}
		if err := s.resolveReferences(ctx, cmd.UserID, &in); err != nil {
			return Accepted{}, err
		}
		cmd.References = &in.References
	}
	return s.requestRun(ctx, cmd.UserID, cmd.GenerationID, cmd.Key, func(g *aigen.Generation) error {
		in, err := cmd.merge(g.Input)
		if err != nil {
			return err
		}
		return g.Regenerate(s.policy, in)
	})
}

func (cmd RegenerateSamples) merge(in aigen.Input) (aigen.Input, error) {
	prompt, style := in.Prompt, in.StyleGuidance
	if cmd.InputPrompt != nil {
		prompt = *cmd.InputPrompt
	}
	if cmd.StyleGuidance != nil {
		style = *cmd.StyleGuidance
	}
	parameters := cmd.InputParameters
	if len(parameters) == 0 || string(parameters) == "null" {
		var err error
		if parameters, err = in.Parameters.MarshalJSON(); err != nil {
			return aigen.Input{}, err
		}
	}
	merged, err := aigen.NewInput(prompt, style, parameters)
	merged.References = in.References
	if cmd.References != nil {
		merged.References = *cmd.References
	}
	return merged, err
}

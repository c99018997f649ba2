package operations

import (
	"context"
	"log/slog"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// FailGeneration ends a generation by an operator's word.
type FailGeneration struct {
	By           aigen.OperatorNote
	GenerationID aigen.ID
}

// FailGeneration fails the generation and refunds what is reserved. Error codes:
// CodeInvalidInput (no reason), CodeNotFound, CodeInvalidState (it has ended).
func (o *Service) FailGeneration(ctx context.Context, cmd FailGeneration) (*aigen.Generation, error) {
	if err := cmd.By.Check(); err != nil {
		return nil, err
	}
	g, err := o.service.Change(ctx, cmd.GenerationID, func(g *aigen.Generation, c *app.Change) (bool, error) {
		from := g.Status
		if err := g.FailByOperator(o.policy, cmd.By); err != nil {
			return false, err
		}
		c.Actions = append(c.Actions, app.OperatorAction{
			At: g.UpdatedAt, OperatorID: cmd.By.ID, Kind: app.ActionFail, GenerationID: g.ID, Reason: cmd.By.Reason,
			Detail: "failed while it was " + string(from) + "; what it had reserved is free again",
		})
		return true, nil
	})
	if err != nil {
		return nil, err
	}
	o.audit(ctx, app.ActionFail, cmd.By, slog.String("generation_id", g.ID.String()))
	return g, nil
}

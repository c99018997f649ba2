package operations

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// DropDelivery gives up a delivery for good.
type DropDelivery struct {
	By    aigen.OperatorNote
	ID    aigen.ID
	Force bool // also where the credits of the two sides will differ
}

// Dropped is what came of dropping a delivery.
type Dropped struct {
	Delivery outbox.Delivery
	Decided  string // what follows from it, for people; also in the list of actions
}

// DropDelivery removes a delivery, with what has to follow from that:
//
//   - A job that is awaited fails its generation, with a refund.
//   - A reservation that is asked for is given up: the credit service is asked once
//     more what it holds, and that is refunded. No credits are lost.
//   - A notification is given up; the user is not told.
//   - A deduction, a refund or a release is a decision about credits that the credit
//     service has to hear. To drop it parts the two sides for good, against the money
//     rule (contract section 4): that needs Force, and what then differs is written
//     down in the list of actions.
//
// What must follow comes first, and the row goes after it: after a crash between the
// two the delivery is still there, and harmless, and can be dropped again. Error codes:
// CodeInvalidInput (no reason), CodeDeliveryNotFound, CodeDeliveryBusy, CodeForceRequired.
func (o *Service) DropDelivery(ctx context.Context, cmd DropDelivery) (Dropped, error) {
	if err := cmd.By.Check(); err != nil {
		return Dropped{}, err
	}
	d, err := o.idleDelivery(ctx, cmd.ID)
	if err != nil {
		return Dropped{}, err
	}
	decided, err := o.giveUp(ctx, cmd, d)
	if err != nil {
		return Dropped{}, err
	}
	detail := decided
	if d.LastError != "" {
		detail += " (last error: " + d.LastError + ")"
	}
	done, err := o.store.ActOnDeliveries(ctx, DeliveryAction{
		Action: app.ActionDrop, IDs: []aigen.ID{d.ID}, By: cmd.By, Detail: detail, Now: o.now(),
	})
	if err != nil {
		return Dropped{}, err
	}
	if len(done) == 0 {
		return Dropped{}, deliveryBusy() // somebody was quicker
	}
	o.audit(ctx, app.ActionDrop, cmd.By, slog.String("kind", string(d.Kind)), slog.String("delivery_id", d.ID.String()),
		slog.String("generation_id", d.GenerationID.String()), slog.String("decided", decided))
	return Dropped{Delivery: d, Decided: decided}, nil
}

// giveUp does what follows from a dropped delivery, and says it.
func (o *Service) giveUp(ctx context.Context, cmd DropDelivery, d outbox.Delivery) (string, error) {
	switch d.Kind {
	case outbox.DeliverNotify:
		return "the user is not told", nil
	case outbox.DeliverIngest:
		return "the picture is not copied", nil
	case outbox.DeliverSampleJob, outbox.DeliverFinalJob:
		return o.giveUpJob(ctx, cmd.By, d)
	case outbox.DeliverReserve:
		return o.giveUpReservation(ctx, d)
	case outbox.DeliverDeduct, outbox.DeliverRefund, outbox.DeliverRelease:
	}
	if !cmd.Force {
		return "", &aigen.Error{
			Code: aigen.CodeForceRequired,
			Message: "This tells the credit service what was decided about a user's credits. Without it the two sides differ for good. " +
				"Retry it; if that can never help, drop it with force and settle the account by hand.",
		}
	}
	return o.giveUpCredits(ctx, d)
}

func (o *Service) giveUpJob(ctx context.Context, by aigen.OperatorNote, d outbox.Delivery) (string, error) {
	failed := false
	_, err := o.service.Change(ctx, d.GenerationID, func(g *aigen.Generation, c *app.Change) (bool, error) {
		failed = false
		if _, job, ok := g.FindJob(d.ID); !ok || job.State != aigen.JobLive {
			return false, nil // it was replaced, or the generation has ended: nobody waits for it
		}
		if err := g.FailByOperator(o.policy, by); err != nil {
			return false, err
		}
		failed = true
		c.Keep = d.ID // it is about to be removed, with an entry in the list of actions
		c.Actions = append(c.Actions, app.OperatorAction{
			At: g.UpdatedAt, OperatorID: by.ID, Kind: app.ActionFail, GenerationID: g.ID, DeliveryID: d.ID, DeliveryKind: d.Kind,
			Reason: by.Reason, Detail: "its job is dropped; what it had reserved is free again",
		})
		return true, nil
	})
	switch {
	case err != nil && !errors.Is(err, aigen.ErrNotFound):
		return "", err
	case failed:
		return "the generation was failed, and what it had reserved is free again", nil
	}
	return "nobody waits for this job any more: nothing follows from it", nil
}

func (o *Service) giveUpReservation(ctx context.Context, d outbox.Delivery) (string, error) {
	abandoned := false
	_, err := o.service.Change(ctx, d.GenerationID, func(g *aigen.Generation, _ *app.Change) (bool, error) {
		var err error
		abandoned, err = g.AbandonReservation(o.policy, d.RunID)
		return abandoned, err
	})
	switch {
	case err != nil && !errors.Is(err, aigen.ErrNotFound):
		return "", err
	case abandoned:
		return "the reservation was given up; the credit service is asked once more what it holds for it, and that is refunded", nil
	}
	return "the reservation was decided before: nothing follows from it", nil
}

// giveUpCredits says what the two sides will disagree about.
func (o *Service) giveUpCredits(ctx context.Context, d outbox.Delivery) (string, error) {
	var p app.CreditPayload
	_ = json.Unmarshal(d.Payload, &p) // unreadable: that may be why it is dropped
	held := fmt.Sprintf("the credit service may go on holding %s of user %s under reference %s: settle that by hand", p.Amount, d.UserID, d.RunID)
	switch d.Kind {
	case outbox.DeliverDeduct:
		return "by force: the run counts as paid here; " + held, nil
	case outbox.DeliverRefund:
		return "by force: the run counts as refunded here; " + held, nil
	default:
	}
	_, err := o.service.Change(ctx, d.GenerationID, func(g *aigen.Generation, _ *app.Change) (bool, error) {
		return g.ConfirmRelease(o.policy, d.RunID, false)
	})
	if err != nil && !errors.Is(err, aigen.ErrNotFound) {
		return "", err
	}
	return "by force: the run counts as never reserved here; " + held, nil
}

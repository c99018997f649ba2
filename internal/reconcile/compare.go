package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// compare goes through both sides, where the other one lists what it has.
func (r *Reconciler) compare(b *books, report *Reconciliation) {
	for id, run := range b.here {
		kept, known := b.there[id]
		switch {
		case run.Amount == 0 || run.CreatedAt.Before(r.Since):
			continue // free runs are asked of nobody
		case r.young(run.CreatedAt) || b.queued[id]:
			report.UnderWay++
			continue
		}
		report.Runs++
		if d, differs := r.classify(run, kept, known); differs {
			if why := b.dead[id]; why != "" {
				d.Detail += "; a delivery was given up: " + why
			}
			report.Differences = append(report.Differences, d)
		}
	}
	for id, kept := range b.there {
		if _, known := b.here[id]; known || kept.State == aigen.ReservationRefunded {
			continue // nothing is owed for what was refunded
		}
		if r.young(kept.CreatedAt) || kept.CreatedAt.Before(r.Since) {
			continue // its run may be on its way
		}
		d := Difference{
			Kind: PaidAndLost, Reference: id, GenerationID: kept.GenerationID, UserID: kept.UserID, Amount: kept.Amount, There: kept.State,
			Detail: "paid for what this database has lost: make it good in the credit service",
		}
		if kept.State == aigen.ReservationHeld {
			d.Kind, d.Detail, d.repairFunc = UnknownHere, "to be refunded there", r.refund(kept.CreditOperation)
		}
		report.Differences = append(report.Differences, d)
	}
	slices.SortFunc(report.Differences, func(x, y Difference) int { return slices.Compare(x.Reference[:], y.Reference[:]) })
}

func (r *Reconciler) refund(op app.CreditOperation) func(context.Context) error {
	return func(ctx context.Context) error { return r.Credits.Refund(ctx, op) }
}

// classify compares one run with the reservation of its name.
func (r *Reconciler) classify(run BookedRun, kept KeptReservation, known bool) (Difference, bool) {
	d := Difference{
		Reference: run.ID, GenerationID: run.GenerationID, UserID: run.UserID, Amount: run.Amount, Here: run.Reservation,
	}
	if !known {
		return r.classifyUnknown(d, run)
	}
	d.There = kept.State
	op := run.operation()
	switch here, there := run.Reservation, kept.State; {
	case kept.Amount != run.Amount || kept.UserID != run.UserID:
		d.Kind, d.Detail = AmountDiffers, fmt.Sprintf("there it is %s of user %s", kept.Amount, kept.UserID)
	case here == there:
		return d, false
	case here == aigen.ReservationRefused && there == aigen.ReservationHeld:
		d.Kind, d.Detail, d.repairFunc = NeverHeldHere, "to be refunded there", r.refund(op)
	case here == aigen.ReservationRefused && there == aigen.ReservationRefunded:
		return d, false
	case here == aigen.ReservationHeld:
		d.Kind, d.Detail = SettledThereOnly, "wait for the generation's end, and reconcile again"
	case here == aigen.ReservationPending || here == aigen.ReservationReleasing:
		d.Kind, d.Detail = Undecided, "the service asks again by itself: is it running?"
	case there == aigen.ReservationHeld && here == aigen.ReservationDeducted:
		d.Kind, d.Detail = NotSettledThere, "to be deducted there"
		d.repairFunc = func(ctx context.Context) error { return r.Credits.Deduct(ctx, op) }
	case there == aigen.ReservationHeld:
		d.Kind, d.Detail, d.repairFunc = NotSettledThere, "to be refunded there", r.refund(op)
	default:
		d.Kind, d.Detail = SettledOtherwise, "no call can undo that: correct the account in the credit service"
	}
	return d, true
}

// classifyUnknown is for a run that the credit service has no reservation for.
func (r *Reconciler) classifyUnknown(d Difference, run BookedRun) (Difference, bool) {
	op := run.operation()
	switch run.Reservation {
	case aigen.ReservationHeld:
		d.Kind, d.Detail = UnknownThere, "to be reserved there"
		d.repairFunc = func(ctx context.Context) error { return r.Credits.Reserve(ctx, op) }
	case aigen.ReservationDeducted:
		d.Kind, d.Detail = UnknownThere, "to be reserved and deducted there"
		d.repairFunc = func(ctx context.Context) error {
			if err := r.Credits.Reserve(ctx, op); err != nil {
				return err
			}
			return r.Credits.Deduct(ctx, op)
		}
	case aigen.ReservationPending, aigen.ReservationReleasing:
		d.Kind, d.Detail = Undecided, "the service asks again by itself: is it running?"
	case aigen.ReservationRefunded, aigen.ReservationRefused:
		return d, false // nothing is held there, as it should be
	}
	return d, true
}

// compareSums is what can be told by the contract alone: the balance says how much of a
// user's credits is reserved. Which reservation is too many it does not say, and a
// reservation must not be asked for to find out: that could make one. Mend first sends
// every settlement again, which changes nothing where it has been done.
func (r *Reconciler) compareSums(ctx context.Context, b *books, report *Reconciliation) error {
	sums := map[aigen.ID]*userSum{}
	for id, run := range b.here {
		if run.Amount == 0 {
			continue
		}
		s := sums[run.UserID]
		if s == nil {
			s = &userSum{}
			sums[run.UserID] = s
		}
		s.add(run, b.queued[id] || r.young(run.CreatedAt))
		if run.CreatedAt.Before(r.Since) || b.queued[id] || r.young(run.CreatedAt) {
			continue
		}
		report.Runs++
		if d, wrong := r.settleAgain(ctx, run); wrong {
			report.Differences = append(report.Differences, d)
		}
	}
	for user, s := range sums {
		if s.moving {
			report.UnderWay++
			continue
		}
		balance, err := r.Credits.Balance(ctx, user)
		if err != nil {
			return fmt.Errorf("ask for the balance of user %s: %w", user, err)
		}
		if balance.Reserved != s.held {
			report.Differences = append(report.Differences, Difference{
				Kind: ReservedSum, UserID: user, Amount: balance.Reserved - s.held,
				Detail: fmt.Sprintf("reserved there %s, here %s", balance.Reserved, s.held),
			})
		}
	}
	return nil
}

// userSum is what a user has reserved, as far as it is known here.
type userSum struct {
	held   aigen.Credits
	moving bool // something is under way: the sums may differ for a moment
}

func (s *userSum) add(run BookedRun, moving bool) {
	switch run.Reservation {
	case aigen.ReservationHeld:
		s.held += run.Amount
	case aigen.ReservationPending, aigen.ReservationReleasing:
		s.moving = true
	case aigen.ReservationDeducted, aigen.ReservationRefunded, aigen.ReservationRefused:
	}
	s.moving = s.moving || moving
}

// settleAgain sends a decision again if that is asked for. A refusal shows that the other
// side has decided otherwise.
func (r *Reconciler) settleAgain(ctx context.Context, run BookedRun) (Difference, bool) {
	if !r.Repair {
		return Difference{}, false
	}
	var err error
	switch run.Reservation {
	case aigen.ReservationDeducted:
		err = r.Credits.Deduct(ctx, run.operation())
	case aigen.ReservationRefunded:
		err = r.Credits.Refund(ctx, run.operation())
	case aigen.ReservationPending, aigen.ReservationHeld, aigen.ReservationReleasing, aigen.ReservationRefused:
	}
	var permanent *outbox.PermanentError
	d := Difference{
		Kind: SettledOtherwise, Reference: run.ID, GenerationID: run.GenerationID, UserID: run.UserID, Amount: run.Amount, Here: run.Reservation,
	}
	switch {
	case err == nil:
		return d, false
	case errors.As(err, &permanent):
		d.Detail = "the credit service refuses it: " + err.Error()
	default:
		d.Kind, d.Detail = NotSettledThere, "not known: "+err.Error()
	}
	return d, true
}

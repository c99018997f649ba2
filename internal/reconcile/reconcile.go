package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Reconciler compares what was decided here about credits with what the credit service
// has: after a backup was restored on either side, or when somebody doubts. It changes
// nothing unless Mend is set, and then only what the contract's calls can, each of which
// bears a repeat. It never touches our own database.
type Reconciler struct {
	Runs    RunLister
	Outbox  outbox.Store
	Credits app.CreditService
	List    ReservationList // nil: there is none
	Now     func() time.Time

	// Grace is how old a run or a reservation is at least: what is younger may be on its
	// way.
	Grace time.Duration
	// Since leaves out what is older; zero: nothing.
	Since  time.Time
	Repair bool
}

// DifferenceKind says in what the two sides differ.
type DifferenceKind string

// The kinds of differences. Of each the comment says what Mend does.
const (
	// NotSettledThere: decided here, still held there. The decision is sent again.
	NotSettledThere DifferenceKind = "not_settled_there"
	// UnknownHere: held there for a run that this database does not have: it was lost
	// with the database. It is refunded there.
	UnknownHere DifferenceKind = "unknown_here"
	// NeverHeldHere: held there, and refused here. It is refunded there.
	NeverHeldHere DifferenceKind = "never_held_here"
	// UnknownThere: held or deducted here, and there is no such reservation. It is
	// reserved, and deducted if that was decided.
	UnknownThere DifferenceKind = "unknown_there"
	// PaidAndLost: deducted there for a run that this database does not have. Only a
	// person can make that good, over there.
	PaidAndLost DifferenceKind = "paid_and_lost"
	// SettledOtherwise: deducted on one side and refunded on the other. Likewise.
	SettledOtherwise DifferenceKind = "settled_otherwise"
	// SettledThereOnly: under way here, settled there. It may come out right by itself:
	// reconcile again when the generation has ended.
	SettledThereOnly DifferenceKind = "settled_there_only"
	// AmountDiffers: the same reservation with two amounts. For a person.
	AmountDiffers DifferenceKind = "amount_differs"
	// Undecided: not answered for here since long, and nobody asks. Is the service running?
	Undecided DifferenceKind = "undecided_here"
	// ReservedSum: a user has more or less reserved there than is known here. Told where
	// the credit service does not list reservations.
	ReservedSum DifferenceKind = "reserved_sum"
)

// Difference is one, and what came of it.
type Difference struct {
	Kind         DifferenceKind         `json:"kind"`
	Reference    aigen.ID               `json:"reference,omitzero"` // the run; zero for a ReservedSum
	GenerationID aigen.ID               `json:"generationId,omitzero"`
	UserID       aigen.ID               `json:"userId"`
	Amount       aigen.Credits          `json:"amount"`
	Here         aigen.ReservationState `json:"here,omitempty"`
	There        aigen.ReservationState `json:"there,omitempty"`
	Detail       string                 `json:"detail,omitempty"`
	Mended       bool                   `json:"mended"`

	repairFunc func(ctx context.Context) error // nil: nothing can be done by us
}

// Repairable reports whether Mend would try.
func (d *Difference) Repairable() bool { return d.repairFunc != nil }

// Reconciliation is what came of a comparison.
type Reconciliation struct {
	Listed       bool         `json:"listed"` // the credit service lists its reservations
	Runs         int          `json:"runs"`   // compared, here
	Reservations int          `json:"reservations"`
	UnderWay     int          `json:"underWay"` // too young to judge, or still being delivered
	Differences  []Difference `json:"differences"`
}

// Left is how many differences are not mended.
func (r *Reconciliation) Left() (n int) {
	for _, d := range r.Differences {
		if !d.Mended {
			n++
		}
	}
	return n
}

// books are both sides, by reference.
type books struct {
	here   map[aigen.ID]BookedRun
	there  map[aigen.ID]KeptReservation
	queued map[aigen.ID]bool // still being delivered
	dead   map[aigen.ID]string
}

const pageOfBooks = 1000

// Reconcile compares, and mends if that is asked for. The error is of a side that could
// not be read; what could not be mended is a difference that is left.
func (r *Reconciler) Reconcile(ctx context.Context) (Reconciliation, error) {
	report, err := r.look(ctx)
	if err != nil {
		return report, err
	}
	if report.Listed && len(report.Differences) > 0 {
		// The two sides are read one after the other, and the service may be at work.
		// What is a difference twice is one.
		again, err := r.look(ctx)
		if err != nil {
			return report, err
		}
		again.Differences = slices.DeleteFunc(again.Differences, func(d Difference) bool {
			return !slices.ContainsFunc(report.Differences, func(first Difference) bool { return first.sameAs(&d) })
		})
		report = again
	}
	if r.Repair {
		for i := range report.Differences {
			if err := ctx.Err(); err != nil {
				return report, err
			}
			report.Differences[i].repair(ctx)
		}
	}
	slices.SortStableFunc(report.Differences, func(a, b Difference) int { return strings.Compare(string(a.Kind), string(b.Kind)) })
	return report, nil
}

func (d *Difference) sameAs(o *Difference) bool {
	return d.Kind == o.Kind && d.Reference == o.Reference && d.Here == o.Here && d.There == o.There
}

func (r *Reconciler) look(ctx context.Context) (Reconciliation, error) {
	var report Reconciliation
	b := books{
		here: map[aigen.ID]BookedRun{}, there: map[aigen.ID]KeptReservation{}, queued: map[aigen.ID]bool{}, dead: map[aigen.ID]string{},
	}
	// Theirs first: what is decided meanwhile is then newer here, and young or queued.
	err := r.readThere(ctx, &b)
	report.Listed = err == nil
	if err != nil && !errors.Is(err, ErrNotOffered) {
		return report, fmt.Errorf("list the credit service's reservations: %w", err)
	}
	if err := r.readHere(ctx, &b); err != nil {
		return report, err
	}
	report.Reservations = len(b.there)
	if report.Listed {
		r.compare(&b, &report)
	} else if err := r.compareSums(ctx, &b, &report); err != nil {
		return report, err
	}
	return report, nil
}

func (d *Difference) repair(ctx context.Context) {
	if d.repairFunc == nil {
		return
	}
	if err := d.repairFunc(ctx); err != nil {
		d.Detail = "could not be mended: " + err.Error()
		return
	}
	d.Mended = true
}

func (r *Reconciler) readThere(ctx context.Context, b *books) error {
	if r.List == nil {
		return ErrNotOffered
	}
	// What is old enough here may have been reserved there much later (after an outage,
	// say), and the clock there is another one. So no time ends the list, it begins
	// earlier, and what is too young or too old is left out when both sides are known.
	q := ReservationQuery{Limit: pageOfBooks}
	if !r.Since.IsZero() {
		q.Since = r.Since.Add(-r.Grace)
	}
	for {
		page, err := r.List.Reservations(ctx, q)
		if err != nil {
			return err
		}
		for _, k := range page.Reservations {
			b.there[k.Reference] = k
		}
		if page.Next == "" || page.Next == q.Cursor {
			return nil
		}
		q.Cursor = page.Next
	}
}

func (r *Reconciler) readHere(ctx context.Context, b *books) error {
	// Deliveries before runs: one that is delivered in between belongs to a run that is
	// then read as decided, and was settled over there after the list was made. It would
	// look undelivered, so it counts as queued.
	var after aigen.ID
	for {
		ds, err := r.Outbox.ListDeliveries(ctx, outbox.DeliveryQuery{Queue: outbox.QueueCredits, After: after, Limit: pageOfBooks})
		if err != nil {
			return fmt.Errorf("read the outbox: %w", err)
		}
		for _, d := range ds {
			after = d.ID
			if d.State == outbox.DeliveryDead {
				b.dead[d.RunID] = d.LastError
			} else {
				b.queued[d.RunID] = true
			}
		}
		if len(ds) < pageOfBooks {
			break
		}
	}
	var place RunPlace
	for {
		runs, err := r.Runs.Runs(ctx, place, pageOfBooks)
		if err != nil {
			return fmt.Errorf("read the runs: %w", err)
		}
		for _, run := range runs {
			place = run.RunPlace
			b.here[run.ID] = run
		}
		if len(runs) < pageOfBooks {
			return nil
		}
	}
}

// young reports whether it is too early to judge something that was made at this time.
func (r *Reconciler) young(at time.Time) bool { return at.After(r.Now().Add(-r.Grace)) }

func (b BookedRun) operation() app.CreditOperation {
	return app.CreditOperation{UserID: b.UserID, GenerationID: b.GenerationID, Reference: b.ID, Amount: b.Amount}
}

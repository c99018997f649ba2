package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
)

// creditOperationsAtOnce is how many operations are handed to the credit service at a
// time. It bounds its calls by itself, and sends together what comes together.
const creditOperationsAtOnce = 100

// creditHandler carries out what was decided about credits. It waits for the
// credit service as long as it takes: credits are never given up on because
// somebody was out of reach.
type creditHandler struct{ service *Service }

// CreditHandler is the handler of the queue of credit operations.
func (s *Service) CreditHandler() outbox.Handler { return &creditHandler{service: s} }

// MaxInFlight implements outbox.Handler.
func (c *creditHandler) MaxInFlight() int { return 2 * creditOperationsAtOnce }

// Deliver implements outbox.Handler.
func (c *creditHandler) Deliver(ctx context.Context, ds []outbox.Delivery, done func(i int, err error)) {
	var g errgroup.Group
	g.SetLimit(creditOperationsAtOnce)
	for i, d := range ds {
		g.Go(func() error {
			ctx, end := c.service.tracer.Begin(ctx, d.Trace, &d)
			err := c.one(ctx, d)
			end(err)
			done(i, err)
			return nil
		})
	}
	_ = g.Wait() // every end has been told to done
}

func (c *creditHandler) one(ctx context.Context, d outbox.Delivery) error {
	var p CreditPayload
	if err := json.Unmarshal(d.Payload, &p); err != nil {
		return &outbox.PermanentError{Err: fmt.Errorf("read credit operation: %w", err)}
	}
	op := CreditOperation{UserID: d.UserID, GenerationID: d.GenerationID, Reference: d.RunID, Amount: p.Amount}
	s := c.service
	switch d.Kind {
	case outbox.DeliverReserve:
		return s.reserveInBackground(ctx, op)
	case outbox.DeliverRelease:
		return s.release(ctx, op)
	case outbox.DeliverDeduct:
		return s.askCredits(ctx, "deduct", op, s.remote().Deduct)
	case outbox.DeliverRefund:
		return s.askCredits(ctx, "refund", op, s.remote().Refund)
	case outbox.DeliverSampleJob, outbox.DeliverFinalJob, outbox.DeliverNotify, outbox.DeliverIngest:
	}
	return &outbox.PermanentError{Err: fmt.Errorf("%q is no credit operation", d.Kind)}
}

// Unavailable implements outbox.Handler.
func (c *creditHandler) Unavailable(err error) bool {
	return errors.Is(err, aigen.ErrCreditsUnavailable)
}

// GiveUp implements outbox.Handler. A credit service that gives no answer is waited for
// without end.
func (c *creditHandler) GiveUp(_ outbox.Delivery, err error, exhausted bool) bool {
	return exhausted && !c.Unavailable(err) && aigen.CodeOf(err) != aigen.CodeInternal
}

// RetryAt implements outbox.Handler.
func (c *creditHandler) RetryAt(outbox.Delivery, error) time.Time { return time.Time{} }

// OnDeadLetter implements outbox.Handler. It gives up a reservation that cannot even be asked for. A deduction or refund
// stays decided: the dead row shows the operator what the other side lacks.
func (c *creditHandler) OnDeadLetter(ctx context.Context, d outbox.Delivery) error {
	if d.Kind != outbox.DeliverReserve {
		return nil
	}
	_, err := c.service.Change(ctx, d.GenerationID, func(g *aigen.Generation, _ *Change) (bool, error) {
		return g.AbandonReservation(c.service.policy, d.RunID)
	})
	if errors.Is(err, aigen.ErrNotFound) {
		return nil
	}
	return err
}

// remote is the credit service, or one that refuses where the ledger is embedded:
// deliveries of a time when ODOO_SERVICE_URL was set wait until it is set again.
func (s *Service) remote() CreditService {
	if s.credits != nil {
		return s.credits
	}
	return noCreditService{}
}

func (s *Service) askCredits(
	ctx context.Context, name string, op CreditOperation, call func(context.Context, CreditOperation) error,
) error {
	ctx, cancel := context.WithTimeoutCause(ctx, s.reserveTimeout, errors.New(name+" credits: no answer in time"))
	defer cancel()
	started := time.Now()
	err := call(ctx, op)
	s.metrics.CreditOperation(name, creditOutcome(err), time.Since(started))
	return err
}

// reserveInBackground decides a pending run: in the asynchronous mode, and for a
// reservation whose answer was lost in a crash.
func (s *Service) reserveInBackground(ctx context.Context, op CreditOperation) error {
	var err error
	if s.ledger == nil {
		// A run that was decided meanwhile is not asked for again: what a late retry of
		// this would hold, nobody would refund.
		if pending, err := s.awaitsReservation(ctx, op); err != nil || !pending {
			return err
		}
		err = s.askCredits(ctx, "reserve", op, s.remote().Reserve)
	}
	if err == nil {
		_, err = s.Change(ctx, op.GenerationID, func(g *aigen.Generation, c *Change) (bool, error) {
			ok, err := g.ConfirmReservation(s.policy, op.Reference)
			if ok {
				c.Postings = append(c.Postings, s.postings(g, ledger.Reserve, op.Reference, op.Amount)...)
			}
			return ok, err
		})
	}
	if errors.Is(err, aigen.ErrInsufficientCredits) {
		_, err = s.Change(ctx, op.GenerationID, func(g *aigen.Generation, _ *Change) (bool, error) {
			return g.RejectReservation(s.policy, op.Reference, true)
		})
	}
	if errors.Is(err, aigen.ErrNotFound) {
		return nil // it was turned down and removed meanwhile
	}
	return err
}

// awaitsReservation reports whether the run's reservation has no answer yet.
func (s *Service) awaitsReservation(ctx context.Context, op CreditOperation) (bool, error) {
	g, err := s.store.Get(ctx, op.GenerationID)
	if errors.Is(err, aigen.ErrNotFound) {
		return false, nil // it was turned down and removed meanwhile
	}
	if err != nil {
		return false, err
	}
	run, ok := g.PendingRun()
	return ok && run.ID == op.Reference, nil
}

// release finds out what became of a reservation without an answer, by asking for
// it once more under the same reference, and frees it if it is held.
func (s *Service) release(ctx context.Context, op CreditOperation) error {
	held := true
	err := s.askCredits(ctx, "reserve", op, s.remote().Reserve)
	if errors.Is(err, aigen.ErrInsufficientCredits) {
		held, err = false, nil
	}
	if err != nil {
		return err
	}
	if held {
		if err := s.askCredits(ctx, "refund", op, s.remote().Refund); err != nil {
			return err
		}
	}
	_, err = s.Change(ctx, op.GenerationID, func(g *aigen.Generation, _ *Change) (bool, error) {
		return g.ConfirmRelease(s.policy, op.Reference, held)
	})
	if errors.Is(err, aigen.ErrNotFound) {
		return nil
	}
	return err
}

type noCreditService struct{}

func (noCreditService) err() error {
	return &aigen.Error{
		Code: aigen.CodeCreditServiceUnavailable, Message: "Credits cannot be settled just now.",
		Detail: "the operation belongs to a remote credit service; set ODOO_SERVICE_URL",
	}
}

func (n noCreditService) Reserve(context.Context, CreditOperation) error { return n.err() }
func (n noCreditService) Deduct(context.Context, CreditOperation) error  { return n.err() }
func (n noCreditService) Refund(context.Context, CreditOperation) error  { return n.err() }
func (n noCreditService) Balance(context.Context, aigen.ID) (Balance, error) {
	return Balance{}, n.err()
}

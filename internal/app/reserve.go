package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
)

// reserveLocally confirms the pending run of g in the change that adds the run: with the
// embedded ledger the same transaction holds the credits.
func (s *Service) reserveLocally(c *Change) (Accepted, error) {
	run, _ := c.Generation.PendingRun()
	if _, err := c.Generation.ConfirmReservation(s.policy, run.ID); err != nil {
		return Accepted{}, err
	}
	c.Postings = append(c.Postings, s.postings(c.Generation, ledger.Reserve, run.ID, run.Amount)...)
	return Accepted{GenerationID: c.Generation.ID, Status: c.Generation.Status, CreditsReserved: run.Amount}, nil
}

// requestReservation completes a change that has a pending run as the credit mode wants.
// The answer is nil if a remote credit service has to be called after the change is
// written, by reserveRemotely.
func (s *Service) requestReservation(c *Change, k RequestKey) (*Accepted, error) {
	run, _ := c.Generation.PendingRun()
	var answer *Accepted
	switch {
	case s.ledger == nil && run.Amount == 0:
		// A free run needs no reservation.
		a, err := s.reserveLocally(c)
		if err != nil {
			return nil, err
		}
		answer = &a
	case s.mode == ReserveInBackground:
		if err := c.Generation.DeferReservation(s.policy); err != nil {
			return nil, err
		}
		answer = &Accepted{GenerationID: c.Generation.ID, Status: c.Generation.Status}
	case s.ledger != nil:
		a, err := s.reserveLocally(c)
		if err != nil {
			return nil, err
		}
		answer = &a
	}
	c.Record = s.record(c.Generation, run.ID, k, answer)
	return answer, nil
}

// reserveRemotely calls the credit service for the pending run, which is written already:
// whatever happens from here on, the run's id identifies the call. It goes on when the
// caller hangs up, since the credits may be held by then.
func (s *Service) reserveRemotely(ctx context.Context, g *aigen.Generation, k RequestKey) (Accepted, error) {
	run, ok := g.PendingRun()
	if !ok {
		return Accepted{}, fmt.Errorf("generation %s has no reservation to ask for", g.ID) // unreachable by construction
	}
	ctx = context.WithoutCancel(ctx)
	asked, cancel := context.WithTimeoutCause(ctx, s.reserveTimeout, errors.New("reserve credits: no answer in time"))
	defer cancel()
	started := time.Now()
	err := s.credits.Reserve(asked, operation(g, run))
	s.metrics.CreditOperation("reserve", creditOutcome(err), time.Since(started))
	switch {
	case err == nil:
		return s.confirmReservation(ctx, g.ID, run)
	case errors.Is(err, aigen.ErrInsufficientCredits), errors.Is(err, ErrNotAsked):
		// After ErrNotAsked too: an outage must not leave a failed generation, a delivery
		// and a notification for each request that it rejects.
		return Accepted{}, s.rejectRequest(ctx, g, run, k, err)
	default:
		return Accepted{}, s.abandonRequest(ctx, g, run, k, err)
	}
}

func operation(g *aigen.Generation, run aigen.Run) CreditOperation {
	return CreditOperation{UserID: g.UserID, GenerationID: g.ID, Reference: run.ID, Amount: run.Amount}
}

func (s *Service) confirmReservation(ctx context.Context, id aigen.ID, run aigen.Run) (Accepted, error) {
	g, err := s.Change(ctx, id, func(g *aigen.Generation, _ *Change) (bool, error) {
		return g.ConfirmReservation(s.policy, run.ID)
	})
	if err != nil {
		return Accepted{}, err
	}
	for i := range g.Runs {
		if r := &g.Runs[i]; r.ID == run.ID && len(r.Jobs) > 0 {
			return acceptedRun(g, r), nil
		}
	}
	return Accepted{}, &aigen.Error{
		Code: aigen.CodeInvalidState, Message: "The generation is " + string(g.Status) + ": it ended while credits were being reserved.",
	}
}

// rejectRequest undoes a request that the user cannot afford, or for which no call was
// sent. A new generation is removed, as with the embedded ledger: the caller has never seen
// its id.
//
// ErrNotAsked is not proof that no call was sent: a replica whose clock runs ahead may have
// assumed that this process died, and handed the reservation to the outbox. In that case
// abandonRequest the run and let the outbox find out.
func (s *Service) rejectRequest(ctx context.Context, g *aigen.Generation, run aigen.Run, k RequestKey, cause error) error {
	_, err := s.Change(ctx, g.ID, func(g *aigen.Generation, c *Change) (bool, error) {
		c.ForgetKey, c.ForgetRun = k.Key, run.ID
		if errors.Is(cause, ErrNotAsked) && g.ReservationDeferred(run.ID) {
			return g.AbandonReservation(s.policy, run.ID)
		}
		c.Discard = g.LastEvent == 0
		return g.RejectReservation(s.policy, run.ID, false)
	})
	if err != nil && !errors.Is(err, aigen.ErrNotFound) {
		return err
	}
	return cause
}

// abandonRequest gives up on a credit service that did not answer. The relay finds out
// later whether the credits are held, and frees them.
func (s *Service) abandonRequest(ctx context.Context, g *aigen.Generation, run aigen.Run, k RequestKey, cause error) error {
	_, err := s.Change(ctx, g.ID, func(g *aigen.Generation, c *Change) (bool, error) {
		c.ForgetKey, c.ForgetRun = k.Key, run.ID
		return g.AbandonReservation(s.policy, run.ID)
	})
	if err != nil {
		return err
	}
	var known *aigen.Error
	if errors.As(cause, &known) && known.Code == aigen.CodeCreditServiceUnavailable {
		return cause
	}
	return &aigen.Error{
		Code:    aigen.CodeCreditServiceUnavailable,
		Message: "Credits could not be checked just now. Nothing was charged. Try again in a moment.", Err: cause,
	}
}

func creditOutcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, aigen.ErrInsufficientCredits):
		return "refused"
	case errors.Is(err, aigen.ErrCreditsUnavailable):
		return "unavailable"
	default:
		return "error"
	}
}

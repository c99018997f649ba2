package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/creativeflow/aigen"
)

// reserveLocally decides the pending run of g in the change that asks for it: with
// the embedded ledger the credits are held by the same transaction.
func (s *Service) reserveLocally(c *Change) (Accepted, error) {
	run, _ := c.Generation.PendingRun()
	if _, err := c.Generation.Reserved(s.policy, run.ID); err != nil {
		return Accepted{}, err
	}
	c.Movements = append(c.Movements, s.movements(c.Generation, MovementReserve, run.ID, run.Amount)...)
	return Accepted{GenerationID: c.Generation.ID, Status: c.Generation.Status, CreditsReserved: run.Amount}, nil
}

// ask completes a change that has a pending run in the way that the mode wants.
// The answer is nil where a remote credit service has to be asked after the change
// is written, by reserveRemotely.
func (s *Service) ask(c *Change, k RequestKey) (*Accepted, error) {
	run, _ := c.Generation.PendingRun()
	var answer *Accepted
	switch {
	case s.ledger == nil && run.Amount == 0:
		// Free: there is nothing to ask anybody for.
		a, err := s.reserveLocally(c)
		if err != nil {
			return nil, err
		}
		answer = &a
	case s.mode == ReserveInBackground:
		if err := c.Generation.Accept(s.policy); err != nil {
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

// reserveRemotely asks the credit service for the pending run, which has been
// written already: whatever happens from here on, the run's id tells what was asked.
// It goes on when the caller hangs up, since the credits may be held by then.
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
		return s.confirm(ctx, g.ID, run)
	case errors.Is(err, aigen.ErrInsufficientCredits), errors.Is(err, ErrNotAsked):
		// Not asked: an outage must not leave a failed generation, a question and a
		// notification for each request that it turns away.
		return Accepted{}, s.turnDown(ctx, g, run, k, err)
	default:
		return Accepted{}, s.abandon(ctx, g, run, k, err)
	}
}

func operation(g *aigen.Generation, run aigen.Run) CreditOperation {
	return CreditOperation{UserID: g.UserID, GenerationID: g.ID, Reference: run.ID, Amount: run.Amount}
}

func (s *Service) confirm(ctx context.Context, id aigen.ID, run aigen.Run) (Accepted, error) {
	g, err := s.Change(ctx, id, func(g *aigen.Generation, _ *Change) (bool, error) {
		return g.Reserved(s.policy, run.ID)
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

// turnDown undoes a request that the user cannot afford, or that nobody was asked
// about. Of a new generation nothing remains, as with the embedded ledger: the caller has never seen its id.
//
// That we asked nobody says nothing where the outbox has begun to ask: a replica whose
// clock is ahead takes us for dead while we wait. Then it has to find out.
func (s *Service) turnDown(ctx context.Context, g *aigen.Generation, run aigen.Run, k RequestKey, cause error) error {
	_, err := s.Change(ctx, g.ID, func(g *aigen.Generation, c *Change) (bool, error) {
		c.ForgetKey, c.ForgetRun = k.Key, run.ID
		if errors.Is(cause, ErrNotAsked) && g.InBackground(run.ID) {
			return g.Abandon(s.policy, run.ID)
		}
		c.Discard = g.LastEvent == 0
		return g.Refused(s.policy, run.ID, false)
	})
	if err != nil && !errors.Is(err, aigen.ErrNotFound) {
		return err
	}
	return cause
}

// abandon gives up on a credit service that did not answer; the relay finds out
// later whether the credits are held, and frees them.
func (s *Service) abandon(ctx context.Context, g *aigen.Generation, run aigen.Run, k RequestKey, cause error) error {
	_, err := s.Change(ctx, g.ID, func(g *aigen.Generation, c *Change) (bool, error) {
		c.ForgetKey, c.ForgetRun = k.Key, run.ID
		return g.Abandon(s.policy, run.ID)
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

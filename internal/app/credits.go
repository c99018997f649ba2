package app

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
)

// GetCredits returns the user's balance. Error code: CodeCreditServiceUnavailable.
func (s *Service) GetCredits(ctx context.Context, user aigen.ID) (Balance, error) {
	if s.ledger != nil {
		return s.ledger.Balance(ctx, user)
	}
	started := time.Now()
	b, err := s.credits.Balance(ctx, user)
	s.metrics.CreditOperation("balance", creditOutcome(err), time.Since(started))
	return b, err
}

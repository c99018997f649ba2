package app

import (
	"context"
	"errors"

	"github.com/creativeflow/aigen"
)

// RequestKey is a request's Idempotency-Key with the hash of the request, so that
// the key cannot be used for another one. The zero value means no key.
type RequestKey struct {
	Key  string
	Hash [32]byte // SHA-256 of what makes the request: operation, path and body
}

// replay answers a request whose key was used before. nil, nil: it was not, or the
// first request came to nothing, and this one may go ahead.
//
// Errors have the codes CodeIdempotencyConflict (the first is still running) and
// CodeIdempotencyKeyReused (the first was another request).
func (s *Service) replay(ctx context.Context, user aigen.ID, k RequestKey, c *Change) (*Accepted, error) {
	if k.Key == "" {
		return nil, nil //nolint:nilnil // documented: no earlier answer is no fault
	}
	rec, err := s.store.IdempotencyRecord(ctx, user, k.Key, s.policy.Now())
	if errors.Is(err, ErrNoRecord) {
		return nil, nil //nolint:nilnil // likewise
	}
	if err != nil {
		return nil, err
	}
	if rec.RequestHash != k.Hash {
		return nil, &aigen.Error{
			Code:    aigen.CodeIdempotencyKeyReused,
			Message: "This Idempotency-Key was used for another request. Use a new key for a new request.",
		}
	}
	if rec.Answer != nil {
		answer := *rec.Answer
		answer.Replayed = true
		return &answer, nil
	}
	return s.replayUnanswered(ctx, rec, c)
}

// replayUnanswered handles a first request that asked a remote credit service and
// has not written its answer: it still runs, or its process died.
func (s *Service) replayUnanswered(ctx context.Context, rec IdempotencyRecord, c *Change) (*Accepted, error) {
	g, err := s.store.Get(ctx, rec.GenerationID)
	if err != nil && !errors.Is(err, aigen.ErrNotFound) {
		return nil, err
	}
	if g != nil {
		for i := range g.Runs {
			r := &g.Runs[i]
			if r.ID != rec.RunID {
				continue
			}
			if r.Reservation == aigen.ReservationPending {
				return nil, &aigen.Error{
					Code:    aigen.CodeIdempotencyConflict,
					Message: "The first request with this Idempotency-Key is still running. Ask again in a moment.",
				}
			}
			if len(r.Jobs) > 0 {
				a := acceptedRun(g, r)
				a.Replayed = true
				return &a, nil
			}
		}
	}
	c.ForgetKey, c.ForgetRun = rec.Key, rec.RunID // refused or given up: this request is as good as the first
	return nil, nil                               //nolint:nilnil // documented at replay
}

// acceptedRun is the answer that the request for run r got or would have got.
func acceptedRun(g *aigen.Generation, r *aigen.Run) Accepted {
	status := aigen.StatusProcessingSamples
	if r.Stage == aigen.StageFinal {
		status = aigen.StatusProcessingFinal
	}
	return Accepted{GenerationID: g.ID, Status: status, CreditsReserved: r.Amount}
}

// record makes the row that remembers answer; a nil answer marks a request that
// still runs.
func (s *Service) record(g *aigen.Generation, run aigen.ID, k RequestKey, answer *Accepted) *IdempotencyRecord {
	if k.Key == "" {
		return nil
	}
	now := s.policy.Now().UTC()
	return &IdempotencyRecord{
		UserID: g.UserID, Key: k.Key, RequestHash: k.Hash, GenerationID: g.ID, RunID: run,
		Answer: answer, CreatedAt: now, ExpiresAt: now.Add(s.keyLifetime),
	}
}

package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/creativeflow/aigen"
)

// ProcessResult is a callback of the workflow engine, checked and proved.
type ProcessResult struct {
	GenerationID aigen.ID
	Report       aigen.Report
	Progress     *int // percent; set for a report of progress, which changes no state

	// Received: the report proves that the engine has the job for good. It is false for
	// an engine in this process, which has it only as long as the process lives: its
	// delivery stays until the job is done, so that a crash does not lose it.
	Received bool
}

// Processed is the answer to a callback.
type Processed struct {
	Outcome aigen.Outcome `json:"outcome"`
	Status  aigen.Status  `json:"status"`
}

// ProcessN8NResult takes what the engine reports. The same report, however often
// and whenever it comes, changes the generation and moves credits at most once. A report
// on a job ends its delivery: the engine has it.
// Error codes: CodeNotFound, CodeUnknownJob, CodeCallbackContradiction, CodeInvalidInput (a
// picture has no URL, and nobody has handed it over).
func (s *Service) ProcessN8NResult(ctx context.Context, cmd ProcessResult) (Processed, error) {
	if cmd.Progress != nil {
		return s.showProgress(ctx, cmd)
	}
	if cmd.Report.Fingerprint == (aigen.Fingerprint{}) {
		f, err := fingerprint(cmd.Report)
		if err != nil {
			return Processed{}, err
		}
		cmd.Report.Fingerprint = f
	}
	handedOver, missing, err := s.findHandedOver(ctx, &cmd)
	if err != nil {
		return Processed{}, err
	}
	var outcome aigen.Outcome
	g, err := s.Change(ctx, cmd.GenerationID, func(g *aigen.Generation, c *Change) (bool, error) {
		var err error
		if outcome, err = g.Report(s.policy, cmd.Report); err != nil || outcome != aigen.OutcomeApplied {
			return false, err
		}
		if missing != nil {
			return false, missing
		}
		for _, name := range handedOver {
			c.AssetRemovals = append(c.AssetRemovals, AssetRemoval{Name: name})
		}
		return true, s.selectAutomatically(g, c)
	})
	if err != nil {
		s.metrics.Callback(string(aigen.CodeOf(err)))
		return Processed{}, err
	}
	s.metrics.Callback(string(outcome))
	if outcome == aigen.OutcomeApplied {
		s.warnOfShortResult(ctx, g, cmd.Report)
	}
	return Processed{Outcome: outcome, Status: g.Status}, nil
}

// fingerprint identifies a report by what it says. The wire's spelling (white
// space, order of keys, the webhook-id) does not count: a repeat may differ there.
func fingerprint(r aigen.Report) (aigen.Fingerprint, error) {
	canonical, err := json.Marshal(r)
	if err != nil {
		return aigen.Fingerprint{}, err
	}
	sum := sha256.Sum256(canonical)
	return aigen.Fingerprint(sum[:16]), nil
}

// showProgress passes progress on to whoever watches. It is not kept: a stream
// that resumes gets the next report of it, and every event that counts.
func (s *Service) showProgress(ctx context.Context, cmd ProcessResult) (Processed, error) {
	g, err := s.store.Get(ctx, cmd.GenerationID)
	if err != nil {
		return Processed{}, err
	}
	outcome := aigen.OutcomeApplied
	switch {
	case g.Status.Ended():
		outcome = aigen.OutcomeIgnored
	case !g.AwaitsJob(cmd.Report.JobID):
		outcome = aigen.OutcomeStale
	default:
		if err := s.received(ctx, cmd); err != nil {
			return Processed{}, err
		}
		s.live.Publish([]aigen.Event{{
			GenerationID: g.ID, UserID: g.UserID, Type: aigen.EventProgress, At: s.policy.Now().UTC().Truncate(time.Microsecond),
			Data: aigen.EventData{
				GenerationID: g.ID, ProjectID: g.ProjectID, Status: g.Status, Stage: g.Stage(), Attempt: g.Attempt(),
				Credits: g.Totals(), Progress: cmd.Progress,
			},
		}})
	}
	return Processed{Outcome: outcome, Status: g.Status}, nil
}

// received ends the delivery of a job that the engine has shown to have. Without a jobId
// it could be another job's, which waits for its turn.
func (s *Service) received(ctx context.Context, cmd ProcessResult) error {
	job := cmd.Report.JobID
	if !cmd.Received || job.IsZero() {
		return nil
	}
	if err := s.store.SettleJob(ctx, job); err != nil {
		return err
	}
	s.dispatcher.Withdraw([]aigen.ID{job}, nil)
	return nil
}

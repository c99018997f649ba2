package aigen

import (
	"encoding/hex"
	"fmt"
)

// Fingerprint identifies the content of a callback: the first 16 bytes of the SHA-256 of its
// canonical form. Zero means none.
type Fingerprint [16]byte

// MarshalText returns the fingerprint in hex, "" for none.
func (f Fingerprint) MarshalText() ([]byte, error) { return f.AppendTo(nil), nil }

// AppendTo appends the text of MarshalText to b.
func (f Fingerprint) AppendTo(b []byte) []byte {
	if f == (Fingerprint{}) {
		return b
	}
	return hex.AppendEncode(b, f[:])
}

// UnmarshalText reads the text of MarshalText.
func (f *Fingerprint) UnmarshalText(text []byte) error {
	*f = Fingerprint{}
	if len(text) == 0 {
		return nil
	}
	if len(text) != 2*len(f) {
		return fmt.Errorf("a fingerprint has %d hex digits, not %d", 2*len(f), len(text))
	}
	_, err := hex.Decode(f[:], text)
	return err
}

// ReportKind is the kind of a report.
type ReportKind string

// The kinds of reports. Progress is not a report, since it changes no state.
const (
	ReportSamples  ReportKind = "samples"  // the samples are ready
	ReportFinal    ReportKind = "final"    // the final asset is ready
	ReportFailure  ReportKind = "failure"  // the job failed
	ReportRejected ReportKind = "rejected" // the content was rejected
)

// Report is the report of the engine on a job, validated and decoded.
type Report struct {
	JobID       ID // zero: the engine named none, and the stage decides
	Kind        ReportKind
	Stage       Stage // the stage of the report; "" if unknown (rejected). The kinds samples and final imply it
	Fingerprint Fingerprint

	Samples      []Asset // ReportSamples: at least one
	FinalAssetID string  // ReportFinal
	FinalAsset   *Asset  // ReportFinal; nil if only the id is known
	AIModelUsed  string
	Failure      Failure // ReportFailure, ReportRejected
}

// Outcome is the effect of a report.
type Outcome string

// The outcomes (contract section 3). Only Applied has changed anything.
const (
	OutcomeApplied   Outcome = "applied"
	OutcomeDuplicate Outcome = "duplicate" // the job reported this before
	OutcomeStale     Outcome = "stale"     // the job or its run was replaced
	OutcomeIgnored   Outcome = "ignored"   // the generation has ended
)

// Report applies a report of the engine. Each job changes the generation at most once, even
// if reports are repeated, come late or contradict each other.
//
// The error is an *Error with CodeCallbackContradiction (the job cannot have done
// this) or CodeUnknownJob.
func (g *Generation) Report(p *Policy, rep Report) (Outcome, error) {
	switch rep.Kind {
	case ReportSamples:
		rep.Stage = StageSamples
	case ReportFinal:
		rep.Stage = StageFinal
	case ReportFailure, ReportRejected:
	default:
		return "", fmt.Errorf("unknown kind of report %q", rep.Kind)
	}
	run, job, err := g.findReportedJob(&rep)
	switch {
	case err != nil:
		return "", err
	case job == nil:
		return g.reportWithoutJob(&rep)
	case job.State != JobLive:
		return g.lateReport(run, job, &rep)
	case rep.Stage != "" && rep.Stage != run.Stage:
		return "", contradiction(g.Status, rep.Stage)
	}
	job.ReportFingerprint = rep.Fingerprint
	if rep.AIModelUsed != "" {
		g.AIModelUsed = rep.AIModelUsed
	}
	switch rep.Kind {
	case ReportSamples:
		g.endJob(run, job, JobSucceeded)
		g.samplesReady(p, run, g.named(p, job, rep.Samples))
	case ReportFinal:
		g.endJob(run, job, JobSucceeded)
		g.finalReady(p, run, rep.FinalAssetID, g.namedFinal(p, job, rep.FinalAsset))
	case ReportFailure:
		g.endJob(run, job, JobFailed)
		g.jobFailed(p, run, rep.Failure)
	case ReportRejected:
		g.endJob(run, job, JobRejected)
		g.rejected(p, run, rep.Failure)
	}
	return OutcomeApplied, nil
}

// findReportedJob finds the job of a report: the job that the report names, or the live job.
// No job and no error mean that there is no job to end.
func (g *Generation) findReportedJob(rep *Report) (*Run, *Job, error) {
	if !rep.JobID.IsZero() {
		run, job := g.findJob(rep.JobID)
		if job == nil && !g.Status.Ended() {
			return nil, nil, &Error{Code: CodeUnknownJob, Message: "The generation has no job with this jobId."}
		}
		return run, job, nil
	}
	if g.reportedBefore(rep.Fingerprint) {
		return nil, nil, nil
	}
	if run := g.activeRun(); run != nil && run.liveJob() != nil {
		if rep.Stage == StageSamples && run.Stage == StageFinal {
			return nil, nil, nil // a sample is chosen already: a late repeat
		}
		return run, run.liveJob(), nil
	}
	return nil, nil, nil
}

// reportWithoutJob answers a report for which there is no job to end.
func (g *Generation) reportWithoutJob(rep *Report) (Outcome, error) {
	switch {
	case rep.JobID.IsZero() && g.reportedBefore(rep.Fingerprint):
		return OutcomeDuplicate, nil
	case g.Status.Ended():
		return OutcomeIgnored, nil
	case rep.Stage == StageFinal || g.Status == StatusPending:
		return "", contradiction(g.Status, rep.Stage)
	case rep.Kind == ReportSamples:
		// Without a jobId and with other pictures: the engine ran the job twice.
		return OutcomeDuplicate, nil
	default:
		return OutcomeStale, nil
	}
}

// lateReport answers a report for a job that is not live any more.
func (g *Generation) lateReport(run *Run, job *Job, rep *Report) (Outcome, error) {
	switch {
	case job.repeats(rep) && (rep.Stage == "" || rep.Stage == run.Stage):
		return OutcomeDuplicate, nil
	case g.Status.Ended():
		return OutcomeIgnored, nil
	case rep.Stage != "" && rep.Stage != run.Stage:
		return "", contradiction(g.Status, rep.Stage)
	default:
		return OutcomeStale, nil
	}
}

// repeats reports whether the job reported the same before. An engine that received the job
// twice reports other pictures the second time; that counts as a repeat too.
func (j *Job) repeats(rep *Report) bool {
	switch rep.Kind {
	case ReportSamples, ReportFinal:
		return j.State == JobSucceeded
	case ReportFailure:
		return j.State == JobFailed
	case ReportRejected:
		return j.State == JobRejected
	}
	return false
}

func (g *Generation) reportedBefore(f Fingerprint) bool {
	if f == (Fingerprint{}) {
		return false
	}
	for i := range g.Runs {
		for k := range g.Runs[i].Jobs {
			if g.Runs[i].Jobs[k].ReportFingerprint == f {
				return true
			}
		}
	}
	return false
}

// AwaitsJob reports whether the result of a job is awaited: the job is live, or id is zero
// and some job is live.
func (g *Generation) AwaitsJob(id ID) bool {
	r := g.activeRun()
	return r != nil && r.liveJob() != nil && (id.IsZero() || r.liveJob().ID == id)
}

func contradiction(s Status, stage Stage) *Error {
	what := "a report"
	if stage != "" {
		what = "a report on the " + string(stage) + " stage"
	}
	return &Error{
		Code:    CodeCallbackContradiction,
		Message: "The generation is " + string(s) + ": " + what + " contradicts that.",
	}
}

func (g *Generation) samplesReady(p *Policy, r *Run, samples []Asset) {
	g.mustMove(p, StatusAwaitingSelection)
	g.Samples, g.SelectedSampleID = samples, ""
	g.settle(r, ReservationDeducted)
	g.SelectBy = g.UpdatedAt.Add(p.SelectionTimeout)
	g.DueAt = g.SelectBy
	g.record(p, EventSamplesReady)
	if !g.Options.AutoSelect { // nobody has to choose
		g.addEffect(Effect{Kind: EffectNotify, Notice: EventSamplesReady})
	}
}

func (g *Generation) finalReady(p *Policy, r *Run, id string, asset *Asset) {
	g.FinalAssetID, g.FinalAsset = id, asset
	g.settle(r, ReservationDeducted)
	g.end(p, ending{status: StatusCompleted, event: EventCompleted})
}

func (g *Generation) rejected(p *Policy, r *Run, why Failure) {
	if p.ChargeRejected {
		g.settle(r, ReservationDeducted)
	}
	g.end(p, ending{status: StatusContentRejected, event: EventRejected, why: &why})
}

// jobFailed dispatches the run again if another attempt is allowed, or fails the generation.
func (g *Generation) jobFailed(p *Policy, r *Run, why Failure) {
	delay := p.RetryDelay(len(r.Jobs))
	inTime := p.now().Add(delay).Before(r.Deadline)
	if !why.Retryable || len(r.Jobs) >= p.MaxStageAttempts || !inTime {
		g.end(p, ending{status: StatusFailed, event: EventFailed, why: &why})
		return
	}
	job := r.dispatch(p.NewID())
	g.addEffect(Effect{Kind: EffectDispatch, RunID: r.ID, JobID: job.ID, Delay: delay})
	event := EventSamplesRetrying
	if r.Stage == StageFinal {
		event = EventFinalRetrying
	}
	g.recordWith(p, event, func(d *EventData) { d.Error = &why })
}

func (g *Generation) mustMove(p *Policy, next Status) {
	if err := g.move(p, next); err != nil {
		panic("aigen: a live job in a state that does not allow its report: " + err.Error())
	}
}

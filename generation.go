// Package aigen is the domain of the AI generation orchestrator: a user's request
// for a creative, the runs and jobs that serve it, and the credits it costs.
//
// A Generation changes only through its verbs. A verb checks the state table,
// changes the value, and records the event that happened and the effects that
// must follow; it calls nothing outside. The use-cases in internal/app write all
// three in one transaction.
package aigen

import (
	"fmt"
	"strconv"
	"time"
)

// Generation is one user's request for a creative, with everything that was done for it.
type Generation struct {
	ID        ID
	UserID    ID
	ProjectID ID
	Input     Input
	Options   Options

	Status           Status
	Samples          []Asset
	SelectedSampleID string
	FinalAssetID     string
	FinalAsset       *Asset
	AIModelUsed      string
	Failure          *Failure
	Runs             []Run // oldest first; at most one has a live job

	SelectBy  time.Time // while a person has to choose: until when
	DueAt     time.Time // when the sweeper must look; zero after the end
	CreatedAt time.Time
	UpdatedAt time.Time

	StatusSince time.Time // when Status was entered

	Version   int64 // guards the row: a change is written only over the version it was made from
	LastEvent int64 // Seq of the newest event

	events  []Event
	effects []Effect
}

// New makes a generation in Pending with one run for its samples, or for its final if none
// are asked for. The reservation of the run is pending. It has no event yet: the first event is recorded when the reservation is
// confirmed or rejected, or when DeferReservation hands it to the outbox.
func New(p *Policy, user, project ID, in Input, o Options) *Generation {
	now := p.now()
	g := &Generation{
		ID: p.NewID(), UserID: user, ProjectID: project, Input: in, Options: o,
		Status: StatusPending, CreatedAt: now, UpdatedAt: now, StatusSince: now,
	}
	if in.Parameters.Samples == 0 {
		res := in.Parameters.FinalResolution()
		g.addRun(p, Run{Stage: StageFinal, Resolution: res, Amount: p.Pricing.FinalRun(res)})
		return g
	}
	g.addRun(p, Run{Stage: StageSamples, Amount: p.Pricing.SamplesRun(in.Parameters.Samples)})
	return g
}

// DeferReservation hands the pending reservation to the outbox: it records the creation, and
// the effect that calls the credit service.
func (g *Generation) DeferReservation(p *Policy) error {
	r := g.pendingRun()
	if r == nil {
		return g.refuse("has no pending reservation")
	}
	g.reserveAsync(p, r)
	if g.LastEvent == 0 {
		g.record(p, EventCreated)
	}
	return nil
}

// SelectSample asks for the final of one of the samples, at resolution res or,
// if that is zero, the one of the input. The work starts with ConfirmReservation.
func (g *Generation) SelectSample(p *Policy, sampleID string, res Resolution) error {
	if err := g.awaitsChoice("a sample can be selected"); err != nil {
		return err
	}
	if g.sample(sampleID) == nil {
		return &Error{Code: CodeUnknownSample, Message: "The generation has no sample with this id."}
	}
	if res == (Resolution{}) {
		res = g.Input.Parameters.FinalResolution()
	}
	g.addRun(p, Run{Stage: StageFinal, SampleID: sampleID, Resolution: res, Amount: p.Pricing.FinalRun(res)})
	return nil
}

// MaxRuns is the number of runs from which on samples are not regenerated: every step
// reads and writes all runs of its generation. The final is made all the same.
const MaxRuns = 50

// Regenerate asks for new samples made from in. The input of the generation
// changes, and the work starts, with ConfirmReservation.
func (g *Generation) Regenerate(p *Policy, in Input) error {
	if err := g.awaitsChoice("samples can be regenerated"); err != nil {
		return err
	}
	if in.Parameters.Samples == 0 {
		return InvalidInput(FieldError{"body.inputParameters.samples", fmt.Sprintf("must be 1 to %d: samples are what is asked for", MaxSamples)})
	}
	if len(g.Runs) >= MaxRuns {
		return &Error{
			Code:    CodeInvalidState,
			Message: "The generation has had " + strconv.Itoa(MaxRuns) + " runs, which is the most: choose one of its samples, or create a new generation.",
		}
	}
	g.addRun(p, Run{Stage: StageSamples, Input: &in, Amount: p.Pricing.SamplesRun(in.Parameters.Samples)})
	return nil
}

// ConfirmReservation records that the credits of the pending run are held, and dispatches
// the first job of the run. For a run that is not pending any more it changes nothing and
// reports false: the answer is a repeat, or came after the run was abandoned.
func (g *Generation) ConfirmReservation(p *Policy, run ID) (bool, error) {
	r := g.run(run)
	if r == nil {
		return false, g.refuse("has no such run")
	}
	if r.Reservation != ReservationPending {
		return false, nil
	}
	next, event := StatusProcessingSamples, EventSamplesStarted
	if r.Stage == StageFinal {
		next, event = StatusProcessingFinal, EventFinalStarted
	}
	if g.LastEvent == 0 {
		event = EventCreated
	}
	if err := g.move(p, next); err != nil {
		return false, err
	}
	r.Reservation, r.ReservationRetryAt = ReservationHeld, time.Time{}
	r.Deadline = g.UpdatedAt.Add(p.timeout(r.Stage))
	if r.Input != nil {
		g.Input = *r.Input
	}
	if r.Stage == StageFinal {
		g.SelectedSampleID = r.SampleID
	}
	job := r.dispatch(p.NewID())
	g.SelectBy = time.Time{}
	g.DueAt = r.Deadline
	g.addEffect(Effect{Kind: EffectDispatch, RunID: r.ID, JobID: job.ID})
	g.record(p, event)
	return true, nil
}

// RejectReservation records that the user cannot afford the pending run. If it is the first
// run the generation fails; otherwise the generation goes on waiting for a choice. notify
// records an event and a notification: for a caller who does not wait for the answer.
func (g *Generation) RejectReservation(p *Policy, run ID, notify bool) (bool, error) {
	failure := Failure{
		Code:    CodeInsufficientCredits,
		Message: "You do not have enough credits for this. Add credits and try again.", Retryable: true,
	}
	return g.endUnreserved(p, run, ReservationRefused, failure, notify)
}

// AbandonReservation gives up the pending run because the credit service gave no answer.
// Whether the credits are held is unknown: EffectRelease finds out and frees them.
func (g *Generation) AbandonReservation(p *Policy, run ID) (bool, error) {
	failure := Failure{
		Code:    CodeCreditServiceUnavailable,
		Message: "Credits could not be checked just now. Nothing was charged. Try again in a moment.", Retryable: true,
	}
	return g.endUnreserved(p, run, ReservationReleasing, failure, g.ReservationDeferred(run))
}

func (g *Generation) endUnreserved(p *Policy, run ID, to ReservationState, why Failure, notify bool) (bool, error) {
	r := g.run(run)
	if r == nil {
		return false, g.refuse("has no such run")
	}
	if r.Reservation != ReservationPending {
		return false, nil
	}
	g.settle(r, to)
	if g.Status == StatusPending {
		e := ending{status: StatusFailed, event: EventFailed, why: &why}
		if notify && why.Code == CodeInsufficientCredits {
			e.notice = EventCreditsRefused // the reason, which the user can act on
		}
		g.end(p, e)
		return true, nil
	}
	g.DueAt = g.SelectBy
	g.touch(p)
	if !notify {
		return true, nil // the answer tells the caller
	}
	if to == ReservationReleasing {
		g.recordWith(p, EventCreditsUnavailable, func(d *EventData) { d.Error = &why })
		return true, nil
	}
	g.recordWith(p, EventCreditsRefused, func(d *EventData) { d.Error = &why })
	g.addEffect(Effect{Kind: EffectNotify, Notice: EventCreditsRefused})
	return true, nil
}

// ConfirmRelease records the end of EffectRelease. held is whether the credits were held;
// they are refunded then.
func (g *Generation) ConfirmRelease(p *Policy, run ID, held bool) (bool, error) {
	r := g.run(run)
	if r == nil {
		return false, g.refuse("has no such run")
	}
	if r.Reservation != ReservationReleasing {
		return false, nil
	}
	r.Reservation = ReservationRefused
	if held {
		r.Reservation = ReservationRefunded
	}
	g.touch(p)
	return true, nil
}

// Cancel ends the generation for its user and frees the reserved credits.
func (g *Generation) Cancel(p *Policy) error {
	if g.Status.Ended() {
		return g.refuse("has already ended")
	}
	g.end(p, ending{status: StatusCancelled, event: EventCancelled, why: &Failure{
		Code: CodeCancelled, Message: "You cancelled this generation.",
	}})
	return nil
}

// Fail ends the generation with the failure why and frees the reserved credits.
func (g *Generation) Fail(p *Policy, why Failure) error { return g.fail(p, why, nil) }

func (g *Generation) fail(p *Policy, why Failure, by *OperatorNote) error {
	if g.Status.Ended() {
		return g.refuse("has already ended")
	}
	g.end(p, ending{status: StatusFailed, event: EventFailed, why: &why, by: by})
	return nil
}

// DispatchFailed fails the generation because job could not be handed to the
// engine. It reports false, and changes nothing, if job is not live any more.
func (g *Generation) DispatchFailed(p *Policy, job ID) (bool, error) {
	if r := g.activeRun(); r == nil || r.liveJob() == nil || r.liveJob().ID != job {
		return false, nil
	}
	return true, g.Fail(p, Failure{
		Code:    CodeDispatchFailed,
		Message: "The picture could not be started. Nothing was charged for it. Please try again.", Retryable: true,
	})
}

// Expire does what is due now: it fails a stage that passed its deadline, cancels a
// generation whose user made no selection in time, hands a reservation without an answer to
// the outbox, and abandons a reservation without an answer for the whole time of its stage.
// It reports false if nothing was due.
func (g *Generation) Expire(p *Policy) (bool, error) {
	now := p.now()
	if g.Status.Ended() || g.DueAt.IsZero() || now.Before(g.DueAt) {
		return false, nil
	}
	switch r := g.pendingRun(); {
	case g.Status == StatusProcessingSamples || g.Status == StatusProcessingFinal:
		return true, g.Fail(p, Failure{
			Code:    CodeTimeout,
			Message: "Making the picture took too long. Nothing was charged for this step. Please try again.", Retryable: true,
		})
	case g.Status == StatusAwaitingSelection && !now.Before(g.SelectBy):
		g.end(p, ending{status: StatusCancelled, event: EventCancelled, why: &Failure{
			Code: CodeSelectionExpired, Message: "No sample was chosen in time, so this generation was closed.",
		}})
	case r != nil && r.Deadline.IsZero():
		// The process that called the credit service is gone: the outbox takes over.
		g.reserveAsync(p, r)
		g.touch(p)
	case r != nil:
		return g.AbandonReservation(p, r.ID)
	default:
		return false, fmt.Errorf("generation %s is due in %s without a reason", g.ID, g.Status)
	}
	return true, nil
}

// Totals sums up the reservations of all runs.
func (g *Generation) Totals() CreditTotals {
	var t CreditTotals
	for i := range g.Runs {
		t.add(&g.Runs[i])
	}
	return t
}

// Cost is the amount of the newest run of a stage; false if there was none.
func (g *Generation) Cost(s Stage) (Credits, bool) {
	for i := len(g.Runs) - 1; i >= 0; i-- {
		if g.Runs[i].Stage == s {
			return g.Runs[i].Amount, true
		}
	}
	return 0, false
}

// Stage is the stage that was last worked on, "" before the first.
func (g *Generation) Stage() Stage {
	if r := g.activeRun(); r != nil {
		return r.Stage
	}
	return ""
}

// Attempt is the number of the newest job of that stage's run, 0 before the first.
func (g *Generation) Attempt() int {
	if r := g.activeRun(); r != nil {
		return len(r.Jobs)
	}
	return 0
}

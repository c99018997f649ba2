package aigen

import "time"

// The parts that the verbs are made of. The verbs and move check whether a verb is allowed;
// the other parts do not.

// Drain returns the events and effects that verbs recorded since the generation was loaded,
// and clears them. The caller writes them together with the state.
func (g *Generation) Drain() ([]Event, []Effect) {
	events, effects := g.events, g.effects
	g.events, g.effects = nil, nil
	return events, effects
}

// Clone is a copy. Verbs on the copy do not change the original.
func (g *Generation) Clone() *Generation {
	c := *g
	c.Runs = make([]Run, len(g.Runs))
	for i := range g.Runs {
		c.Runs[i] = g.Runs[i].clone()
	}
	c.Samples = append([]Asset(nil), g.Samples...)
	c.events, c.effects = nil, nil
	return &c
}

// refuse is the error for a verb that the state does not allow.
func (g *Generation) refuse(why string) *Error {
	return &Error{Code: CodeInvalidState, Message: "The generation is " + string(g.Status) + " and " + why + "."}
}

func (g *Generation) awaitsChoice(what string) error {
	if g.Status != StatusAwaitingSelection {
		return &Error{
			Code:    CodeInvalidState,
			Message: "The generation is " + string(g.Status) + "; " + what + " only while it is " + string(StatusAwaitingSelection) + ".",
		}
	}
	if g.pendingRun() != nil {
		return g.refuse("waits for the credits of an earlier request")
	}
	return nil
}

// move is the only place where Status changes.
func (g *Generation) move(p *Policy, next Status) error {
	if !g.Status.CanMoveTo(next) {
		return g.refuse("cannot become " + string(next))
	}
	g.touch(p)
	g.Status, g.StatusSince = next, g.UpdatedAt
	return nil
}

func (g *Generation) touch(p *Policy) {
	// Times of the history must not go backwards when the clock is set back.
	if now := p.now(); now.After(g.UpdatedAt) {
		g.UpdatedAt = now
	}
}

// ending is how a generation ends.
type ending struct {
	status Status
	event  EventType
	why    *Failure
	notice EventType     // the notification to the user; "": that of event
	by     *OperatorNote // the operator who decided it
}

// end moves to a final status, settles the credits of each open run, and notifies the user.
// The caller has checked that the generation has not ended.
func (g *Generation) end(p *Policy, e ending) {
	if err := g.move(p, e.status); err != nil {
		// Unreachable, since every caller checks. A silent return would leave credits held.
		panic("aigen: " + err.Error())
	}
	for i := range g.Runs {
		r := &g.Runs[i]
		if j := r.liveJob(); j != nil {
			g.endJob(r, j, JobDropped)
		}
		switch r.Reservation {
		case ReservationPending:
			g.settle(r, ReservationReleasing)
		case ReservationHeld:
			g.settle(r, ReservationRefunded)
		case ReservationDeducted, ReservationRefunded, ReservationRefused, ReservationReleasing:
			// Settled already.
		}
	}
	g.Failure = e.why
	g.DueAt, g.SelectBy = time.Time{}, time.Time{}
	g.recordEvent(p, e.event, e.by, nil)
	notice := e.notice
	if notice == "" {
		notice = e.event
	}
	g.addEffect(Effect{Kind: EffectNotify, Notice: notice})
}

// endJob is the only place where a job stops being live. If its delivery still waits it must
// not reach the engine any more: nobody needs the result.
func (g *Generation) endJob(r *Run, j *Job, to JobState) {
	j.State = to
	g.addEffect(Effect{Kind: EffectWithdraw, RunID: r.ID, JobID: j.ID})
}

// settle is the only place where a reservation leaves pending or held, except
// ConfirmReservation. It adds the effect that settles the credits at the credit service.
func (g *Generation) settle(r *Run, to ReservationState) {
	r.Reservation = to
	r.ReservationRetryAt = time.Time{}
	e := Effect{RunID: r.ID, Amount: r.Amount}
	switch to {
	case ReservationDeducted:
		e.Kind = EffectDeduct
	case ReservationRefunded:
		e.Kind = EffectRefund
	case ReservationReleasing:
		e.Kind = EffectRelease
	case ReservationRefused:
		return // no credits are held
	case ReservationPending, ReservationHeld:
		panic("aigen: " + string(to) + " does not settle a reservation")
	}
	g.addEffect(e)
}

func (g *Generation) addRun(p *Policy, r Run) {
	r.ID = p.NewID()
	r.Number = len(g.Runs) + 1
	r.Reservation = ReservationPending
	r.CreatedAt = p.now()
	r.ReservationRetryAt = r.CreatedAt.Add(p.ReserveTimeout)
	g.Runs = append(g.Runs, r)
	g.touch(p)
	g.setDueAt(r.ReservationRetryAt)
}

// reserveAsync hands the pending reservation to the outbox, which may try for as long as the
// stage may take: a user does not wait longer for credits than for a picture.
func (g *Generation) reserveAsync(p *Policy, r *Run) {
	r.ReservationRetryAt = time.Time{}
	r.Deadline = p.now().Add(p.timeout(r.Stage))
	g.setDueAt(r.Deadline)
	g.addEffect(Effect{Kind: EffectReserve, RunID: r.ID, Amount: r.Amount})
}

// ReservationDeferred reports whether the outbox has taken over reserving credits for this
// run. A caller that is still waiting can no longer rely on its own result.
func (g *Generation) ReservationDeferred(run ID) bool {
	r := g.run(run)
	return r != nil && r.Reservation == ReservationPending && !r.Deadline.IsZero()
}

// setDueAt sets when Expire is due; the deadline of a selection may come first.
func (g *Generation) setDueAt(t time.Time) {
	g.DueAt = t
	if !g.SelectBy.IsZero() && g.SelectBy.Before(t) {
		g.DueAt = g.SelectBy
	}
}

func (g *Generation) addEffect(e Effect) { g.effects = append(g.effects, e) }

func (g *Generation) record(p *Policy, t EventType) { g.recordEvent(p, t, nil, nil) }

func (g *Generation) recordWith(p *Policy, t EventType, more func(*EventData)) {
	g.recordEvent(p, t, nil, more)
}

func (g *Generation) recordEvent(p *Policy, t EventType, by *OperatorNote, more func(*EventData)) {
	g.touch(p)
	g.LastEvent++
	data := EventData{
		GenerationID: g.ID, ProjectID: g.ProjectID,
		Status: g.Status, Stage: g.Stage(), Attempt: g.Attempt(), Credits: g.Totals(), Error: g.Failure,
		ExternalID: g.Options.ExternalID, Metadata: g.Options.Metadata,
	}
	switch t {
	case EventSamplesReady:
		data.SampleAssets = g.Samples
	case EventFinalStarted:
		data.SelectedSampleID = g.SelectedSampleID
	case EventCompleted:
		data.SelectedSampleID, data.FinalAssetID, data.FinalAsset = g.SelectedSampleID, g.FinalAssetID, g.FinalAsset
	default:
	}
	if more != nil {
		more(&data)
	}
	g.events = append(g.events, Event{
		GenerationID: g.ID, UserID: g.UserID, Seq: g.LastEvent, Type: t, At: g.UpdatedAt, Data: data, Operator: by,
	})
}

func (g *Generation) run(id ID) *Run {
	for i := range g.Runs {
		if g.Runs[i].ID == id {
			return &g.Runs[i]
		}
	}
	return nil
}

// pendingRun is the run whose reservation has no answer yet, nil if there is none.
func (g *Generation) pendingRun() *Run {
	if n := len(g.Runs); n > 0 && g.Runs[n-1].Reservation == ReservationPending {
		return &g.Runs[n-1]
	}
	return nil
}

// PendingRun returns the run whose reservation has no answer yet.
func (g *Generation) PendingRun() (Run, bool) {
	if r := g.pendingRun(); r != nil {
		return *r, true
	}
	return Run{}, false
}

// activeRun is the newest run that got a job: runs that were refused or given up
// before that never counted.
func (g *Generation) activeRun() *Run {
	for i := len(g.Runs) - 1; i >= 0; i-- {
		if len(g.Runs[i].Jobs) > 0 {
			return &g.Runs[i]
		}
	}
	return nil
}

// FindJob returns the job with this id and its run.
func (g *Generation) FindJob(id ID) (Run, Job, bool) {
	if r, j := g.findJob(id); j != nil {
		return *r, *j, true
	}
	return Run{}, Job{}, false
}

func (g *Generation) findJob(id ID) (*Run, *Job) {
	for i := range g.Runs {
		for k := range g.Runs[i].Jobs {
			if g.Runs[i].Jobs[k].ID == id {
				return &g.Runs[i], &g.Runs[i].Jobs[k]
			}
		}
	}
	return nil, nil
}

func (g *Generation) sample(id string) *Asset {
	for i := range g.Samples {
		if g.Samples[i].AssetID == id {
			return &g.Samples[i]
		}
	}
	return nil
}

// SelectedSample returns the chosen sample.
func (g *Generation) SelectedSample() (Asset, bool) {
	if a := g.sample(g.SelectedSampleID); a != nil {
		return *a, true
	}
	return Asset{}, false
}

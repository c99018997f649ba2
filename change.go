package aigen

import "time"

// The parts that the verbs are made of. None checks whether the verb is allowed:
// that is move's and the verbs' business.

// Drain hands over what the verbs recorded since the generation was loaded, and
// forgets it. The caller writes it together with the state.
func (g *Generation) Drain() ([]Event, []Effect) {
	events, effects := g.events, g.effects
	g.events, g.effects = nil, nil
	return events, effects
}

// Clone is a copy that shares nothing which a verb changes.
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

// refuse says why the state does not allow a verb.
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
	// A clock that was set back must not make a log run backwards.
	if now := p.now(); now.After(g.UpdatedAt) {
		g.UpdatedAt = now
	}
}

// ending is how a generation ends.
type ending struct {
	status Status
	event  EventType
	why    *Failure
	notice EventType     // what the user is told; "": the event
	by     *OperatorNote // the operator who decided it
}

// end moves to a final status, frees or keeps the credits of each open run, and
// tells the user. The caller knows that the generation has not ended.
func (g *Generation) end(p *Policy, e ending) {
	if err := g.move(p, e.status); err != nil {
		// Every caller has checked; a silent return would leave credits held.
		panic("aigen: " + err.Error())
	}
	for i := range g.Runs {
		r := &g.Runs[i]
		if j := r.liveJob(); j != nil {
			g.endJob(r, j, JobDropped)
		}
		switch r.Reservation {
		case ReservationPending:
			g.decide(r, ReservationReleasing)
		case ReservationHeld:
			g.decide(r, ReservationRefunded)
		case ReservationDeducted, ReservationRefunded, ReservationRefused, ReservationReleasing:
			// Decided already.
		}
	}
	g.Failure = e.why
	g.DueAt, g.SelectBy = time.Time{}, time.Time{}
	g.recordEvent(p, e.event, e.by, nil)
	notice := e.notice
	if notice == "" {
		notice = e.event
	}
	g.effect(Effect{Kind: EffectNotify, Notice: notice})
}

// endJob is the only place where a job stops being live. Its delivery, if there still
// is one, must not reach the engine any more: the work would be done for nothing.
func (g *Generation) endJob(r *Run, j *Job, to JobState) {
	j.State = to
	g.effect(Effect{Kind: EffectWithdraw, RunID: r.ID, JobID: j.ID})
}

// decide is the only place where a reservation leaves pending or held, except
// Reserved; with each decision goes the effect that carries it out.
func (g *Generation) decide(r *Run, to ReservationState) {
	r.Reservation = to
	r.AskAt = time.Time{}
	e := Effect{RunID: r.ID, Amount: r.Amount}
	switch to {
	case ReservationDeducted:
		e.Kind = EffectDeduct
	case ReservationRefunded:
		e.Kind = EffectRefund
	case ReservationReleasing:
		e.Kind = EffectRelease
	case ReservationRefused:
		return // nothing is held, nothing to do
	case ReservationPending, ReservationHeld:
		panic("aigen: " + string(to) + " is no decision")
	}
	g.effect(e)
}

func (g *Generation) addRun(p *Policy, r Run) {
	r.ID = p.NewID()
	r.Number = len(g.Runs) + 1
	r.Reservation = ReservationPending
	r.CreatedAt = p.now()
	r.AskAt = r.CreatedAt.Add(p.ReserveTimeout)
	g.Runs = append(g.Runs, r)
	g.touch(p)
	g.dueAt(r.AskAt)
}

// askInBackground leaves the pending reservation to the outbox, for as long as its
// stage may take: a user does not wait longer for credits than for a picture.
func (g *Generation) askInBackground(p *Policy, r *Run) {
	r.AskAt = time.Time{}
	r.Deadline = p.now().Add(p.timeout(r.Stage))
	g.dueAt(r.Deadline)
	g.effect(Effect{Kind: EffectReserve, RunID: r.ID, Amount: r.Amount})
}

// InBackground reports whether the outbox has taken over reserving credits for this
// run. A caller that is still waiting can no longer rely on its own result.
func (g *Generation) InBackground(run ID) bool {
	r := g.run(run)
	return r != nil && r.Reservation == ReservationPending && !r.Deadline.IsZero()
}

// dueAt sets when to look again; a selection's own deadline may come first.
func (g *Generation) dueAt(t time.Time) {
	g.DueAt = t
	if !g.SelectBy.IsZero() && g.SelectBy.Before(t) {
		g.DueAt = g.SelectBy
	}
}

func (g *Generation) effect(e Effect) { g.effects = append(g.effects, e) }

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

package aigen_test

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
)

// clockMoves lets time pass, or sets the clock back, or waits until something is due.
func (h *history) clockMoves() {
	h.did = false
	switch rapid.SampledFrom([]string{"a while", "a while", "back", "until due", "nearly"}).Draw(h.T, "clock") {
	case "a while":
		h.w.advance(time.Duration(rapid.Int64Range(0, int64(3*time.Minute)).Draw(h.T, "later")))
	case "back":
		h.w.advance(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(h.T, "earlier")))
	case "until due":
		if !h.g.DueAt.IsZero() {
			h.w.now = h.g.DueAt
		}
	case "nearly":
		if !h.g.DueAt.IsZero() {
			h.w.now = h.g.DueAt.Add(-time.Microsecond)
		}
	}
}

func (h *history) expire() {
	did, err := h.g.Expire(h.w.Policy)
	h.expects("", err)
	now, run := h.w.clock(), h.m.asked()
	due := !h.m.ended() && !now.Before(h.dueAt())
	require.Equal(h, due, did, "%s is due at %s, and it is %s", h.m.status, h.dueAt(), now)
	if h.did = did; !did {
		return
	}
	h.reached.hit("expired " + string(h.m.status))
	switch {
	case !h.m.live.IsZero():
		h.m.ends(aigen.StatusFailed)
	case !h.m.selectBy.IsZero() && !now.Before(h.m.selectBy):
		h.m.ends(aigen.StatusCancelled)
	case h.m.outbox:
		h.m.drops(run, "unsure")
	default:
		h.m.due, h.m.outbox = now.Add(h.m.timeout(h.w, run)), true
	}
}

// overdue: the sweeper comes after the deadline, as it does after a crash.
func (h *history) overdue() {
	if !h.g.DueAt.IsZero() && h.w.now.Before(h.g.DueAt) {
		h.w.now = h.g.DueAt.Add(time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(h.T, "overdue")))
	}
	h.expire()
}

// dueAt is what comes first: the model's deadline, or that of the choice.
func (h *history) dueAt() time.Time {
	if !h.m.selectBy.IsZero() && h.m.selectBy.Before(h.m.due) {
		return h.m.selectBy
	}
	return h.m.due
}

// someJob is the one that is waited for, most of the time; else any that ever was,
// or one that never was.
func (h *history) someJob() aigen.ID {
	if !h.m.live.IsZero() && !h.oneIn(5, "any job") {
		return h.m.live
	}
	return rapid.SampledFrom(append(h.m.jobs, h.w.newID())).Draw(h.T, "job")
}

func (h *history) report() {
	job := h.someJob()
	if h.oneIn(4, "older workflow") {
		job = aigen.ID{}
	}
	stage := h.g.Stage()
	if h.oneIn(5, "any stage") {
		stage = rapid.SampledFrom([]aigen.Stage{aigen.StageSamples, aigen.StageFinal, ""}).Draw(h.T, "stage")
	}
	var rep aigen.Report
	switch rapid.SampledFrom([]string{"picture", "picture", "picture", "picture", "retry", "retry", "retry", "failure", "rejected"}).Draw(h.T, "kind") {
	case "picture":
		if rep = h.w.samples(job); stage == aigen.StageFinal {
			rep = h.w.final(job)
		}
	case "retry":
		rep = h.w.failure(job, stage, true)
	case "failure":
		rep = h.w.failure(job, stage, false)
	case "rejected":
		rep = h.w.rejected(job)
	}
	h.told = append(h.told, rep)
	h.tell(rep)
}

// repeat sends a callback once more, however old it is.
func (h *history) repeat() {
	h.did = false
	if len(h.told) > 0 {
		h.tell(rapid.SampledFrom(h.told).Draw(h.T, "again"))
	}
}

func (h *history) tell(rep aigen.Report) {
	outcome, code := h.m.answer(&rep)
	got, err := h.g.Report(h.w.Policy, rep)
	h.expects(code, err)
	require.Equal(h, outcome, got, "%s of the %q stage, job %s, in %s", rep.Kind, rep.Stage, rep.JobID, h.m.status)
	h.reached.hit(string(outcome))
	if h.did = outcome == aigen.OutcomeApplied; h.did {
		h.m.hears(h.w, &rep, h.updated())
	}
}

package aigen_test

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
)

// history is one random life: the generation, the model, and all it ever recorded.
type history struct {
	*rapid.T
	w       *fixture
	g       *aigen.Generation
	m       *model
	before  *aigen.Generation // as it was at the last check
	did     bool              // the step was allowed to change something
	events  []aigen.Event
	effects []aigen.Effect
	told    []aigen.Report
	freed   aigen.Credits // found held, and freed, by releases since the last event
	reached *tally
	steps   int
}

// oneIn is true once in n times; rapid's numbers prefer to be small.
func (h *history) oneIn(n int, label string) bool {
	return rapid.SampledFrom(append(make([]bool, n-1), true)).Draw(h.T, label)
}

func begin(t *rapid.T, reached *tally) *history {
	w := setup()
	w.ChargeRejected = rapid.Bool().Draw(t, "charge")
	in, err := aigen.NewInput("a red fox", "", json.RawMessage(`{}`))
	require.NoError(t, err)
	g := aigen.New(w.Policy, w.newID(), w.newID(), in, aigen.Options{})
	g.Version = 41
	h := &history{T: t, w: w, g: g, m: newModel(g, w), reached: reached}
	h.before = g.Clone()
	h.did = true
	h.settle()
	h.headStart(rapid.SampledFrom([]int{0, 1, 2, 2, 3, 4, 4}).Draw(t, "head start"))
	return h
}

// headStart goes some way towards a picture: chance alone seldom gets far.
func (h *history) headStart(steps int) {
	for _, step := range []func(){
		func() { h.answers(newestRun(h.g).ID, "held", false) },
		func() { h.tell(h.w.samples(h.m.live)) },
		func() { h.selects(secondSample, 0) },
		func() { h.answers(newestRun(h.g).ID, "held", false) },
	}[:steps] {
		step()
		h.settle()
	}
}

// updated is when a change that is made now was made, for a log that never runs backwards.
func (h *history) updated() time.Time {
	if now := h.w.clock(); now.After(h.before.UpdatedAt) {
		return now
	}
	return h.before.UpdatedAt
}

// expects compares what a verb returned with what the model allows.
func (h *history) expects(code aigen.Code, err error) bool {
	require.Equal(h, code, aigen.CodeOf(err), "in %s: %v", h.m.status, err)
	if code != "" {
		h.reached.hit(string(code))
	}
	h.did = code == ""
	return h.did
}

func (h *history) answer() {
	run := h.g.Runs[len(h.g.Runs)-1].ID
	if h.oneIn(5, "any run") {
		run = rapid.SampledFrom(append(h.m.runs, h.w.newID())).Draw(h.T, "run")
	}
	said := rapid.SampledFrom([]string{"held", "held", "held", "held", "refused", "abandoned", "freed", "denied"}).Draw(h.T, "credits")
	if h.m.credits[run] == "unsure" && rapid.Bool().Draw(h.T, "released") {
		said = rapid.SampledFrom([]string{"freed", "denied"}).Draw(h.T, "release")
	}
	h.answers(run, said, rapid.Bool().Draw(h.T, "notify"))
}

func (h *history) answers(run aigen.ID, said string, notify bool) {
	var did bool
	var err error
	switch said {
	case "held":
		did, err = h.g.ConfirmReservation(h.w.Policy, run)
	case "refused":
		did, err = h.g.RejectReservation(h.w.Policy, run, notify)
	case "abandoned":
		did, err = h.g.AbandonReservation(h.w.Policy, run)
	default:
		did, err = h.g.ConfirmRelease(h.w.Policy, run, said == "freed")
	}
	state, known := h.m.credits[run]
	if !known {
		h.expects(aigen.CodeInvalidState, err)
		return
	}
	h.expects("", err)
	waits := "asked"
	if said == "freed" || said == "denied" {
		waits = "unsure"
	}
	require.Equal(h, state == waits, did, "%s for a run that is %s", said, state)
	if h.did = did; !did {
		return
	}
	switch said {
	case "held":
		h.m.pays(h.w, run, h.updated())
	case "refused":
		h.m.drops(run, "denied")
	case "abandoned":
		h.m.drops(run, "unsure")
	default:
		h.m.credits[run] = said
		if said == "freed" {
			h.freed += h.m.price[run]
		}
		if h.m.ended() {
			h.reached.hit("released after the end")
		}
	}
}

func (h *history) accept() {
	run := h.m.asked()
	if run.IsZero() {
		h.expects(aigen.CodeInvalidState, h.g.DeferReservation(h.w.Policy))
		return
	}
	h.expects("", h.g.DeferReservation(h.w.Policy))
	h.m.due, h.m.outbox = h.w.clock().Add(h.m.timeout(h.w, run)), true
}

func (h *history) selectSample() {
	sample := rapid.SampledFrom([]string{firstSample, secondSample, secondSample, "sample-9"}).Draw(h.T, "sample")
	side := rapid.SampledFrom([]int{0, 2048, 2049}).Draw(h.T, "side")
	h.selects(sample, side)
}

func (h *history) selects(sample string, side int) {
	price := aigen.Credits(100)
	size := aigen.Resolution{Width: side, Height: side}
	if side == 2049 {
		price = 200
	}
	err := h.g.SelectSample(h.w.Policy, sample, size)
	switch {
	case h.m.status != aigen.StatusAwaitingSelection || !h.m.asked().IsZero():
		h.expects(aigen.CodeInvalidState, err)
	case sample == "sample-9":
		h.expects(aigen.CodeUnknownSample, err)
	default:
		h.expects("", err)
		h.m.asks(h.w, newestRun(h.g).ID, aigen.StageFinal, price)
	}
}

func (h *history) regenerate() {
	in, err := aigen.NewInput("a blue fox", "", json.RawMessage(`{"samples":3}`))
	require.NoError(h, err)
	err = h.g.Regenerate(h.w.Policy, in)
	if h.m.status != aigen.StatusAwaitingSelection || !h.m.asked().IsZero() {
		h.expects(aigen.CodeInvalidState, err)
		return
	}
	h.expects("", err)
	h.m.asks(h.w, newestRun(h.g).ID, aigen.StageSamples, 75)
}

func (h *history) cancel() { h.end(h.g.Cancel(h.w.Policy), aigen.StatusCancelled) }

func (h *history) fail() {
	h.end(h.g.Fail(h.w.Policy, aigen.Failure{Code: "broken"}), aigen.StatusFailed)
}

func (h *history) end(err error, s aigen.Status) {
	if h.m.ended() {
		h.expects(aigen.CodeInvalidState, err)
		return
	}
	h.expects("", err)
	h.m.ends(s)
}

func (h *history) notDispatched() {
	job := h.someJob()
	did, err := h.g.DispatchFailed(h.w.Policy, job)
	h.expects("", err)
	require.Equal(h, !job.IsZero() && job == h.m.live, did)
	if h.did = did; did {
		h.m.ends(aigen.StatusFailed)
	}
}

func (h *history) reload() { h.g, h.did = h.g.Clone(), false }

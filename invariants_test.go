package aigen_test

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// settle ends a step: it takes what the step recorded, and checks what must hold.
func (h *history) settle() {
	events, effects := h.g.Drain()
	for _, e := range effects {
		h.reached.hit(string(e.Kind))
		if e.Kind == aigen.EffectDispatch {
			h.m.dispatched(e.RunID, e.JobID)
		}
	}
	for _, e := range events {
		h.reached.hit(string(e.Type))
	}
	h.events, h.effects = append(h.events, events...), append(h.effects, effects...)
	if len(events) > 0 {
		h.freed = 0
	}
	if !h.did {
		require.Equal(h, h.before, h.g, "a step that was refused, or had nothing to do, changed something")
		require.Empty(h, events)
		require.Empty(h, effects)
	}
	h.agrees()
	h.endIsTheEnd(events, effects)
	h.oneLiveJob()
	h.moneyRule()
	h.logMatches()
	h.before = h.g.Clone()
}

// agrees compares the generation with the model.
func (h *history) agrees() {
	require.Equal(h, h.m.status, h.g.Status)
	require.Len(h, h.g.Runs, len(h.m.runs))
	words := map[aigen.ReservationState]string{
		aigen.ReservationPending: "asked", aigen.ReservationHeld: "held", aigen.ReservationDeducted: "spent",
		aigen.ReservationRefunded: "freed", aigen.ReservationRefused: "denied", aigen.ReservationReleasing: "unsure",
	}
	for i := range h.g.Runs {
		r := &h.g.Runs[i]
		require.Equal(h, h.m.runs[i], r.ID)
		require.Equal(h, i+1, r.Number)
		require.Equal(h, h.m.credits[r.ID], words[r.Reservation], "run %d", r.Number)
		require.Equal(h, h.m.price[r.ID], r.Amount)
		require.Len(h, r.Jobs, h.m.tries[r.ID])
		require.LessOrEqual(h, len(r.Jobs), h.w.MaxStageAttempts)
	}
	require.Equal(h, h.dueAt(), h.g.DueAt, "in %s", h.m.status)
	require.Equal(h, h.g.Status.Ended(), h.g.DueAt.IsZero(), "somebody must look, until the end")
	require.Equal(h, int64(41), h.g.Version, "the version is the store's")
	require.False(h, h.g.UpdatedAt.Before(h.before.UpdatedAt), "back in time")
	if h.g.Status == h.before.Status {
		require.Equal(h, h.before.StatusSince, h.g.StatusSince, "still in %s", h.g.Status)
	} else {
		require.Equal(h, h.g.UpdatedAt, h.g.StatusSince, "entered %s", h.g.Status)
	}
	if !h.g.UpdatedAt.Equal(h.before.UpdatedAt) {
		require.Equal(h, h.w.clock(), h.g.UpdatedAt)
	}
}

// endIsTheEnd: nothing of an ended generation changes, but the runs whose credits
// were unknown; and the user is told of the end exactly once.
func (h *history) endIsTheEnd(events []aigen.Event, effects []aigen.Effect) {
	told := 0
	for _, e := range effects {
		switch {
		case e.Kind != aigen.EffectNotify:
		case h.m.ended():
			told++
		default:
			require.Contains(h, []aigen.EventType{aigen.EventSamplesReady, aigen.EventCreditsRefused}, e.Notice)
		}
	}
	if !h.before.Status.Ended() {
		if h.m.ended() {
			h.reached.hit(string(h.m.status))
			require.Equal(h, 1, told, "one notification of the end")
			require.Len(h, events, 1, "one event of the end")
			require.True(h, h.m.status == aigen.StatusCompleted || h.g.Failure != nil, "why")
			require.False(h, h.m.status == aigen.StatusCompleted && (h.g.Failure != nil || h.g.FinalAssetID == ""))
		} else {
			h.reached.hit(string(h.m.status))
		}
		return
	}
	require.Empty(h, events, "after the end")
	require.Empty(h, effects, "after the end")
	was, is := h.before.Clone(), h.g.Clone()
	for i := range was.Runs {
		if was.Runs[i].Reservation == aigen.ReservationReleasing {
			was.Runs[i].Reservation, is.Runs[i].Reservation = "", ""
		}
	}
	was.UpdatedAt, is.UpdatedAt = time.Time{}, time.Time{}
	require.Equal(h, was, is, "nothing changes after an end")
}

func (h *history) oneLiveJob() {
	var live []aigen.ID
	for i := range h.g.Runs {
		for k, j := range h.g.Runs[i].Jobs {
			require.Equal(h, k+1, j.Attempt)
			if j.State == aigen.JobLive {
				live = append(live, j.ID)
			}
			require.Equal(h, j.State == aigen.JobLive, h.g.AwaitsJob(j.ID))
		}
	}
	if h.m.status == aigen.StatusProcessingSamples || h.m.status == aigen.StatusProcessingFinal {
		require.Equal(h, []aigen.ID{h.m.live}, live)
		return
	}
	require.Empty(h, live, "in %s", h.m.status)
}

// moneyRule: for every run, what the effects of its whole history ask of the credit
// service balances; and so do the totals.
func (h *history) moneyRule() {
	done := map[aigen.ID]map[aigen.EffectKind]int{}
	for _, run := range h.m.runs {
		done[run] = map[aigen.EffectKind]int{}
	}
	for _, e := range h.effects {
		if e.Kind == aigen.EffectNotify {
			continue
		}
		require.Contains(h, done, e.RunID, e.Kind)
		done[e.RunID][e.Kind]++
		if e.Kind != aigen.EffectDispatch && e.Kind != aigen.EffectWithdraw {
			require.Equal(h, h.m.price[e.RunID], e.Amount, e.Kind)
		}
	}
	for i := range h.g.Runs {
		r := &h.g.Runs[i]
		did := done[r.ID]
		settled := did[aigen.EffectDeduct] + did[aigen.EffectRefund]
		wasHeld := did[aigen.EffectDispatch] > 0
		require.LessOrEqual(h, settled+did[aigen.EffectRelease], 1, "run %d: deducted, refunded and released exclude each other", r.Number)
		require.LessOrEqual(h, settled, len(r.Jobs), "nothing is settled that was never held")
		require.False(h, wasHeld && did[aigen.EffectRelease] > 0, "what is known to be held is not released")
		require.Equal(h, len(r.Jobs), did[aigen.EffectDispatch])
		live := 0
		if h.g.AwaitsJob(aigen.ID{}) && r.Number == len(h.g.Runs) {
			live = 1
		}
		require.Equal(h, len(r.Jobs)-live, did[aigen.EffectWithdraw], "run %d: what is not live is withdrawn, once", r.Number)
		if h.m.ended() && wasHeld {
			require.Equal(h, 1, settled, "run %d: exactly one of deduct and refund in the end", r.Number)
		}
		if did[aigen.EffectDeduct] == 1 && h.m.status == aigen.StatusContentRejected && r.Number == len(h.g.Runs) {
			h.reached.hit("charged for what was rejected")
		}
	}
	got := h.g.Totals()
	require.Equal(h, h.m.totals(), got)
	require.Equal(h, got.Reserved, got.Deducted+got.Refunded+got.Held())
	require.True(h, got.Held() >= 0 && (!h.m.ended() || got.Held() == 0), "held: %s", got.Held())
}

// logMatches: whoever folds the events sees what the generation is.
func (h *history) logMatches() {
	require.Equal(h, int64(len(h.events)), h.g.LastEvent)
	if len(h.events) == 0 {
		return
	}
	f := fold(h.T, h.events)
	f.Credits.Reserved += h.freed // a release is no event
	f.Credits.Refunded += h.freed
	require.Equal(h, seen(h.g, f), f)
}

package faults

import (
	"fmt"
	"slices"
)

// moves is the table of contract section 2, written anew.
var moves = map[string][]string{
	"Pending":           {"ProcessingSamples", "Failed", "Cancelled"},
	"ProcessingSamples": {"AwaitingSelection", "Failed", "Cancelled", "ContentRejected"},
	"AwaitingSelection": {"ProcessingFinal", "ProcessingSamples", "Failed", "Cancelled"},
	"ProcessingFinal":   {"Completed", "Failed", "Cancelled", "ContentRejected"},
}

// replayed is a generation as somebody sees it who has only its log.
type replayed struct {
	Status, Stage                string
	Attempt                      int
	Reserved, Deducted, Refunded int64
	Samples                      []string
	Selected, FinalID, Failure   string
}

// log: no gap, no repeat, no move that the table does not have, and what it leads to
// is what is stored.
func (j *judge) log(g *Generation) {
	f := replayed{Status: "Pending"}
	for i, e := range g.Events {
		switch {
		case e.Unreadable != "":
			j.broken(RuleLog, g.ID, "event %d cannot be read: %s", e.Seq, e.Unreadable)
		case e.Seq != int64(i+1):
			j.broken(RuleLog, g.ID, "event %d at place %d: a gap or a repeat", e.Seq, i+1)
		case e.User != g.User || e.OfGeneration != g.ID:
			j.broken(RuleLog, g.ID, "event %d is of user %s, generation %s", e.Seq, e.User, e.OfGeneration)
		case i > 0 && e.At.Before(g.Events[i-1].At):
			j.broken(RuleLog, g.ID, "event %d is before the one before it", e.Seq)
		case e.Status != f.Status && !slices.Contains(moves[f.Status], e.Status):
			j.broken(RuleLog, g.ID, "event %d moves from %s to %s", e.Seq, f.Status, e.Status)
		case ended(f.Status):
			j.broken(RuleLog, g.ID, "event %d after the end", e.Seq)
		}
		f.take(e)
	}
	if int64(len(g.Events)) != g.LastEvent {
		j.broken(RuleLog, g.ID, "it has %d events and says %d", len(g.Events), g.LastEvent)
	}
	stored, all := j.stored(g)
	// A reservation that was found out about and freed later is no event of its own: it
	// is in the sums of events after that, reserved and refunded alike.
	if more := f.Reserved - stored.Reserved; more >= 0 && more <= all-stored.Reserved && f.Refunded == stored.Refunded+more {
		f.Reserved, f.Refunded = stored.Reserved, stored.Refunded
	}
	if fmt.Sprint(f) != fmt.Sprint(stored) {
		j.broken(RuleLog, g.ID, "its log leads to %+v, stored is %+v", f, stored)
	}
}

func (f *replayed) take(e Event) {
	f.Status, f.Stage, f.Attempt = e.Status, e.Stage, e.Attempt
	f.Reserved, f.Deducted, f.Refunded = e.Reserved, e.Deducted, e.Refunded
	switch e.Type {
	case "samples_ready":
		f.Samples, f.Selected = e.SampleIDs, ""
	case "final_started":
		f.Selected = e.Selected
	case "generation_completed":
		f.FinalID = e.FinalID
	case "generation_failed", "generation_cancelled", "content_rejected":
		f.Failure = e.ErrorCode
	}
}

// stored is the same of the tables, of the runs that got a job; and what was ever
// reserved, for any run.
func (j *judge) stored(g *Generation) (f replayed, reserved int64) {
	f = replayed{Status: g.Status, Samples: g.SampleIDs, Selected: g.Selected, FinalID: g.FinalID, Failure: g.FailureCode}
	for _, r := range g.Runs {
		if r.Reservation != "refused" {
			reserved += r.Amount
		}
		if len(r.Jobs) == 0 {
			continue
		}
		f.Stage, f.Attempt = r.Stage, len(r.Jobs)
		f.Reserved += r.Amount
		switch r.Reservation {
		case "deducted":
			f.Deducted += r.Amount
		case "refunded":
			f.Refunded += r.Amount
		}
	}
	return f, reserved
}

// positions: the log of a user, over all generations, has no gap either.
func (j *judge) positions() {
	of := map[string][]int64{}
	for _, g := range j.ev.Generations {
		for _, e := range g.Events {
			of[e.User] = append(of[e.User], e.Position)
		}
	}
	for user, positions := range of {
		slices.Sort(positions)
		for i, p := range positions {
			if p != int64(i+1) {
				j.broken(RuleLog, "", "user %s: position %d at place %d", user, p, i+1)
				break
			}
		}
		if last := j.ev.EventPosition[user]; last != int64(len(positions)) {
			j.broken(RuleLog, "", "user %s has %d events and is at position %d", user, len(positions), last)
		}
	}
}

// streams: each event once, in order, over any number of connections, and all of them.
func (j *judge) streams() {
	byPosition := map[string]map[int64]string{} // user -> position -> generation and type
	for _, g := range j.ev.Generations {
		for _, e := range g.Events {
			if byPosition[e.User] == nil {
				byPosition[e.User] = map[int64]string{}
			}
			byPosition[e.User][e.Position] = g.ID + " " + e.Type
		}
	}
	for _, s := range j.ev.Streams {
		for i, id := range s.IDs {
			if id != int64(i+1) {
				j.broken(RuleStreams, s.Generation, "user %s saw event %d at place %d: a gap or a repeat (%d connections)", s.User, id, i+1, s.Connected)
				break
			}
		}
		if s.Generation == "" {
			j.userStream(s, byPosition[s.User])
		} else {
			j.generationStream(s)
		}
	}
}

func (j *judge) userStream(s *StreamSeen, written map[int64]string) {
	for i, id := range s.IDs {
		if got := s.Of[i] + " " + s.Types[i]; written[id] != got {
			j.broken(RuleStreams, s.Of[i], "user %s saw %q as event %d; written is %q", s.User, got, id, written[id])
			return
		}
	}
	if len(s.IDs) != len(written) {
		j.broken(RuleStreams, "", "user %s saw %d of %d events (%d connections)", s.User, len(s.IDs), len(written), s.Connected)
	}
}

func (j *judge) generationStream(s *StreamSeen) {
	g := j.ev.Generations[s.Generation]
	if g == nil {
		j.broken(RuleStreams, s.Generation, "a stream of a generation that is not there")
		return
	}
	for i, id := range s.IDs {
		if id < 1 || id > int64(len(g.Events)) || g.Events[id-1].Type != s.Types[i] {
			j.broken(RuleStreams, g.ID, "a stream said %s as event %d, which it is not", s.Types[i], id)
			return
		}
	}
	if len(s.IDs) != len(g.Events) || s.Ended != ended(g.Status) {
		j.broken(RuleStreams, g.ID, "a stream saw %d of %d events, and an end: %t (%d connections)", len(s.IDs), len(g.Events), s.Ended, s.Connected)
	}
}

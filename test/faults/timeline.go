package faults

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// told is a line of a story.
type timelineLine struct {
	at   time.Time
	who  string
	what string
}

// Timeline is everything that anybody saw of a generation, in the order of time.
func Timeline(ev *Observations, id string, more []timelineLine) []string {
	lines := append([]timelineLine{}, more...)
	say := func(at time.Time, who, format string, args ...any) {
		lines = append(lines, timelineLine{at, who, fmt.Sprintf(format, args...)})
	}
	g := ev.Generations[id]
	runs := map[string]bool{}
	key := ""
	if g != nil {
		key = keyOf(g.Prompt)
		for _, r := range g.Runs {
			runs[r.ID] = true
		}
		for _, e := range g.Events {
			say(e.At, "database", "event %d (position %d) %s: %s, stage %s, attempt %d, credits %s/%s/%s %s", e.Seq, e.Position, e.Type,
				e.Status, e.Stage, e.Attempt, decimal(e.Reserved), decimal(e.Deducted), decimal(e.Refunded), e.ErrorCode)
		}
	}
	for _, c := range ev.Calls {
		if c.Generation == id || (key != "" && c.Key == key) {
			say(c.At, "person", "%s key %s at replica %d: %d %s %s in %dms %s", c.Verb, c.Key, c.Replica, c.HTTP, c.Code, c.Status, c.Took.Milliseconds(), c.Err)
		}
	}
	for _, s := range ev.Jobs {
		if s.Generation == id {
			say(s.At, "engine", "job %s run %s %s attempt %d redelivered %t; it is going to: %s", s.Job, s.Run, s.JobType, s.Attempt, s.Redelivered, s.Script)
		}
	}
	for _, r := range ev.Reports {
		if r.Generation == id {
			say(r.At, "engine", "reports %s on job %s to replica %d: %d %s %s", r.What, r.Job, r.Replica, r.HTTP, r.Outcome, r.Err)
		}
	}
	for _, c := range ev.Credits {
		if c.Generation == id || runs[c.Reference] {
			say(c.At, "credits", "%s %s for run %s: %s (%s to %s), answered %s, batch %t", c.Op, c.Amount, c.Reference, c.Did, c.Before, c.After, c.Answered, c.Batch)
		}
	}
	for _, n := range ev.Notifications {
		if n.Generation == id {
			say(n.At, "notify", "%s key %s, taken %t", n.Type, n.Key, n.Taken)
		}
	}
	addFaults(ev, &lines)
	slices.SortStableFunc(lines, func(a, b timelineLine) int { return a.at.Compare(b.at) })
	return append(header(g, id), texts(lines)...)
}

// addFaults tells of the faults while the rest went on.
func addFaults(ev *Observations, lines *[]timelineLine) {
	if len(*lines) == 0 {
		return
	}
	first, last := (*lines)[0].at, (*lines)[0].at
	for _, l := range *lines {
		if l.at.Before(first) {
			first = l.at
		}
		if l.at.After(last) {
			last = l.at
		}
	}
	for _, f := range ev.Faults {
		if f.Ended.After(first.Add(-time.Second)) && f.Began.Before(last.Add(time.Second)) {
			*lines = append(*lines, timelineLine{f.Began, "fault", f.String() + " " + f.Err})
		}
	}
}

func header(g *Generation, id string) []string {
	if g == nil {
		return []string{"generation " + id + " is not in the database"}
	}
	out := []string{fmt.Sprintf("generation %s of user %s: %s %s, version %d, %d events, %q", id, g.User, g.Status, g.FailureCode, g.Version, g.LastEvent, g.Prompt)}
	for _, r := range g.Runs {
		out = append(out, fmt.Sprintf("  run %s %s %s %s, jobs %v", r.ID, r.Stage, decimal(r.Amount), r.Reservation, r.Jobs))
	}
	return out
}

func texts(lines []timelineLine) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = fmt.Sprintf("  %s %-9s %s", clockText(l.at), l.who, strings.TrimSpace(l.what))
	}
	return out
}

// printReport prints the stories of the first offending generations.
func printReport(w io.Writer, ev *Observations, found []Violation, atMost int, logs func(ids map[string]bool) map[string][]timelineLine) {
	ids := map[string]bool{}
	var order []string
	for _, v := range found {
		if v.Generation != "" && !ids[v.Generation] && len(order) < atMost {
			ids[v.Generation] = true
			order = append(order, v.Generation)
		}
	}
	if len(order) == 0 {
		return
	}
	more := logs(ids)
	for _, id := range order {
		_, _ = fmt.Fprintf(w, "\n%s\n", strings.Join(Timeline(ev, id, more[id]), "\n"))
	}
}

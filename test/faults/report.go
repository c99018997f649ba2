package faults

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"strings"
)

// Result is what a run came to.
type Result struct {
	Seed        uint64
	Faults      int
	Generations int
	Violations  []Violation
	Evidence    *Observations
	Schedule    []Fault
}

// Summary is the last line of a run.
func (r *Result) Summary() string {
	return fmt.Sprintf("%d faults, %d generations, %d violations", r.Faults, r.Generations, len(r.Violations))
}

// counts prints a table of how often each name came.
func counts(w io.Writer, title string, of map[string]int) {
	names := make([]string, 0, len(of))
	total := 0
	for name, n := range of {
		names = append(names, name)
		total += n
	}
	slices.Sort(names)
	_, _ = fmt.Fprintf(w, "%s: %d\n", title, total)
	for _, name := range names {
		_, _ = fmt.Fprintf(w, "  %-34s %6d\n", name, of[name])
	}
}

// tables prints what was injected, what came of the generations, and what was called.
func (r *Result) tables(w io.Writer) {
	ev := r.Evidence
	injected, failed := map[string]int{}, map[string]int{}
	for _, f := range ev.Faults {
		if f.Err != "" {
			failed[string(f.Kind)+": "+f.Err]++
			continue
		}
		name := string(f.Kind)
		if f.Line != "" {
			name += " " + f.Line
		}
		injected[name]++
	}
	counts(w, "faults injected, by kind and line", injected)
	if len(failed) > 0 {
		counts(w, "faults that could not be injected (not counted)", failed)
	}
	states := map[string]int{}
	for _, g := range ev.Generations {
		name := g.Status
		if g.FailureCode != "" {
			name += " " + g.FailureCode
		}
		states[name]++
	}
	counts(w, "generations, by how they ended", states)
	r.tablesOfCalls(w)
}

func (r *Result) tablesOfCalls(w io.Writer) {
	ev := r.Evidence
	scripts, calls, reports, credits := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	for _, j := range ev.Jobs {
		scripts[j.Script]++
	}
	for _, c := range ev.Calls {
		answer := "no answer"
		if c.HTTP != 0 {
			answer = strings.TrimSpace(fmt.Sprintf("%d %s", c.HTTP, c.Code))
		}
		calls[c.Verb+" "+answer]++
	}
	for _, p := range ev.Reports {
		if p.HTTP == 0 {
			reports["no answer"]++
			continue
		}
		reports[fmt.Sprintf("%d %s", p.HTTP, p.Outcome)]++
	}
	for _, c := range ev.Credits {
		did, _, _ := strings.Cut(c.Did, ":")
		credits[c.Op+" "+did]++
	}
	counts(w, "jobs that reached the engine, by what it did with them (misdeeds beside the faults above)", scripts)
	counts(w, "calls of people", calls)
	counts(w, "callbacks of the engine", reports)
	counts(w, "operations at the credit service", credits)
	notices, dead := map[string]int{}, map[string]int{}
	for _, n := range ev.Notifications {
		notices[fmt.Sprintf("%s, taken %t", n.Type, n.Taken)]++
	}
	counts(w, "notifications", notices)
	for _, d := range ev.DeadLetters {
		dead["broker: "+d.Reason+" by the engine"]++
	}
	for _, d := range ev.Deliveries {
		dead["outbox: "+d.Kind+" "+d.LastError]++
	}
	counts(w, "dead letters, by cause", dead)
	r.tablesOfOthers(w)
}

func (r *Result) tablesOfOthers(w io.Writer) {
	ev := r.Evidence
	events, connections := 0, 0
	for _, s := range ev.Streams {
		events += len(s.IDs)
		connections += s.Connected
	}
	_, _ = fmt.Fprintf(w, "streams: %d, over %d connections, %d events\n", len(ev.Streams), connections, events)
	deaths := map[string]int{}
	for _, d := range ev.Deaths {
		deaths[fmt.Sprintf("replica %d, ready %t, code %d: %s", d.Replica, d.Ready, d.Code, lastLine(d.Said))]++
	}
	counts(w, "starts that failed and were repeated", deaths)
	for _, x := range ev.Residue {
		_, _ = fmt.Fprintf(w, "replica %d idle: %d goroutines (%d at its start), %d files (%d), connections %v, database %d in all\n",
			x.Replica, x.GoroutinesAtEnd, x.Goroutines, x.FilesAtEnd, x.Files, x.Sockets, x.DatabaseConnections)
	}
}

func lastLine(s string) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	last := lines[len(lines)-1]
	if len(last) > 160 {
		last = last[:160] + "…"
	}
	return last
}

// print writes the whole result. What went wrong comes with the schedule and stories.
func (r *Result) print(w io.Writer, o *Options, logs func(ids map[string]bool) map[string][]timelineLine) {
	if len(r.Violations) > 0 {
		_, _ = fmt.Fprintf(w, "\nthe schedule of seed %d:\n", r.Seed)
		PrintSchedule(w, r.Schedule)
		printReport(w, r.Evidence, r.Violations, o.Stories, logs)
	}
	_, _ = fmt.Fprintln(w)
	r.tables(w)
	if len(r.Violations) > 0 {
		_, _ = fmt.Fprintf(w, "\nviolations:\n")
		rules := map[string]int{}
		for _, v := range r.Violations {
			if rules[v.Rule]++; rules[v.Rule] <= 20 {
				_, _ = fmt.Fprintln(w, "  "+v.String())
			}
		}
		names := make([]string, 0, len(rules))
		for name, n := range rules {
			names = append(names, fmt.Sprintf("%s %d", name, n))
		}
		sort.Strings(names)
		_, _ = fmt.Fprintf(w, "by rule: %s\nrepeat it with: --seed %d --seconds %d --store %s\n", strings.Join(names, ", "), r.Seed, o.Seconds, o.Store)
	}
	_, _ = fmt.Fprintf(w, "seed %d, store %s, %d seconds\n%s\n", r.Seed, o.Store, o.Seconds, r.Summary())
}

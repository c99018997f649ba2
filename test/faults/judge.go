package faults

import (
	"fmt"
	"sort"
	"strings"
)

// Violation is a promise that was broken.
type Violation struct {
	Rule       string
	Generation string // "": of none in particular
	Text       string
}

func (v Violation) String() string {
	s := v.Rule + ": " + v.Text
	if v.Generation != "" {
		s += " (generation " + v.Generation + ")"
	}
	return s
}

// The rules, each with what it asserts. They are those of issue 5, and some more that
// cost nothing.
const (
	RuleSettled       = "settled"       // the dust does settle: every outbox row is gone or dead, in time
	RulePromises      = "promises"      // every 202 is in the database, once; every 200 to a cancel too
	RuleEnds          = "ends"          // every generation has ended or waits for a person, and holds nothing
	RuleJobs          = "jobs"          // every job that was not dropped reached the engine, and no other did
	RuleLive          = "live jobs"     // no generation had two live jobs
	RuleReports       = "callbacks"     // a job is settled once, by a report of its own
	RuleCredits       = "credits"       // exactly one of deducted and refunded, with the right amount, on both sides
	RuleNotifications = "notifications" // every end was told, under one key
	RuleLog           = "log"           // no gap, no repeat, and it replays to the stored state
	RuleStreams       = "streams"       // who reconnects sees each event once
	RuleDead          = "dead letters"  // none without a cause
	RuleLeaks         = "leaks"         // goroutines, files and connections are given back
	RuleReplicas      = "replicas"      // no replica ends by itself; each ends in order when told
	RuleAnswers       = "answers"       // nobody gets a 500, or an answer that the contract does not have
)

// judge collects violations.
type judge struct {
	ev    *Observations
	found []Violation

	runs    map[string]*RunRow     // by id
	of      map[string]*Generation // by run
	jobs    map[string]*RunRow     // by job
	seen    map[string][]JobSeen   // by job
	reports map[string][]Report    // by job
}

func (j *judge) broken(rule, generation, format string, args ...any) {
	j.found = append(j.found, Violation{rule, generation, fmt.Sprintf(format, args...)})
}

// Judge asserts every rule and returns what is broken, in a fixed order.
func Judge(ev *Observations) []Violation {
	j := &judge{
		ev: ev, runs: map[string]*RunRow{}, of: map[string]*Generation{}, jobs: map[string]*RunRow{},
		seen: map[string][]JobSeen{}, reports: map[string][]Report{},
	}
	j.index()
	j.odd()
	j.replicas()
	j.promises()
	for _, g := range ev.Generations {
		j.ends(g)
		j.dispatches(g)
		j.live(g)
		j.made(g)
		j.money(g)
		j.log(g)
	}
	j.strangers()
	j.answersToReports()
	j.creditService()
	j.ledger()
	j.notifications()
	j.positions()
	j.streams()
	j.deadLetters()
	j.leaks()
	sort.SliceStable(j.found, func(a, b int) bool {
		x, y := j.found[a], j.found[b]
		if x.Rule != y.Rule {
			return x.Rule < y.Rule
		}
		return x.Generation+x.Text < y.Generation+y.Text
	})
	return j.found
}

func (j *judge) index() {
	for _, g := range j.ev.Generations {
		for i := range g.Runs {
			r := &g.Runs[i]
			if other := j.of[r.ID]; other != nil {
				j.broken(RuleCredits, g.ID, "run %s belongs to generation %s as well", r.ID, other.ID)
			}
			j.runs[r.ID], j.of[r.ID] = r, g
			for _, job := range r.Jobs {
				if j.jobs[job.ID] != nil {
					j.broken(RuleJobs, g.ID, "job %s is of two runs", job.ID)
				}
				j.jobs[job.ID] = r
			}
		}
	}
	for _, s := range j.ev.Jobs {
		j.seen[s.Job] = append(j.seen[s.Job], s)
	}
	for _, r := range j.ev.Reports {
		j.reports[r.Job] = append(j.reports[r.Job], r)
	}
	for _, orphan := range j.ev.Orphans {
		j.broken(RuleLog, "", "without a generation: %s", orphan)
	}
}

// odd is what was noticed while it happened.
func (j *judge) odd() {
	if j.ev.Settled != "" {
		j.broken(RuleSettled, "", "%s", j.ev.Settled)
	}
	if j.ev.Queue > 0 {
		j.broken(RuleSettled, "", "%d messages are left in the queue", j.ev.Queue)
	}
	for _, d := range j.ev.Deliveries {
		if d.State != "dead" {
			j.broken(RuleSettled, d.Generation, "%s %s is still in the outbox after %d attempts: %s", d.Kind, d.ID, d.Attempts, d.LastError)
		}
	}
	for _, o := range j.ev.Odd {
		j.broken(o.Rule, o.Generation, "%s", o.Text)
	}
}

func (j *judge) replicas() {
	for _, d := range j.ev.Deaths {
		panicked := strings.Contains(d.Said, "panic:") || strings.Contains(d.Said, "fatal error:")
		if d.Ready || panicked {
			j.broken(RuleReplicas, "", "replica %d ended by itself with code %d at %s; it said:\n%s", d.Replica, d.Code, clockText(d.At), d.Said)
		}
	}
	for n, code := range j.ev.Exits {
		if code != 0 {
			j.broken(RuleReplicas, "", "replica %d ended with code %d when it was told to stop, with nothing to do", n, code)
		}
	}
}

// ends: nothing is under way when all is quiet.
func (j *judge) ends(g *Generation) {
	switch {
	case !ended(g.Status) && g.Status != "AwaitingSelection":
		j.broken(RuleEnds, g.ID, "it is %s", g.Status)
	case ended(g.Status) && g.Due:
		j.broken(RuleEnds, g.ID, "it has ended and is due")
	case !ended(g.Status) && !g.Due:
		j.broken(RuleEnds, g.ID, "it waits for a person and is never due")
	}
	for _, r := range g.Runs {
		switch r.Reservation {
		case "deducted", "refunded", "refused":
		default:
			j.broken(RuleEnds, g.ID, "the reservation of run %s is %s", r.ID, r.Reservation)
		}
	}
	if len(g.Runs) == 0 {
		j.broken(RuleEnds, g.ID, "it has no run")
	}
}

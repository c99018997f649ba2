package faults

import (
	"net/http"
	"strings"
)

// promises compares what people were told with the database.
func (j *judge) promises() {
	first := map[string]Call{} // by user and key
	for _, c := range j.ev.Calls {
		switch {
		case c.HTTP == http.StatusAccepted && c.Verb != "get":
			j.accepted(c)
			if before, again := first[c.User+" "+c.Key]; again && before.Generation != c.Generation {
				j.broken(RulePromises, c.Generation, "key %s was answered with generation %s before", c.Key, before.Generation)
			}
			first[c.User+" "+c.Key] = c
		case c.HTTP == http.StatusOK && c.Verb == "cancel":
			if g := j.ev.Generations[c.Generation]; g == nil || g.Status != "Cancelled" {
				j.broken(RulePromises, c.Generation, "a cancel was answered with 200, and it is %s", statusOf(g))
			}
		}
	}
	j.perKey(first)
}

func statusOf(g *Generation) string {
	if g == nil {
		return "not there"
	}
	return g.Status
}

// accepted: a 202 is a generation, and a run, of this user, known by its key.
func (j *judge) accepted(c Call) {
	g := j.ev.Generations[c.Generation]
	if g == nil || g.User != c.User {
		j.broken(RulePromises, c.Generation, "202 to %s (key %s) without a generation of this user", c.Verb, c.Key)
		return
	}
	k, ok := j.ev.Keys[c.User+" "+c.Key]
	if !ok || k.Generation != c.Generation {
		j.broken(RulePromises, c.Generation, "202 to %s, and its key %s leads to %q", c.Verb, c.Key, k.Generation)
		return
	}
	run := j.runs[k.Run]
	if run == nil || j.of[k.Run] != g {
		j.broken(RulePromises, c.Generation, "202 to %s (key %s) without a run", c.Verb, c.Key)
		return
	}
	stage := "samples"
	if c.Verb == "select-sample" {
		stage = "final"
	}
	if run.Stage != stage || len(run.Jobs) == 0 {
		j.broken(RulePromises, c.Generation, "202 to %s, and its run %s is of stage %s with %d jobs", c.Verb, run.ID, run.Stage, len(run.Jobs))
	}
	if c.Amount != "" && (c.Amount != decimal(run.Amount) || c.Reserved != c.Amount) {
		j.broken(RuleCredits, c.Generation, "%s costs %s; the answer says %s, the run %s", c.Verb, c.Amount, c.Reserved, decimal(run.Amount))
	}
}

// unpaid are the ends of a request that got no credits: the caller was told 503, or
// 402, or nothing by a replica that died, and the key is free again.
var unpaid = map[string]bool{"credit_service_unavailable": true, "insufficient_credits": true}

// perKey: a create that was repeated made one generation that counts. Others may be
// there only where no credits were got.
func (j *judge) perKey(first map[string]Call) {
	counting := map[string][]string{}
	for _, g := range j.ev.Generations {
		key := keyOf(g.Prompt)
		if cameToNothing := g.Status == "Failed" && jobsOf(g) == 0 && unpaid[g.FailureCode]; !cameToNothing {
			counting[g.User+" "+key] = append(counting[g.User+" "+key], g.ID)
		}
	}
	for key, ids := range counting {
		if len(ids) > 1 {
			j.broken(RulePromises, ids[0], "key %s made %d generations: %s", key, len(ids), strings.Join(ids, ", "))
		}
		if c, promised := first[key]; promised && c.Generation != ids[0] && len(ids) == 1 {
			j.broken(RulePromises, ids[0], "it is what key %s made, and the caller was told of %s", key, c.Generation)
		}
	}
}

// keyOf finds the key of a create in its prompt: "a fox [key]" or "a fox [key again]".
func keyOf(prompt string) string {
	_, key, _ := strings.Cut(prompt, "[")
	return strings.TrimSuffix(strings.TrimSuffix(key, "]"), " again")
}

func jobsOf(g *Generation) (n int) {
	for _, r := range g.Runs {
		n += len(r.Jobs)
	}
	return n
}

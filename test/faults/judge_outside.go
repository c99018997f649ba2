package faults

import "fmt"

// notifications: every end was told, and every choice that waits, each under one key.
func (j *judge) notifications() {
	bodies := map[string]string{}            // by key
	keys := map[string]map[string]struct{}{} // generation and type -> keys
	taken := map[string]bool{}
	for _, n := range j.ev.Notifications {
		if n.Key == "" {
			j.broken(RuleNotifications, n.Generation, "%s without a key", n.Type)
		}
		if before, again := bodies[n.Key]; again && before != n.Body {
			j.broken(RuleNotifications, n.Generation, "key %s with two bodies: %s and %s", n.Key, before, n.Body)
		}
		bodies[n.Key] = n.Body
		what := n.Generation + " " + n.Type
		if keys[what] == nil {
			keys[what] = map[string]struct{}{}
		}
		keys[what][n.Key] = struct{}{}
		taken[n.Key] = taken[n.Key] || n.Taken
		if g := j.ev.Generations[n.Generation]; g == nil || g.User != n.User {
			j.broken(RuleNotifications, n.Generation, "%s for user %s, whose generation it is not", n.Type, n.User)
		}
	}
	for _, g := range j.ev.Generations {
		j.told(g, keys)
	}
	for _, n := range j.ev.Notifications {
		if !taken[n.Key] {
			j.broken(RuleNotifications, n.Generation, "%s (key %s) was never taken", n.Type, n.Key)
			taken[n.Key] = true // say it once
		}
	}
}

var endNotices = map[string]string{
	"Completed": "generation_completed", "Failed": "generation_failed", "Cancelled": "generation_cancelled", "ContentRejected": "content_rejected",
}

// told: as many keys of each type as there were reasons.
func (j *judge) told(g *Generation, keys map[string]map[string]struct{}) {
	want := map[string]int{}
	for _, e := range g.Events {
		if e.Type == "samples_ready" || e.Type == "credits_insufficient" {
			want[e.Type]++
		}
	}
	if notice := endNotices[g.Status]; notice != "" {
		if g.Status == "Failed" && g.FailureCode == "insufficient_credits" && len(keys[g.ID+" generation_failed"]) == 0 {
			notice = "credits_insufficient"
		}
		want[notice]++
	}
	for _, notice := range []string{
		"samples_ready", "credits_insufficient", "generation_completed", "generation_failed", "generation_cancelled", "content_rejected",
	} {
		if got := len(keys[g.ID+" "+notice]); got != want[notice] {
			j.broken(RuleNotifications, g.ID, "%s was told under %d keys; it happened %d times", notice, got, want[notice])
		}
	}
}

// deadLetters: nothing that is injected lasts, so that nothing may be given up on but
// the jobs that the engine itself put aside.
func (j *judge) deadLetters() {
	for _, d := range j.ev.Deliveries {
		if d.State == "dead" {
			j.broken(RuleDead, d.Generation, "%s %s was given up on after %d attempts: %q", d.Kind, d.ID, d.Attempts, d.LastError)
		}
	}
	for _, d := range j.ev.DeadLetters {
		refused := false
		for _, s := range j.seen[d.Job] {
			refused = refused || s.Script == string(scriptRefuse)
		}
		if !refused || d.Reason != "rejected" {
			j.broken(RuleDead, d.Generation, "job %s is a dead letter (%s), which the engine did not ask for", d.Job, d.Reason)
		}
	}
}

// What an idle replica may hold more than it did at its start. The pool of the database
// has grown to its full size by then; the rest is room for a look at its metrics while it
// is being measured.
const (
	goroutinesMore = 10
	filesMore      = 14
)

// socketsAtMost is by the line that they go to, whatever their state: the pool of the
// database, the channel to the broker, what Redis's client keeps (a pool of eight, a
// subscription, a spare), and to the others what a look at their health leaves.
var socketsAtMost = map[string]int{
	LineDatabase: 8, LineBroker: 2, LineRedis: 10, LineCredits: 2, LineNotify: 2, LineWebhook: 2, LineIn: 3,
}

// leaks: an idle replica holds what it held before all that.
func (j *judge) leaks() {
	for _, r := range j.ev.Residue {
		for _, what := range r.tooMuch() {
			if r.Stacks != "" {
				what += "; its goroutines: " + r.Stacks
			}
			j.broken(RuleLeaks, "", "replica %d has %s", r.Replica, what)
		}
	}
}

// tooMuch says what of it is more than an idle replica holds.
func (r *Leaks) tooMuch() (list []string) {
	if r.GoroutinesAtEnd > r.Goroutines+goroutinesMore {
		list = append(list, fmt.Sprintf("%d goroutines, after %d at its start", r.GoroutinesAtEnd, r.Goroutines))
	}
	if r.FilesAtEnd > r.Files+filesMore {
		list = append(list, fmt.Sprintf("%d files open, after %d at its start", r.FilesAtEnd, r.Files))
	}
	for line, atMost := range socketsAtMost {
		if n := r.Sockets[line]; n > atMost {
			list = append(list, fmt.Sprintf("%d connections on the line %s, where %d are kept", n, line, atMost))
		}
	}
	return list
}

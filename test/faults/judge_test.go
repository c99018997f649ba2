package faults

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// consistent is evidence of a few generations with nothing to complain about: made by hand,
// so that each rule has something to look at. (The runs' own evidence is corrupted in
// run_test.go.)
func consistent(store Store) *Observations {
	b := &builder{ev: &Observations{
		Store: store, Generations: map[string]*Generation{}, EventPosition: map[string]int64{}, Keys: map[string]Key{},
		Accounts: map[string]Account{}, CreditRuns: map[string]CreditRun{}, CreditAccounts: map[string]Account{},
	}, at: time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)}
	b.user()
	b.completed("a")
	b.waiting("b")
	b.cancelled("c")
	b.finish()
	return b.ev
}

const user = "user-1"

// builder writes down a life as everybody sees it.
type builder struct {
	ev     *Observations
	at     time.Time
	stream *StreamSeen
}

func (b *builder) now() time.Time {
	b.at = b.at.Add(time.Millisecond)
	return b.at
}

func (b *builder) user() {
	b.stream = &StreamSeen{User: user, Connected: 3}
	b.ev.Streams = append(b.ev.Streams, b.stream)
	b.entry("open", "", 100_000)
	b.ev.CreditAccounts[user] = Account{Balance: 100_000}
}

func (b *builder) entry(kind, run string, amount int64) {
	b.ev.Entries = append(b.ev.Entries, Entry{User: user, Kind: kind, Run: run, Amount: amount})
	a := b.ev.Accounts[user]
	switch kind {
	case "open":
		a.Balance += amount
	case "reserve":
		a.Held += amount
	case "deduct":
		a.Balance, a.Held = a.Balance-amount, a.Held-amount
	case "refund":
		a.Held -= amount
	}
	b.ev.Accounts[user] = a
}

func (b *builder) event(g *Generation, kind, status string) *Event {
	b.ev.EventPosition[user]++
	e := Event{
		Seq: int64(len(g.Events) + 1), Position: b.ev.EventPosition[user], User: user, Type: kind, At: b.now(), Status: status, OfGeneration: g.ID,
	}
	for _, r := range g.Runs {
		e.Stage, e.Attempt = r.Stage, len(r.Jobs)
		e.Reserved += r.Amount
		switch r.Reservation {
		case "deducted":
			e.Deducted += r.Amount
		case "refunded":
			e.Refunded += r.Amount
		}
	}
	g.Events = append(g.Events, e)
	g.LastEvent, g.Status = e.Seq, status
	b.stream.IDs, b.stream.Types, b.stream.Of = append(b.stream.IDs, e.Position), append(b.stream.Types, kind), append(b.stream.Of, g.ID)
	return &g.Events[len(g.Events)-1]
}

// run is asked for, accepted, and its first job reaches the engine.
func (b *builder) run(g *Generation, verb, stage string, amount int64) *RunRow {
	n := len(g.Runs) + 1
	id := fmt.Sprintf("run-%s-%d", g.ID, n)
	r := RunRow{ID: id, Number: n, Stage: stage, Amount: amount, Reservation: "held", Resolution: "256x256"}
	key := fmt.Sprintf("key-%s-%d", g.ID, n)
	b.ev.Calls = append(b.ev.Calls, Call{
		At: b.now(), User: user, Verb: verb, Key: key, Amount: decimal(amount), Reserved: decimal(amount), Generation: g.ID, HTTP: 202, Prompt: g.Prompt,
	})
	b.ev.Keys[user+" "+key] = Key{Generation: g.ID, Run: id}
	b.ev.Credits = append(b.ev.Credits, CreditCall{At: b.now(), Op: "reserve", Reference: id, Did: "reserved"})
	b.entry("reserve", id, amount)
	g.Runs = append(g.Runs, r)
	b.dispatch(g)
	return &g.Runs[len(g.Runs)-1]
}

func (b *builder) dispatch(g *Generation) {
	r := &g.Runs[len(g.Runs)-1]
	job := Job{ID: fmt.Sprintf("job-%s-%d", r.ID, len(r.Jobs)+1), Attempt: len(r.Jobs) + 1, State: "live"}
	r.Jobs = append(r.Jobs, job)
	kind := map[string]string{"samples": sampleJob, "final": finalJob}[r.Stage]
	b.ev.Jobs = append(b.ev.Jobs, JobSeen{
		At: b.now(), Job: job.ID, Run: r.ID, Generation: g.ID, User: user, JobType: kind, Attempt: job.Attempt, Script: "well",
	})
}

// report settles the newest job.
func (b *builder) report(g *Generation, what, state string) {
	r := &g.Runs[len(g.Runs)-1]
	job := &r.Jobs[len(r.Jobs)-1]
	job.State = state
	b.ev.Reports = append(b.ev.Reports, Report{At: b.now(), Job: job.ID, Run: r.ID, Generation: g.ID, What: what, Honest: true, HTTP: 200, Outcome: "applied"})
}

func (b *builder) settle(g *Generation, state string) {
	r := &g.Runs[len(g.Runs)-1]
	r.Reservation = state
	b.ev.CreditRuns[r.ID] = CreditRun{State: state, User: user, Generation: g.ID, Amount: r.Amount}
	op := map[string]string{"deducted": "deduct", "refunded": "refund"}[state]
	b.entry(op, r.ID, r.Amount)
}

func (b *builder) told(g *Generation, kind string) {
	key := fmt.Sprintf("notice-%d", len(b.ev.Notifications))
	b.ev.Notifications = append(b.ev.Notifications, Notice{
		At: b.now(), Key: key, User: user, Generation: g.ID, Type: kind, Body: kind + g.ID, Taken: true,
	})
}

func (b *builder) generation(id string) *Generation {
	g := &Generation{ID: id, User: user, Prompt: "a fox [key-" + id + "-1]", Samples: 2, Version: 1}
	b.ev.Generations[id] = g
	b.run(g, "create", "samples", 2*priceSample)
	b.event(g, "generation_created", "ProcessingSamples")
	return g
}

func (b *builder) ready(g *Generation) {
	b.report(g, "success", "succeeded")
	b.settle(g, "deducted")
	r := g.Runs[len(g.Runs)-1]
	job := r.Jobs[len(r.Jobs)-1].ID
	g.SampleIDs = []string{"s0-" + job, "s1-" + job}
	b.event(g, "samples_ready", "AwaitingSelection").SampleIDs = g.SampleIDs
	b.told(g, "samples_ready")
}

func (b *builder) waiting(id string) *Generation {
	g := b.generation(id)
	b.report(g, "retryable", "failed")
	b.dispatch(g)
	b.event(g, "samples_retrying", "ProcessingSamples")
	b.ready(g)
	g.Due = true
	return g
}

func (b *builder) completed(id string) {
	g := b.waiting(id)
	r := b.run(g, "select-sample", "final", priceFinal)
	r.SampleID, g.Selected = g.SampleIDs[0], g.SampleIDs[0]
	b.event(g, "final_started", "ProcessingFinal").Selected = g.Selected
	b.report(g, "success", "succeeded")
	b.settle(g, "deducted")
	g.FinalID, g.Due = "final-"+r.Jobs[0].ID, false
	b.event(g, "generation_completed", "Completed").FinalID = g.FinalID
	b.told(g, "generation_completed")
}

func (b *builder) cancelled(id string) {
	g := b.generation(id)
	b.ev.Calls = append(b.ev.Calls, Call{At: b.now(), User: user, Verb: "cancel", Generation: id, HTTP: 200, Status: "Cancelled"})
	g.Runs[0].Jobs[0].State = "dropped"
	b.settle(g, "refunded")
	g.FailureCode = "cancelled"
	b.event(g, "generation_cancelled", "Cancelled").ErrorCode = "cancelled"
	b.told(g, "generation_cancelled")
}

func (b *builder) finish() {
	g := b.ev.Generations["a"]
	s := &StreamSeen{User: user, Generation: "a", Connected: 2, Ended: true}
	for _, e := range g.Events {
		s.IDs, s.Types, s.Of = append(s.IDs, e.Seq), append(s.Types, e.Type), append(s.Of, "a")
	}
	b.ev.Streams = append(b.ev.Streams, s)
	b.ev.Residue = []Leaks{{Goroutines: 30, GoroutinesAtEnd: 35, Files: 20, FilesAtEnd: 25, Sockets: map[string]int{LineDatabase: 8}}}
	b.ev.Exits = []int{0}
	last := &b.ev.Jobs[len(b.ev.Jobs)-1]
	last.Script = string(scriptRefuse)
	b.ev.DeadLetters = []DeadLetter{{Job: last.Job, Generation: "c", Reason: "rejected"}}
}

func TestSoundEvidenceIsSound(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{PostgreSQL, SQLite} {
		require.Empty(t, Judge(consistent(store)), store)
	}
}

// clone lets each mutation have evidence of its own.
func clone(t *testing.T, ev *Observations) *Observations {
	t.Helper()
	raw, err := json.Marshal(ev)
	require.NoError(t, err)
	c := new(Observations)
	require.NoError(t, json.Unmarshal(raw, c))
	return c
}

// mutation corrupts evidence in a way that the judge must notice.
type mutation struct {
	name   string
	rule   string
	store  Store // "": both
	change func(ev *Observations)
}

var mutations = []mutation{
	{"the dust did not settle", RuleSettled, "", func(ev *Observations) { ev.Settled = "after 4 minutes" }},
	{"a row left in the outbox", RuleSettled, "", func(ev *Observations) { ev.Deliveries = []Delivery{{Kind: "deduct", State: "waiting"}} }},
	{"a message left in the queue", RuleSettled, "", func(ev *Observations) { ev.Queue = 1 }},

	{"a promised generation is gone", RulePromises, "", func(ev *Observations) { delete(ev.Generations, "b") }},
	{"a promised generation is another user's", RulePromises, "", func(ev *Observations) { ev.Generations["b"].User = "user-2" }},
	{"a key leads to another generation", RulePromises, "", func(ev *Observations) { ev.Keys[user+" key-b-1"] = Key{Generation: "a", Run: "run-a-1"} }},
	{"a key was forgotten", RulePromises, "", func(ev *Observations) { delete(ev.Keys, user+" key-a-2") }},
	{"a promised run is gone", RulePromises, "", func(ev *Observations) { g := ev.Generations["a"]; g.Runs = g.Runs[:1] }},
	{"one key, two answers", RulePromises, "", func(ev *Observations) {
		c := ev.Calls[0]
		c.Generation = "b"
		ev.Calls = append(ev.Calls, c)
	}},
	{"one key, two generations", RulePromises, "", func(ev *Observations) { ev.Generations["b"].Prompt = ev.Generations["a"].Prompt }},
	{"a cancel that did not", RulePromises, "", func(ev *Observations) {
		ev.Calls = append(ev.Calls, Call{User: user, Verb: "cancel", Generation: "a", HTTP: 200})
	}},

	{"still being processed", RuleEnds, "", func(ev *Observations) { ev.Generations["b"].Status = "ProcessingSamples" }},
	{"ended and due", RuleEnds, "", func(ev *Observations) { ev.Generations["a"].Due = true }},
	{"waits and is never due", RuleEnds, "", func(ev *Observations) { ev.Generations["b"].Due = false }},
	{"a reservation is still held", RuleEnds, "", func(ev *Observations) { ev.Generations["a"].Runs[1].Reservation = "held" }},
	{"no run at all", RuleEnds, "", func(ev *Observations) { ev.Generations["c"].Runs = nil }},

	{"a job that never arrived", RuleJobs, "", func(ev *Observations) { ev.Jobs = ev.Jobs[1:] }},
	{"a job that nobody wrote down", RuleJobs, "", func(ev *Observations) { ev.Jobs[0].Job = "job-x" }},
	{"a job of another run", RuleJobs, "", func(ev *Observations) { ev.Jobs[0].Run = "run-b-1" }},
	{"a job of another stage", RuleJobs, "", func(ev *Observations) { ev.Jobs[0].JobType = finalJob }},
	{"a job that says another attempt", RuleJobs, "", func(ev *Observations) { ev.Jobs[0].Attempt = 2 }},
	{"a job against the contract", RuleJobs, "", func(ev *Observations) { ev.Jobs[0].Wrong = "no deadline" }},
	{"two runs, one job", RuleJobs, "", func(ev *Observations) {
		ev.Generations["a"].Runs[1].Jobs[0].ID = ev.Generations["b"].Runs[0].Jobs[0].ID
	}},

	{"a job is live at the end", RuleLive, "", func(ev *Observations) { ev.Generations["c"].Runs[0].Jobs[0].State = "live" }},
	{"an attempt is missing", RuleLive, "", func(ev *Observations) { ev.Generations["a"].Runs[0].Jobs[1].Attempt = 3 }},
	{"the next job came before the report on the last", RuleLive, "", func(ev *Observations) { ev.Reports[0].At = ev.Reports[0].At.Add(time.Hour) }},

	{"a job settled twice", RuleReports, "", func(ev *Observations) { ev.Reports = append(ev.Reports, ev.Reports[1]) }},
	{"a wrong proof was taken", RuleReports, "", func(ev *Observations) {
		r := ev.Reports[0]
		r.What, r.Honest = "wrong proof", false
		ev.Reports = append(ev.Reports, r)
	}},
	{"a success that nobody reported", RuleReports, "", func(ev *Observations) { ev.Reports[1].What = "progress" }},
	{"another generation's samples", RuleReports, "", func(ev *Observations) { ev.Generations["b"].SampleIDs = ev.Generations["a"].SampleIDs }},
	{"another generation's final", RuleReports, "", func(ev *Observations) { ev.Generations["a"].FinalID = "final-x" }},
	{"a sample is missing", RuleReports, "", func(ev *Observations) { ev.Generations["b"].Samples = 3 }},

	{"deducted without success", RuleCredits, "", func(ev *Observations) { ev.Generations["c"].Runs[0].Reservation = "deducted" }},
	{"refunded after success", RuleCredits, "", func(ev *Observations) { ev.Generations["a"].Runs[1].Reservation = "refunded" }},
	{"a wrong price", RuleCredits, "", func(ev *Observations) { ev.Generations["a"].Runs[1].Amount = 99 }},
	{"another amount was promised", RuleCredits, "", func(ev *Observations) { ev.Calls[0].Reserved = "9.99" }},
	{"refused, and worked on", RuleCredits, "", func(ev *Observations) { ev.Generations["c"].Runs[0].Reservation = "refused" }},
	{"the credit service deducted what is refunded here", RuleCredits, PostgreSQL, func(ev *Observations) {
		c := ev.CreditRuns["run-c-1"]
		c.State = "deducted"
		ev.CreditRuns["run-c-1"] = c
	}},
	{"the credit service took another amount", RuleCredits, PostgreSQL, func(ev *Observations) {
		c := ev.CreditRuns["run-a-2"]
		c.Amount++
		ev.CreditRuns["run-a-2"] = c
	}},
	{"the credit service never heard of a run", RuleCredits, PostgreSQL, func(ev *Observations) { delete(ev.CreditRuns, "run-a-1") }},
	{"the credit service holds for a run that nobody knows", RuleCredits, PostgreSQL, func(ev *Observations) {
		ev.CreditRuns["run-x"] = CreditRun{State: "reserved", User: user, Amount: 50}
	}},
	{"the credit service still holds something", RuleCredits, PostgreSQL, func(ev *Observations) { ev.CreditAccounts[user] = Account{Balance: 1, Held: 1} }},
	{"deduct after refund", RuleCredits, PostgreSQL, func(ev *Observations) {
		ev.Credits = append(ev.Credits, CreditCall{Op: "deduct", Reference: "run-c-1", Did: "conflict: already_refunded"})
	}},
	{"a doubled deduct in the ledger", RuleCredits, SQLite, func(ev *Observations) {
		ev.Entries = append(ev.Entries, Entry{User: user, Kind: "deduct", Run: "run-a-1", Amount: 50})
	}},
	{"an entry is missing", RuleCredits, SQLite, func(ev *Observations) { ev.Entries = ev.Entries[:len(ev.Entries)-1] }},
	{"an entry of another amount", RuleCredits, SQLite, func(ev *Observations) { ev.Entries[1].Amount++ }},
	{"an account that its entries do not make", RuleCredits, SQLite, func(ev *Observations) {
		a := ev.Accounts[user]
		a.Balance++
		ev.Accounts[user] = a
	}},

	{"an end that was not told", RuleNotifications, "", func(ev *Observations) { ev.Notifications = ev.Notifications[:len(ev.Notifications)-1] }},
	{"an end told under two keys", RuleNotifications, "", func(ev *Observations) {
		n := ev.Notifications[len(ev.Notifications)-1]
		n.Key = "another"
		ev.Notifications = append(ev.Notifications, n)
	}},
	{"one key, two bodies", RuleNotifications, "", func(ev *Observations) {
		n := ev.Notifications[0]
		n.Body = "something else"
		ev.Notifications = append(ev.Notifications, n)
	}},
	{"never taken", RuleNotifications, "", func(ev *Observations) { ev.Notifications[0].Taken = false }},
	{"another user was told", RuleNotifications, "", func(ev *Observations) { ev.Notifications[0].User = "user-2" }},
	{"an end that did not happen was told", RuleNotifications, "", func(ev *Observations) {
		ev.Notifications = append(ev.Notifications, Notice{Key: "k", User: user, Generation: "b", Type: "generation_failed", Taken: true})
	}},

	{"a gap in the log", RuleLog, "", func(ev *Observations) { g := ev.Generations["a"]; g.Events = append(g.Events[:1], g.Events[2:]...) }},
	{"the last event is missing", RuleLog, "", func(ev *Observations) { g := ev.Generations["a"]; g.Events = g.Events[:len(g.Events)-1] }},
	{"an event twice", RuleLog, "", func(ev *Observations) { g := ev.Generations["a"]; g.Events = append(g.Events, g.Events[0]) }},
	{"a move that there is not", RuleLog, "", func(ev *Observations) { ev.Generations["a"].Events[0].Status = "ProcessingFinal" }},
	{"the log runs backwards", RuleLog, "", func(ev *Observations) { e := ev.Generations["a"].Events; e[2].At = e[0].At.Add(-time.Second) }},
	{"the log leads elsewhere: status", RuleLog, "", func(ev *Observations) { g := ev.Generations["c"]; g.Status, g.Events[1].Status = "Cancelled", "Failed" }},
	{"the log leads elsewhere: credits", RuleLog, "", func(ev *Observations) { e := ev.Generations["a"].Events; e[len(e)-1].Deducted-- }},
	{"the log leads elsewhere: attempt", RuleLog, "", func(ev *Observations) { e := ev.Generations["b"].Events; e[len(e)-1].Attempt = 1 }},
	{"the log leads elsewhere: samples", RuleLog, "", func(ev *Observations) { e := ev.Generations["b"].Events; e[len(e)-1].SampleIDs = nil }},
	{"an event of another generation", RuleLog, "", func(ev *Observations) { ev.Generations["a"].Events[0].OfGeneration = "b" }},
	{"a gap in the positions of a user", RuleLog, "", func(ev *Observations) { e := ev.Generations["c"].Events; e[len(e)-1].Position++ }},
	{"the counter of positions is ahead", RuleLog, "", func(ev *Observations) { ev.EventPosition[user]++ }},
	{"a run without a generation", RuleLog, "", func(ev *Observations) { ev.Orphans = []string{"run x"} }},

	{"a stream with a gap", RuleStreams, "", func(ev *Observations) { s := ev.Streams[0]; s.IDs[3]++ }},
	{"a stream that repeats", RuleStreams, "", func(ev *Observations) { s := ev.Streams[1]; s.IDs[1] = 1 }},
	{"a stream that missed the end", RuleStreams, "", func(ev *Observations) {
		s := ev.Streams[1]
		s.IDs, s.Types, s.Of = s.IDs[:2], s.Types[:2], s.Of[:2]
	}},
	{"a stream of the user that missed some", RuleStreams, "", func(ev *Observations) {
		s := ev.Streams[0]
		s.IDs, s.Types, s.Of = s.IDs[:4], s.Types[:4], s.Of[:4]
	}},
	{"a stream that says what did not happen", RuleStreams, "", func(ev *Observations) { ev.Streams[1].Types[0] = "generation_failed" }},
	{"an event of another user in the stream", RuleStreams, "", func(ev *Observations) { ev.Streams[0].Of[0] = "x" }},

	{"a dead delivery", RuleDead, "", func(ev *Observations) {
		ev.Deliveries = []Delivery{{Kind: "notify", State: "dead", LastError: "HTTP 500"}}
	}},
	{"a dead letter that the engine did not ask for", RuleDead, "", func(ev *Observations) {
		ev.DeadLetters = append(ev.DeadLetters, DeadLetter{Job: ev.Jobs[0].Job, Reason: "rejected"})
	}},
	{"a dead letter for another reason", RuleDead, "", func(ev *Observations) { ev.DeadLetters[0].Reason = "expired" }},

	{"goroutines leak", RuleLeaks, "", func(ev *Observations) { ev.Residue[0].GoroutinesAtEnd = 45 }},
	{"files leak", RuleLeaks, "", func(ev *Observations) { ev.Residue[0].FilesAtEnd = 35 }},
	{"connections leak", RuleLeaks, "", func(ev *Observations) { ev.Residue[0].Sockets[LineDatabase] = 9 }},
	{"connections to the notification service leak", RuleLeaks, "", func(ev *Observations) { ev.Residue[0].Sockets[LineNotify] = 10 }},
	{"connections to the webhook leak", RuleLeaks, "", func(ev *Observations) { ev.Residue[0].Sockets[LineWebhook] = 10 }},
	{"connections of callers leak", RuleLeaks, "", func(ev *Observations) { ev.Residue[0].Sockets[LineIn] = 10 }},

	{"a replica ended by itself", RuleReplicas, "", func(ev *Observations) { ev.Deaths = []Death{{Ready: true, Code: 1}} }},
	{"a replica panicked at its start", RuleReplicas, "", func(ev *Observations) { ev.Deaths = []Death{{Said: "panic: x"}} }},
	{"a replica that did not stop in order", RuleReplicas, "", func(ev *Observations) { ev.Exits[0] = 1 }},
	{"a 500", RuleAnswers, "", func(ev *Observations) { ev.Odd = []Odd{{Rule: RuleAnswers, Text: "500"}} }},
}

// A judge that cannot fail is worth nothing: each corruption is noticed, under its rule.
func TestJudgeNotices(t *testing.T) {
	t.Parallel()
	rules := map[string]bool{}
	for _, store := range []Store{PostgreSQL, SQLite} {
		for _, m := range mutations {
			if m.store != "" && m.store != store {
				continue
			}
			ev := clone(t, consistent(store))
			m.change(ev)
			found := map[string]bool{}
			for _, v := range Judge(ev) {
				found[v.Rule] = true
			}
			require.True(t, found[m.rule], "%s, %s: found %v", store, m.name, found)
			rules[m.rule] = true
		}
	}
	require.Len(t, rules, 14, "every rule is tried")
}

// What only looks like a fault is none.
func TestJudgeAllows(t *testing.T) {
	t.Parallel()
	ev := clone(t, consistent(PostgreSQL))
	// The same promise again, a repeat of a notification, a start that failed, a request
	// that could not be paid.
	ev.Calls = append(ev.Calls, ev.Calls[0])
	ev.Notifications = append(ev.Notifications, ev.Notifications[0])
	ev.Deaths = []Death{{Said: "the database is away", Code: 1}}
	ev.CreditRuns["run-x"] = CreditRun{State: "refused", User: user, Amount: 50}
	// A reservation that was found out about and freed after the end.
	g := ev.Generations["a"]
	g.Runs = append(g.Runs, RunRow{ID: "late", Number: 3, Stage: "final", Resolution: "64x64", Amount: priceFinal, Reservation: "refunded"})
	ev.CreditRuns["late"] = CreditRun{State: "refunded", User: user, Generation: "a", Amount: priceFinal}
	// A first try of a promised key that got no credits, by a replica that died.
	ev.Generations["d"] = &Generation{
		ID: "d", User: user, Prompt: ev.Generations["b"].Prompt, Status: "Failed", FailureCode: "insufficient_credits", Samples: 2, LastEvent: 1,
		Runs: []RunRow{{ID: "run-d-1", Number: 1, Stage: "samples", Amount: 50, Reservation: "refused"}},
		Events: []Event{{
			Seq: 1, Position: ev.EventPosition[user] + 1, User: user, Type: "generation_failed", Status: "Failed", OfGeneration: "d", ErrorCode: "insufficient_credits",
		}},
	}
	ev.EventPosition[user]++
	s := ev.Streams[0]
	s.IDs, s.Types, s.Of = append(s.IDs, ev.EventPosition[user]), append(s.Types, "generation_failed"), append(s.Of, "d")
	ev.Notifications = append(ev.Notifications, Notice{Key: "d", User: user, Generation: "d", Type: "credits_insufficient", Taken: true})
	require.Empty(t, Judge(ev))
	// And before it: then the events count it.
	last := &g.Events[len(g.Events)-1]
	last.Reserved += priceFinal
	last.Refunded += priceFinal
	require.Empty(t, Judge(ev))
	last.Refunded--
	require.NotEmpty(t, Judge(ev))
}

// A job that was dropped before it could reach the engine need not reach it.
func TestJudgeAllowsWhatWasDropped(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{PostgreSQL, SQLite} {
		ev := clone(t, consistent(store))
		ev.Jobs = slices.DeleteFunc(ev.Jobs, func(s JobSeen) bool { return s.Generation == "c" })
		ev.DeadLetters = nil
		require.Empty(t, Judge(ev))
		ev.Generations["c"].Runs[0].Jobs[0].State = "live"
		require.NotEmpty(t, Judge(ev))
	}
}

// A story has what everybody saw, in the order of time.
func TestStory(t *testing.T) {
	t.Parallel()
	ev := consistent(PostgreSQL)
	ev.Faults = []Injected{{Fault: Fault{N: 7, Kind: Cut, Replica: 1, Line: LineCredits}, Began: ev.Calls[0].At, Ended: ev.Calls[0].At.Add(time.Second)}}
	lines := Timeline(ev, "a", nil)
	text := fmt.Sprint(lines)
	for _, want := range []string{"run-a-2", "create key key-a-1", "job-run-a-1-2", "reports success", "reserve", "generation_completed", "#7"} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "key-b-1")
	var times []string
	for _, l := range lines[3:] {
		times = append(times, l[2:14])
	}
	require.IsNonDecreasing(t, times)
}

package aigen_test

import (
	"time"

	"github.com/creativeflow/aigen"
)

// model is what a reader of the contract expects of one generation: a status, who
// holds which credits, and what each job has said. It knows nothing of the code.
type model struct {
	status  aigen.Status
	runs    []aigen.ID // oldest first
	jobs    []aigen.ID
	credits map[aigen.ID]string // by run: asked, held, spent, freed, denied, unsure
	price   map[aigen.ID]aigen.Credits
	stage   map[aigen.ID]aigen.Stage // by run
	of      map[aigen.ID]aigen.ID    // the run of a job
	said    map[aigen.ID]aigen.ReportKind
	heard   map[aigen.Fingerprint]bool // of the reports that counted
	live    aigen.ID                   // the job that is waited for, zero if none is
	tries   map[aigen.ID]int           // jobs of a run

	due      time.Time // the deadline of the stage, or of whoever asks for credits
	selectBy time.Time
	outbox   bool // the outbox asks for the credits
}

func newModel(g *aigen.Generation, w *fixture) *model {
	m := &model{
		status: aigen.StatusPending, credits: map[aigen.ID]string{}, price: map[aigen.ID]aigen.Credits{},
		stage: map[aigen.ID]aigen.Stage{}, of: map[aigen.ID]aigen.ID{}, said: map[aigen.ID]aigen.ReportKind{},
		heard: map[aigen.Fingerprint]bool{}, tries: map[aigen.ID]int{},
	}
	m.asks(w, newestRun(g).ID, aigen.StageSamples, 100)
	return m
}

func (m *model) ended() bool {
	switch m.status {
	case aigen.StatusPending, aigen.StatusProcessingSamples, aigen.StatusAwaitingSelection, aigen.StatusProcessingFinal:
		return false
	default:
		return true
	}
}

// asks: the user wants a run.
func (m *model) asks(w *fixture, run aigen.ID, s aigen.Stage, price aigen.Credits) {
	m.runs = append(m.runs, run)
	m.credits[run], m.price[run], m.stage[run] = "asked", price, s
	m.due, m.outbox = w.clock().Add(w.ReserveTimeout), false
}

// asked is the run that waits for its credits, zero if none does.
func (m *model) asked() aigen.ID {
	for run, state := range m.credits {
		if state == "asked" {
			return run
		}
	}
	return aigen.ID{}
}

func (m *model) timeout(w *fixture, run aigen.ID) time.Duration {
	if m.stage[run] == aigen.StageFinal {
		return w.FinalTimeout
	}
	return w.SamplesTimeout
}

// pays: the credits of run are held; its first job goes out.
func (m *model) pays(w *fixture, run aigen.ID, updated time.Time) {
	m.credits[run] = "held"
	m.status = aigen.StatusProcessingSamples
	if m.stage[run] == aigen.StageFinal {
		m.status = aigen.StatusProcessingFinal
	}
	m.due, m.selectBy = updated.Add(m.timeout(w, run)), time.Time{}
}

// dispatched: a job of run is on its way, and is the only one that counts.
func (m *model) dispatched(run, job aigen.ID) {
	m.jobs = append(m.jobs, job)
	m.of[job], m.live = run, job
	m.tries[run]++
}

// drops: run does not happen. The first one takes the generation with it.
func (m *model) drops(run aigen.ID, state string) {
	m.credits[run] = state
	if m.status == aigen.StatusPending {
		m.ends(aigen.StatusFailed)
		return
	}
	m.due = m.selectBy
}

// ends frees what is not decided.
func (m *model) ends(s aigen.Status) {
	for run, state := range m.credits {
		switch state {
		case "held":
			m.credits[run] = "freed"
		case "asked":
			m.credits[run] = "unsure"
		}
	}
	m.status, m.live, m.due, m.selectBy = s, aigen.ID{}, time.Time{}, time.Time{}
}

// answer is what the contract has the engine told, "" and a code for a refusal.
func (m *model) answer(rep *aigen.Report) (aigen.Outcome, aigen.Code) {
	named, known := !rep.JobID.IsZero(), m.of[rep.JobID] != aigen.ID{}
	speaksOf := m.stage[m.of[rep.JobID]] // the stage that the report's job belongs to
	if !named {
		speaksOf = m.stage[m.of[m.live]]
	}
	fits := rep.Stage == "" || rep.Stage == speaksOf
	switch {
	case named && known && fits && m.said[rep.JobID] == rep.Kind, !named && m.heard[rep.Fingerprint]:
		return aigen.OutcomeDuplicate, ""
	case m.ended():
		return aigen.OutcomeIgnored, ""
	case named && !known:
		return "", aigen.CodeUnknownJob
	case named && !fits:
		return "", aigen.CodeCallbackContradiction
	case named && rep.JobID != m.live:
		return aigen.OutcomeStale, ""
	case named:
		return aigen.OutcomeApplied, ""
	case m.status == aigen.StatusPending:
		return "", aigen.CodeCallbackContradiction
	case !m.live.IsZero() && fits:
		return aigen.OutcomeApplied, ""
	case rep.Stage == aigen.StageFinal: // before anybody asked for one
		return "", aigen.CodeCallbackContradiction
	case rep.Kind == aigen.ReportSamples: // there are samples already
		return aigen.OutcomeDuplicate, ""
	default:
		return aigen.OutcomeStale, ""
	}
}

// hears takes a report that counts.
func (m *model) hears(w *fixture, rep *aigen.Report, updated time.Time) {
	job, run := m.live, m.of[m.live]
	m.said[job], m.heard[rep.Fingerprint], m.live = rep.Kind, true, aigen.ID{}
	switch rep.Kind {
	case aigen.ReportSamples:
		m.credits[run] = "spent"
		m.status, m.selectBy = aigen.StatusAwaitingSelection, updated.Add(w.SelectionTimeout)
		m.due = m.selectBy
	case aigen.ReportFinal:
		m.credits[run] = "spent"
		m.ends(aigen.StatusCompleted)
	case aigen.ReportRejected:
		if w.ChargeRejected {
			m.credits[run] = "spent"
		}
		m.ends(aigen.StatusContentRejected)
	case aigen.ReportFailure:
		delay := time.Duration(m.tries[run]) * 10 * time.Second
		if !rep.Failure.Retryable || m.tries[run] == 3 || !w.clock().Add(delay).Before(m.due) {
			m.ends(aigen.StatusFailed)
		}
	}
}

// totals are the sums of the money rule.
func (m *model) totals() (t aigen.CreditTotals) {
	for run, state := range m.credits {
		switch state {
		case "held":
			t.Reserved += m.price[run]
		case "spent":
			t.Reserved += m.price[run]
			t.Deducted += m.price[run]
		case "freed":
			t.Reserved += m.price[run]
			t.Refunded += m.price[run]
		}
	}
	return t
}

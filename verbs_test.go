package aigen_test

import (
	"strings"
	"time"

	"github.com/creativeflow/aigen"
)

// verb calls one verb. The text is "" if it changed something, "no" if it reports
// that it did not, else the outcome of a report.
type verb func(w *fixture, g *aigen.Generation) (nothing string, err error)

// verbs are the rows of the table.
func verbs() map[string]verb {
	all := map[string]verb{
		"DeferReservation": func(w *fixture, g *aigen.Generation) (string, error) { return "", g.DeferReservation(w.Policy) },
		"SelectSample":     selecting(secondSample), "SelectSample unknown": selecting("sample-9"),
		"Regenerate": func(w *fixture, g *aigen.Generation) (string, error) {
			in, err := aigen.NewInput("a blue fox", "", nil)
			if err != nil {
				return "", err
			}
			return "", g.Regenerate(w.Policy, in)
		},
		"Cancel": func(w *fixture, g *aigen.Generation) (string, error) { return "", g.Cancel(w.Policy) },
		"Fail": func(w *fixture, g *aigen.Generation) (string, error) {
			return "", g.Fail(w.Policy, aigen.Failure{Code: "broken"})
		},
		"FailByOperator": func(w *fixture, g *aigen.Generation) (string, error) {
			return "", g.FailByOperator(w.Policy, aigen.OperatorNote{ID: w.newID(), Reason: "the engine is gone"})
		},
		"DispatchFailed newest": func(w *fixture, g *aigen.Generation) (string, error) {
			return changed(g.DispatchFailed(w.Policy, jobOr(g, w.newID())))
		},
		"DispatchFailed unknown": func(w *fixture, g *aigen.Generation) (string, error) {
			return changed(g.DispatchFailed(w.Policy, w.newID()))
		},
		"AssetLost": func(w *fixture, g *aigen.Generation) (string, error) { // a picture that the generation does not show
			return changed(g.AssetLost(w.Policy, aigen.AssetName{1}), nil)
		},
		"Expire too early": func(w *fixture, g *aigen.Generation) (string, error) {
			if !g.DueAt.IsZero() {
				w.now = g.DueAt.Add(-time.Microsecond)
			}
			return changed(g.Expire(w.Policy))
		},
		"Expire when due": func(w *fixture, g *aigen.Generation) (string, error) {
			w.now = w.now.Add(10_000 * time.Hour)
			if !g.DueAt.IsZero() {
				w.now = g.DueAt
			}
			return changed(g.Expire(w.Policy))
		},
	}
	answers := map[string]func(*fixture, *aigen.Generation, aigen.ID) (bool, error){
		"ConfirmReservation#": func(w *fixture, g *aigen.Generation, run aigen.ID) (bool, error) {
			return g.ConfirmReservation(w.Policy, run)
		},
		"RejectReservation#, notify": func(w *fixture, g *aigen.Generation, run aigen.ID) (bool, error) {
			return g.RejectReservation(w.Policy, run, true)
		},
		"RejectReservation#, quietly": func(w *fixture, g *aigen.Generation, run aigen.ID) (bool, error) {
			return g.RejectReservation(w.Policy, run, false)
		},
		"AbandonReservation#": func(w *fixture, g *aigen.Generation, run aigen.ID) (bool, error) {
			return g.AbandonReservation(w.Policy, run)
		},
		"ConfirmRelease#, held": func(w *fixture, g *aigen.Generation, run aigen.ID) (bool, error) {
			return g.ConfirmRelease(w.Policy, run, true)
		},
		"ConfirmRelease#, free": func(w *fixture, g *aigen.Generation, run aigen.ID) (bool, error) {
			return g.ConfirmRelease(w.Policy, run, false)
		},
	}
	for name, answer := range answers {
		all[strings.Replace(name, "#", " newest", 1)] = func(w *fixture, g *aigen.Generation) (string, error) {
			return changed(answer(w, g, newestRun(g).ID))
		}
		all[firstWord(strings.Replace(name, "#", " ", 1))+" unknown"] = func(w *fixture, g *aigen.Generation) (string, error) {
			return changed(answer(w, g, w.newID()))
		}
	}
	reports := map[string]func(*fixture, aigen.ID) aigen.Report{
		"Report samples":               func(w *fixture, job aigen.ID) aigen.Report { return w.samples(job) },
		"Report final":                 func(w *fixture, job aigen.ID) aigen.Report { return w.final(job) },
		"Report failed samples":        func(w *fixture, job aigen.ID) aigen.Report { return w.failure(job, aigen.StageSamples, false) },
		"Report failed samples, retry": func(w *fixture, job aigen.ID) aigen.Report { return w.failure(job, aigen.StageSamples, true) },
		"Report failed final":          func(w *fixture, job aigen.ID) aigen.Report { return w.failure(job, aigen.StageFinal, false) },
		"Report failed final, retry":   func(w *fixture, job aigen.ID) aigen.Report { return w.failure(job, aigen.StageFinal, true) },
		"Report rejected":              func(w *fixture, job aigen.ID) aigen.Report { return w.rejected(job) },
	}
	for name, report := range reports {
		all[name] = func(w *fixture, g *aigen.Generation) (string, error) {
			return outcome(g.Report(w.Policy, report(w, jobOr(g, w.newID()))))
		}
		all[name+", no jobId"] = func(w *fixture, g *aigen.Generation) (string, error) {
			return outcome(g.Report(w.Policy, report(w, aigen.ID{})))
		}
		if !strings.Contains(name, "retry") && name != "Report failed final" {
			all[name+", other jobId"] = func(w *fixture, g *aigen.Generation) (string, error) {
				return outcome(g.Report(w.Policy, report(w, w.newID())))
			}
		}
	}
	return all
}

func selecting(sample string) verb {
	return func(w *fixture, g *aigen.Generation) (string, error) {
		return "", g.SelectSample(w.Policy, sample, aigen.Resolution{})
	}
}

func changed(did bool, err error) (string, error) {
	if did {
		return "", err
	}
	return "no", err
}

func outcome(o aigen.Outcome, err error) (string, error) {
	if o == aigen.OutcomeApplied {
		return "", err
	}
	return string(o), err
}

func jobOr(g *aigen.Generation, other aigen.ID) aigen.ID {
	if id := job(g); !id.IsZero() {
		return id
	}
	return other
}

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

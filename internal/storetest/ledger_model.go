package storetest

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

// model is the ledger of one user as one would write it on paper.
type model struct {
	balance, held aigen.Credits
	runs          map[aigen.ID]*modelRun
}

type modelRun struct {
	amount aigen.Credits
	end    ledger.Kind
}

// move says whether the ledger must take the movement, and takes it.
func (m *model) post(kind ledger.Kind, run aigen.ID, amount aigen.Credits) bool {
	r := m.runs[run]
	switch {
	case kind == ledger.Reserve && r != nil:
		return r.amount == amount
	case kind == ledger.Reserve && m.balance-m.held < amount:
		return false
	case kind == ledger.Reserve:
		m.held += amount
		m.runs[run] = &modelRun{amount: amount}
		return true
	case r == nil || r.amount != amount:
		return false
	case r.end != "":
		return r.end == kind
	}
	r.end = kind
	m.held -= amount
	if kind == ledger.Deduct {
		m.balance -= amount
	}
	return true
}

// testRandomMovements makes some thousand movements of few runs, so that repeats,
// contradictions and empty accounts are common.
func testRandomPostings(t *testing.T, open Open) {
	const initial = 100
	w := setup(t, open, Options{InitialCredits: initial})
	kinds := []ledger.Kind{ledger.Reserve, ledger.Reserve, ledger.Deduct, ledger.Refund}
	rapid.Check(t, func(rt *rapid.T) {
		g := w.pending(w.id())
		if err := w.Apply(w.ctx, []*app.Change{{Generation: g}})[0]; err != nil {
			rt.Fatal(err)
		}
		m := &model{balance: initial, runs: map[aigen.ID]*modelRun{}}
		runs := []aigen.ID{w.id(), w.id(), w.id(), w.id(), w.id()}
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if rapid.IntRange(0, 9).Draw(rt, "grant") == 0 {
				amount := aigen.Credits(rapid.IntRange(1, 50).Draw(rt, "amount"))
				m.balance += amount
				if _, err := w.Grant(w.ctx, g.UserID, amount, w.id().String(), w.now()); err != nil {
					rt.Fatal(err)
				}
			} else {
				kind := rapid.SampledFrom(kinds).Draw(rt, "kind")
				run := rapid.IntRange(0, len(runs)-1).Draw(rt, "run")
				// Mostly the run's own amount, sometimes another.
				amount := aigen.Credits(20 + 10*run + rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(rt, "off"))
				want := m.post(kind, runs[run], amount)
				if err := w.post(g, kind, runs[run], amount); (err == nil) != want {
					rt.Fatalf("%s %s of run %d: %v, the model says %t", kind, amount, run, err, want)
				}
			}
			if err := w.agrees(m, g.UserID); err != nil {
				rt.Fatal(err)
			}
		}
		// Once a round: it reads everything that all rounds have written.
		if _, faults, err := w.Audit(w.ctx); err != nil || len(faults) > 0 {
			rt.Fatal(err, faults)
		}
	})
}

// agrees compares the account with the model.
func (w *fixture) agrees(m *model, user aigen.ID) error {
	b, err := w.Balance(w.ctx, user)
	switch {
	case err != nil:
		return err
	case b.Reserved < 0 || b.Balance < b.Reserved || b.Available != b.Balance-b.Reserved:
		return errors.New("the account contradicts itself")
	case b.Balance != m.balance || b.Reserved != m.held:
		return errors.New("the account is not what the model says: " + b.Balance.String() + ", " + b.Reserved.String())
	}
	return nil
}

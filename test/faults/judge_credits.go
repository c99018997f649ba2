package faults

import (
	"fmt"
	"strings"
)

// price is what a run costs, by the contract (section 4).
func price(g *Generation, r *RunRow) int64 {
	if r.Stage == "samples" {
		if r.SamplesAsked > 0 {
			return int64(r.SamplesAsked) * priceSample
		}
		return int64(g.Samples) * priceSample
	}
	var width, height int
	_, _ = fmt.Sscanf(r.Resolution, "%dx%d", &width, &height)
	if max(width, height) > 2048 {
		return priceLarge
	}
	return priceFinal
}

// money: for every run exactly one of deducted and refunded, with the right amount, and
// deducted exactly where the run succeeded.
func (j *judge) money(g *Generation) {
	for i := range g.Runs {
		r := &g.Runs[i]
		if want := price(g, r); r.Amount != want {
			j.broken(RuleCredits, g.ID, "run %s (%s) costs %s, the price is %s", r.ID, r.Stage, decimal(r.Amount), decimal(want))
		}
		succeeded := len(r.Jobs) > 0 && r.Jobs[len(r.Jobs)-1].State == "succeeded"
		if succeeded != (r.Reservation == "deducted") {
			j.broken(RuleCredits, g.ID, "run %s is %s; it succeeded: %t", r.ID, r.Reservation, succeeded)
		}
		if len(r.Jobs) > 0 && r.Reservation == "refused" {
			j.broken(RuleCredits, g.ID, "run %s was refused and got a job", r.ID)
		}
		if j.ev.Store == PostgreSQL {
			j.bothSides(g, r)
		}
	}
}

// bothSides: the credit service says the same.
func (j *judge) bothSides(g *Generation, r *RunRow) {
	c, known := j.ev.CreditRuns[r.ID]
	switch {
	case !known && r.Reservation != "refused":
		j.broken(RuleCredits, g.ID, "run %s is %s, and the credit service has never heard of it", r.ID, r.Reservation)
	case known && c.State != r.Reservation:
		j.broken(RuleCredits, g.ID, "run %s is %s here and %s at the credit service", r.ID, r.Reservation, c.State)
	case known && (c.Amount != r.Amount || c.User != g.User || c.Generation != g.ID):
		j.broken(RuleCredits, g.ID, "run %s is %s of user %s here, %s of user %s, generation %s at the credit service",
			r.ID, decimal(r.Amount), g.User, decimal(c.Amount), c.User, c.Generation)
	}
}

// creditService: nothing there that is not here, and nothing that contradicts itself.
func (j *judge) creditService() {
	for reference, c := range j.ev.CreditRuns {
		// Of a request that could not be paid nothing remains here.
		if j.runs[reference] == nil && c.State != "refused" {
			j.broken(RuleCredits, c.Generation, "the credit service has %s %s for %s, which no run knows", c.State, decimal(c.Amount), reference)
		}
	}
	for user, a := range j.ev.CreditAccounts {
		if a.Held != 0 {
			j.broken(RuleCredits, "", "the credit service holds %s of user %s", decimal(a.Held), user)
		}
	}
	for _, c := range j.ev.Credits {
		if strings.HasPrefix(c.Did, "conflict") {
			j.broken(RuleCredits, c.Generation, "%s of %s for %s: %s (it was %q)", c.Op, c.Amount, c.Reference, c.Did, c.Before)
		}
	}
}

// ledger: the embedded ledger's entries are its runs.
func (j *judge) ledger() {
	if j.ev.Store != SQLite {
		return
	}
	kinds := map[string]string{} // run -> kinds in order
	sums := map[string]Account{}
	for _, e := range j.ev.Entries {
		a := sums[e.User]
		switch e.Kind {
		case "open", "grant":
			a.Balance += e.Amount
		case "reserve":
			a.Held += e.Amount
		case "deduct":
			a.Balance -= e.Amount
			a.Held -= e.Amount
		case "refund":
			a.Held -= e.Amount
		}
		sums[e.User] = a
		if e.Run == "" {
			continue
		}
		kinds[e.Run] += e.Kind + " "
		if r := j.runs[e.Run]; r == nil || r.Amount != e.Amount || j.of[e.Run].User != e.User {
			j.broken(RuleCredits, "", "an entry %s of %s for run %s, which is not that run's", e.Kind, decimal(e.Amount), e.Run)
		}
	}
	want := map[string]string{"deducted": "reserve deduct ", "refunded": "reserve refund ", "refused": ""}
	for id, r := range j.runs {
		if kinds[id] != want[r.Reservation] {
			j.broken(RuleCredits, j.of[id].ID, "run %s is %s; the ledger says %q", id, r.Reservation, kinds[id])
		}
	}
	for user, a := range j.ev.Accounts {
		if a != sums[user] || a.Held != 0 {
			j.broken(RuleCredits, "", "account of user %s: balance %s, held %s; its entries make %s and %s", user,
				decimal(a.Balance), decimal(a.Held), decimal(sums[user].Balance), decimal(sums[user].Held))
		}
	}
}

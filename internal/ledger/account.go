package ledger

import "github.com/creativeflow/aigen"

// Account is the account of one user.
type Account struct {
	Opened  bool // has an entry; an account without entries has the initial credits
	Balance aigen.Credits
	Held    aigen.Credits // reserved and not settled
}

// Available is what can be reserved.
func (a *Account) Available() aigen.Credits { return a.Balance - a.Held }

// History is what the ledger knows of the run of a posting, or of a grant's reference.
type History struct {
	Reserved *Posting // the reservation of the run; nil if there is none
	Settled  *Posting // its deduction or refund; nil if there is none
	Granted  bool     // the user has a grant with this reference
}

// Add adds a posting of the run.
func (h *History) Add(p *Posting) {
	switch p.Kind {
	case Reserve:
		h.Reserved = p
	case Deduct, Refund:
		h.Settled = p
	case Grant:
		h.Granted = true
	case Open:
	}
}

// AddEntries adds those entries that concern posting p: entries of its run, or grants with
// its reference.
func (h *History) AddEntries(entries []Entry, p Posting) {
	for i := range entries {
		e := &entries[i]
		switch {
		case p.Kind == Grant:
			if e.Kind == Grant && e.UserID == p.UserID && e.GrantReference() == p.GrantReference() {
				h.Granted = true
			}
		case e.OfRun() && e.RunID == p.RunID:
			h.Add(&e.Posting)
		}
	}
}

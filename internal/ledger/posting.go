// Package ledger holds the rules of the embedded ledger: what a posting does to an account,
// and which postings are repeats or contradictions. It does no I/O; the stores read what a
// posting needs to know, call Post, and write the entries.
//
// A run has at most one reservation, and a reservation is settled at most once. The list of
// entries is append-only; the last entry of an account equals the account.
package ledger

import (
	"time"

	"github.com/creativeflow/aigen"
)

// Kind is what a posting does to an account.
type Kind string

// The kinds. Open is written by Post alone, as the first entry of each account.
const (
	Open    Kind = "open"    // balance = initial credits
	Reserve Kind = "reserve" // held += amount, if balance - held allows
	Deduct  Kind = "deduct"  // balance -= amount, held -= amount
	Refund  Kind = "refund"  // held -= amount
	Grant   Kind = "grant"   // balance += amount
)

// Posting is one change of an account. Its run, or the reference of a grant, makes a repeat
// harmless.
type Posting struct {
	Kind         Kind
	UserID       aigen.ID
	GenerationID aigen.ID
	RunID        aigen.ID
	Amount       aigen.Credits // 0.01 to aigen.MaxCredits
	At           time.Time
	Reference    string // of a grant, unique for its user; "": the run's id
}

// GrantReference is the reference of a grant.
func (p *Posting) GrantReference() string {
	if p.Reference != "" {
		return p.Reference
	}
	return p.RunID.String()
}

// Entry is a posting that was applied, with the account after it.
type Entry struct {
	Posting

	Balance aigen.Credits
	Held    aigen.Credits
}

// OfRun reports whether the entry belongs to a run.
func (e *Entry) OfRun() bool { return e.Kind == Reserve || e.Kind == Deduct || e.Kind == Refund }

package postgres

import (
	"fmt"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// maxBalance keeps sums of balances within 64 bits; more is a mistake.
const maxBalance = 1000 * aigen.MaxCredits

const entryOpen app.MovementKind = "open" // the initial credits of a new account

// entry is a row of ledger_entries.
type entry struct {
	app.Movement

	reference string // of a grant
	balance   aigen.Credits
	held      aigen.Credits
}

// booking is what the ledger knows of a run.
type booking struct{ reserved, settled *app.Movement }

func (k *booking) add(m *app.Movement) {
	if m.Kind == app.MovementReserve {
		k.reserved = m
	} else {
		k.settled = m
	}
}

type grantKey struct {
	user      aigen.ID
	reference string
}

// book takes the movements of one change. It decides on copies, so that a refusal
// leaves nothing behind.
type book struct {
	initial aigen.Credits
	known   *batch
	entries []entry
}

// add applies m to a. The error is an *aigen.Error: CodeInsufficientCredits, or
// CodeInternal for a movement that must not be.
func (b *book) add(a *account, m app.Movement, reference string) error {
	if m.Amount <= 0 || m.Amount > aigen.MaxCredits {
		return ledgerFault("an amount must be positive and within bounds", fmt.Sprintf("%s %s", m.Kind, m.Amount))
	}
	repeat, err := b.repeats(m, reference)
	if err != nil || repeat {
		return err
	}
	if !a.opened {
		a.opened, a.balance = true, b.initial
		open := app.Movement{Kind: entryOpen, UserID: a.user, Amount: b.initial, At: m.At}
		b.entries = append(b.entries, entry{Movement: open, balance: a.balance, held: a.held})
	}
	switch m.Kind {
	case app.MovementReserve:
		if available := a.balance - a.held; available < m.Amount {
			return insufficient(m.Amount, available)
		}
		a.held += m.Amount
	case app.MovementDeduct:
		a.held -= m.Amount
		a.balance -= m.Amount
	case app.MovementRefund:
		a.held -= m.Amount
	case app.MovementGrant:
		if a.balance+m.Amount > maxBalance {
			return ledgerFault("the balance would be too large", m.Amount.String())
		}
		a.balance += m.Amount
	default:
		return ledgerFault("unknown movement", string(m.Kind))
	}
	if m.Kind != app.MovementGrant {
		reference = ""
	}
	b.entries = append(b.entries, entry{Movement: m, reference: reference, balance: a.balance, held: a.held})
	return nil
}

// repeats reports whether m was applied before; an error if what is known of its
// run does not allow it.
func (b *book) repeats(m app.Movement, reference string) (bool, error) {
	if m.Kind == app.MovementGrant {
		return b.granted(grantKey{m.UserID, reference}), nil
	}
	k := b.reservation(m.RunID)
	about := fmt.Sprintf("run %s: %s %s", m.RunID, m.Kind, m.Amount)
	if m.Kind == app.MovementReserve {
		if k.reserved != nil && (k.reserved.Amount != m.Amount || k.reserved.UserID != m.UserID) {
			return false, ledgerFault("the run was reserved otherwise", about+" after "+k.reserved.Amount.String())
		}
		return k.reserved != nil, nil
	}
	switch {
	case k.reserved == nil:
		return false, ledgerFault("the run was never reserved", about)
	case k.reserved.Amount != m.Amount || k.reserved.UserID != m.UserID:
		return false, ledgerFault("the run was reserved otherwise", about+" after "+k.reserved.Amount.String())
	case k.settled != nil && k.settled.Kind != m.Kind:
		return false, ledgerFault("the run was settled otherwise", about+" after "+string(k.settled.Kind))
	}
	return k.settled != nil, nil
}

// reservation returns what is known of a run, the entries of this change included.
func (b *book) reservation(run aigen.ID) (k booking) {
	if before, ok := b.known.bookings[run]; ok {
		k = *before
	}
	for i := range b.entries {
		if e := &b.entries[i]; e.RunID == run && e.ofRun() {
			k.add(&e.Movement)
		}
	}
	return k
}

func (b *book) granted(key grantKey) bool {
	for i := range b.entries {
		if e := &b.entries[i]; e.Kind == app.MovementGrant && e.UserID == key.user && e.reference == key.reference {
			return true
		}
	}
	return b.known.grants[key]
}

func (e entry) ofRun() bool { return e.Kind != app.MovementGrant && e.Kind != entryOpen }

// keepEntries takes over the entries of a change.
func (b *batch) keepEntries(entries []entry) {
	for i := range entries {
		e := &entries[i]
		switch {
		case e.ofRun():
			b.booking(e.RunID).add(&e.Movement)
		case e.Kind == app.MovementGrant:
			b.grants[grantKey{e.UserID, e.reference}] = true
		}
	}
	b.entries = append(b.entries, entries...)
}

func (b *batch) booking(run aigen.ID) *booking {
	k, ok := b.bookings[run]
	if !ok {
		k = new(booking)
		b.bookings[run] = k
	}
	return k
}

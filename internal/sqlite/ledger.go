package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

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

// Balance implements app.Ledger.
func (s *Store) Balance(ctx context.Context, user aigen.ID) (app.Balance, error) {
	var a account
	err := s.view(ctx, "balance", func(ctx context.Context, c *session) (err error) {
		a, err = loadAccount(ctx, c, user)
		return err
	})
	if !a.opened {
		a.balance = s.initial
	}
	return a.summary(), err
}

func (a *account) summary() app.Balance {
	return app.Balance{Balance: a.balance, Reserved: a.held, Available: a.balance - a.held}
}

// Grant implements app.Ledger. References are the user's own: the same campaign may
// give to many users under one name.
func (s *Store) Grant(
	ctx context.Context, user aigen.ID, amount aigen.Credits, reference string, now time.Time,
) (app.Balance, error) {
	if reference == "" {
		return app.Balance{}, ledgerFault("a grant needs a reference", "")
	}
	var a account
	err := s.write(ctx, "grant credits", func(ctx context.Context, c *session) (err error) {
		if a, err = loadAccount(ctx, c, user); err != nil {
			return err
		}
		l := book{c: c, initial: s.initial}
		m := app.Movement{Kind: app.MovementGrant, UserID: user, Amount: amount, At: now}
		if err := l.add(ctx, &a, m, reference); err != nil || len(l.entries) == 0 {
			return err
		}
		if _, err := c.execRows(ctx, insertEntry, entryRows(l.entries)); err != nil {
			return err
		}
		return saveAccounts(ctx, c, []*account{&a})
	})
	if err != nil {
		return app.Balance{}, err
	}
	return a.summary(), nil
}

// book takes the movements of one change. It reads and decides; the entries are written
// by whoever asked for them, when nothing can be refused any more.
type book struct {
	c       *session
	initial aigen.Credits
	known   []entry // decided before this change and not written yet
	entries []entry
	fresh   bool // a run to be reserved is new: the ledger is not asked for it
}

// add applies m to a. The error is an *aigen.Error: CodeInsufficientCredits, or
// CodeInternal for a movement that must not be.
func (b *book) add(ctx context.Context, a *account, m app.Movement, reference string) error {
	if m.Amount <= 0 || m.Amount > aigen.MaxCredits {
		return ledgerFault("an amount must be positive and within bounds", fmt.Sprintf("%s %s", m.Kind, m.Amount))
	}
	repeat, err := b.repeats(ctx, m, reference)
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
	b.entries = append(b.entries, entry{Movement: m, reference: reference, balance: a.balance, held: a.held})
	return nil
}

// repeats reports whether m was applied before; an error if what is known of its
// run does not allow it.
func (b *book) repeats(ctx context.Context, m app.Movement, reference string) (bool, error) {
	if m.Kind == app.MovementGrant {
		for _, list := range [][]entry{b.known, b.entries} {
			for i := range list {
				if e := &list[i]; e.Kind == app.MovementGrant && e.UserID == m.UserID && e.reference == reference {
					return true, nil
				}
			}
		}
		var one int
		return b.c.one(ctx, []any{&one},
			`SELECT 1 FROM ledger_entries WHERE user_id = ? AND reference = ? AND kind = 'grant'`, m.UserID[:], reference)
	}
	reserved, settled, err := b.reservation(ctx, m)
	if err != nil {
		return false, err
	}
	fault := func(why, after string) error {
		return ledgerFault(why, fmt.Sprintf("run %s: %s %s%s", m.RunID, m.Kind, m.Amount, after))
	}
	switch otherwise := reserved != nil && (reserved.Amount != m.Amount || reserved.UserID != m.UserID); {
	case otherwise:
		return false, fault("the run was reserved otherwise", " after "+reserved.Amount.String())
	case m.Kind == app.MovementReserve:
		return reserved != nil, nil
	case reserved == nil:
		return false, fault("the run was never reserved", "")
	case settled != nil && settled.Kind != m.Kind:
		return false, fault("the run was settled otherwise", " after "+string(settled.Kind))
	}
	return settled != nil, nil
}

// reservation returns the entries of m's run, those included that are not written yet.
func (b *book) reservation(ctx context.Context, m app.Movement) (reserved, settled *app.Movement, err error) {
	sort := func(m *app.Movement) {
		if m.Kind == app.MovementReserve {
			reserved = m
		} else {
			settled = m
		}
	}
	if !b.fresh || m.Kind != app.MovementReserve {
		const query = `SELECT kind, amount, user_id FROM ledger_entries WHERE run_id = ?`
		err = b.c.each(ctx, func(r *sql.Rows) error {
			m := &app.Movement{RunID: m.RunID}
			defer sort(m)
			return r.Scan((*string)(&m.Kind), (*int64)(&m.Amount), idColumn(&m.UserID))
		}, query, m.RunID[:])
	}
	for _, list := range [][]entry{b.known, b.entries} {
		for i := range list {
			if e := &list[i]; e.RunID == m.RunID && e.Kind != app.MovementGrant && e.Kind != entryOpen {
				sort(&e.Movement)
			}
		}
	}
	return reserved, settled, err
}

const insertEntry = `INSERT INTO ledger_entries
	(user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// entryRows makes rows for insertEntry.
func entryRows(entries []entry) []any {
	rows := make([]any, 0, 9*len(entries))
	for i := range entries {
		e := &entries[i]
		var run, reference any
		if e.Kind == app.MovementGrant {
			reference = e.reference
		} else {
			run = idArg(e.RunID)
		}
		rows = append(rows, e.UserID[:], string(e.Kind), int64(e.Amount), run, idArg(e.GenerationID), reference,
			int64(e.balance), int64(e.held), e.At.UnixMicro())
	}
	return rows
}

func insufficient(amount, available aigen.Credits) *aigen.Error {
	return &aigen.Error{
		Code:    aigen.CodeInsufficientCredits,
		Message: "You do not have enough credits for this. Add credits and try again.",
		Detail:  fmt.Sprintf("needs %s, available %s", amount, available),
	}
}

// ledgerFault is a movement that nobody should have asked for: a defect of ours.
func ledgerFault(why, about string) *aigen.Error {
	return &aigen.Error{
		Code: aigen.CodeInternal, Message: "The credits could not be booked.", Detail: why + ": " + about,
	}
}

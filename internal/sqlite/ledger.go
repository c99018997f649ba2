package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

// Balance implements app.Ledger.
func (s *Store) Balance(ctx context.Context, user aigen.ID) (app.Balance, error) {
	var a account
	err := s.view(ctx, "balance", func(ctx context.Context, c *session) (err error) {
		a, err = loadAccount(ctx, c, user)
		return err
	})
	if !a.Opened {
		a.Balance = s.initial
	}
	return a.summary(), err
}

func (a *account) summary() app.Balance {
	return app.Balance{Balance: a.Balance, Reserved: a.Held, Available: a.Balance - a.Held}
}

// Grant implements app.Ledger. References are the user's own: the same campaign may
// give to many users under one name.
func (s *Store) Grant(
	ctx context.Context, user aigen.ID, amount aigen.Credits, reference string, now time.Time,
) (app.Balance, error) {
	if reference == "" {
		return app.Balance{}, ledger.Fault("a grant needs a reference", "")
	}
	var a account
	err := s.write(ctx, "grant credits", func(ctx context.Context, c *session) (err error) {
		if a, err = loadAccount(ctx, c, user); err != nil {
			return err
		}
		l := postings{c: c, initial: s.initial}
		p := ledger.Posting{Kind: ledger.Grant, UserID: user, Amount: amount, At: now, Reference: reference}
		if err := l.add(ctx, &a, p); err != nil || len(l.entries) == 0 {
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

// postings applies the postings of one change. It reads and evaluates; the caller writes the
// entries when nothing can be rejected any more.
type postings struct {
	c       *session
	initial aigen.Credits
	known   []ledger.Entry // of changes before this one, not written yet
	entries []ledger.Entry
	fresh   bool // the run of a reservation is new, so it is not looked up
}

func (b *postings) add(ctx context.Context, a *account, p ledger.Posting) error {
	h, err := b.history(ctx, p)
	if err != nil {
		return err
	}
	entries, err := ledger.Post(&a.Account, b.initial, h, p)
	b.entries = append(b.entries, entries...)
	return err
}

// history is what the ledger knows of a posting's run or grant, the entries included that are
// not written yet.
func (b *postings) history(ctx context.Context, p ledger.Posting) (h ledger.History, err error) {
	switch {
	case p.Kind == ledger.Grant:
		var one int
		h.Granted, err = b.c.one(ctx, []any{&one},
			`SELECT 1 FROM ledger_entries WHERE user_id = ? AND reference = ? AND kind = 'grant'`, p.UserID[:], p.GrantReference())
	case !b.fresh || p.Kind != ledger.Reserve:
		err = b.c.each(ctx, func(r *sql.Rows) error {
			of := &ledger.Posting{RunID: p.RunID}
			if err := r.Scan((*string)(&of.Kind), (*int64)(&of.Amount), idColumn(&of.UserID)); err != nil {
				return err
			}
			h.Add(of)
			return nil
		}, `SELECT kind, amount, user_id FROM ledger_entries WHERE run_id = ?`, p.RunID[:])
	}
	h.AddEntries(b.known, p)
	h.AddEntries(b.entries, p)
	return h, err
}

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

// Balance implements app.Ledger.
func (s *Store) Balance(ctx context.Context, user aigen.ID) (app.Balance, error) {
	a := account{user: user}
	_, err := s.one(ctx, "balance", func(r pgx.Rows) error { return a.scan(r) }, selectAccount, idArg(user))
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
	p := ledger.Posting{Kind: ledger.Grant, UserID: user, Amount: amount, At: now, Reference: reference}
	var a *account
	err := s.write(ctx, "grant credits", func(ctx context.Context, t *tx) error {
		b := newBatch(s.initial, nil, true)
		need := needs{users: []aigen.ID{user}, grants: []grantKey{{user, reference}}}
		b.readRows(t, need)
		if err := t.send(ctx); err != nil {
			return err
		}
		e := evaluation{b: b}
		a = e.account(user)
		if err := e.post(p); err != nil || len(e.entries) == 0 {
			return err
		}
		a.changed = true
		b.accounts[user] = a
		b.keepEntries(e.entries)
		b.write(t)
		return t.commit(ctx)
	})
	if err != nil {
		return app.Balance{}, err
	}
	return a.summary(), nil
}

const selectAccount = `SELECT ` + accountColumns + ` FROM accounts WHERE user_id = $1::uuid`

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

const selectPostings = `SELECT run_id, kind, amount, user_id FROM ledger_entries WHERE run_id = ANY ($1::uuid[]) AND run_id IS NOT NULL`

const selectGrants = `SELECT e.user_id, reference(e) FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS reference) n
JOIN ledger_entries e ON e.user_id = n.user_id AND e.reference = n.reference AND e.kind = 'grant'`

const insertEntries = `INSERT INTO ledger_entries
	(user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::text[]),
	unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::timestamptz[])`

// reference is the column of an entry: "" but for a grant.
func reference(e ledger.Entry) string {
	if e.Kind == ledger.Grant {
		return e.GrantReference()
	}
	return ""
}

func (t *tx) queueEntries(rows []ledger.Entry) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertEntries,
		uuids(rows, func(e ledger.Entry) aigen.ID { return e.UserID }),
		texts(rows, func(e ledger.Entry) string { return string(e.Kind) }),
		integers(rows, func(e ledger.Entry) int64 { return int64(e.Amount) }),
		uuids(rows, func(e ledger.Entry) aigen.ID {
			if e.OfRun() {
				return e.RunID
			}
			return aigen.ID{}
		}),
		uuids(rows, func(e ledger.Entry) aigen.ID { return e.GenerationID }),
		optional(rows, reference),
		integers(rows, func(e ledger.Entry) int64 { return int64(e.Balance) }),
		integers(rows, func(e ledger.Entry) int64 { return int64(e.Held) }),
		times(rows, func(e ledger.Entry) time.Time { return e.At }))
}

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// Balance implements app.Ledger.
func (s *Store) Balance(ctx context.Context, user aigen.ID) (app.Balance, error) {
	a := account{user: user}
	_, err := s.one(ctx, "balance", func(r pgx.Rows) error { return a.scan(r) }, selectAccount, idArg(user))
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
	m := app.Movement{Kind: app.MovementGrant, UserID: user, Amount: amount, At: now}
	var a *account
	err := s.write(ctx, "grant credits", func(ctx context.Context, t *tx) error {
		b := newBatch(s.initial, nil, true)
		need := needs{users: []aigen.ID{user}, grants: []grantKey{{user, reference}}}
		b.readRows(t, need)
		if err := t.send(ctx); err != nil {
			return err
		}
		st := evaluation{b: b, book: book{initial: s.initial, known: b}}
		a = st.account(user)
		if err := st.book.add(a, m, reference); err != nil || len(st.book.entries) == 0 {
			return err
		}
		a.changed = true
		b.accounts[user] = a
		b.keepEntries(st.book.entries)
		b.write(t)
		return t.commit(ctx)
	})
	if err != nil {
		return app.Balance{}, err
	}
	return a.summary(), nil
}

const selectBookings = `SELECT run_id, kind, amount, user_id FROM ledger_entries WHERE run_id = ANY ($1::uuid[]) AND run_id IS NOT NULL`

const selectGrants = `SELECT e.user_id, e.reference FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS reference) n
JOIN ledger_entries e ON e.user_id = n.user_id AND e.reference = n.reference AND e.kind = 'grant'`

const insertEntries = `INSERT INTO ledger_entries
	(user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::text[]),
	unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::timestamptz[])`

func (t *tx) queueEntries(rows []entry) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertEntries,
		uuids(rows, func(e entry) aigen.ID { return e.UserID }),
		texts(rows, func(e entry) string { return string(e.Kind) }),
		integers(rows, func(e entry) int64 { return int64(e.Amount) }),
		uuids(rows, func(e entry) aigen.ID {
			if e.ofRun() {
				return e.RunID
			}
			return aigen.ID{}
		}),
		uuids(rows, func(e entry) aigen.ID { return e.GenerationID }),
		optional(rows, func(e entry) string { return e.reference }),
		integers(rows, func(e entry) int64 { return int64(e.balance) }),
		integers(rows, func(e entry) int64 { return int64(e.held) }),
		times(rows, func(e entry) time.Time { return e.At }))
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

package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
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
		need := needs{users: ids{user}, grantUsers: ids{user}, grantReferences: texts{reference}}
		b.readRows(t, need)
		if err := t.send(ctx); err != nil {
			return err
		}
		st := step{b: b, book: book{initial: s.initial, known: b}}
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

const selectGrants = `SELECT e.user_id, e.reference FROM unnest($1::uuid[], $2::text[]) AS n (user_id, reference)
JOIN ledger_entries e ON e.user_id = n.user_id AND e.reference = n.reference AND e.kind = 'grant'`

const insertEntries = `INSERT INTO ledger_entries (user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)
SELECT user_id, kind, amount, run_id, generation_id, nullif(reference, ''), balance_after, held_after, at
FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::uuid[], $6::text[], $7::bigint[], $8::bigint[], $9::timestamptz[])
	AS n (user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)`

// entryRows are the arguments of insertEntries.
type entryRows struct {
	users                   ids
	kinds                   texts
	amounts                 numbers
	runs, generations       ids
	references              texts
	balanceAfter, heldAfter numbers
	at                      times
}

func (r *entryRows) add(e *entry) {
	run, reference := e.RunID, ""
	if e.Kind == app.MovementGrant {
		run, reference = aigen.ID{}, e.reference
	}
	r.users = append(r.users, e.UserID)
	r.kinds = append(r.kinds, string(e.Kind))
	r.amounts = append(r.amounts, int64(e.Amount))
	r.runs = append(r.runs, run)
	r.generations = append(r.generations, e.GenerationID)
	r.references = append(r.references, reference)
	r.balanceAfter = append(r.balanceAfter, int64(e.balance))
	r.heldAfter = append(r.heldAfter, int64(e.held))
	r.at = append(r.at, e.At)
}

func (r *entryRows) queue(t *tx) {
	if len(r.users) > 0 {
		t.queue(insertEntries, r.users, r.kinds, r.amounts, r.runs, r.generations, r.references, r.balanceAfter, r.heldAfter, r.at)
	}
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

package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
)

// account is a row of the table accounts: the ledger's account of a user, and the
// counter for the positions of the user's events.
type account struct {
	ledger.Account // Opened is false where the row is there for the counter alone

	user     aigen.ID
	position int64

	stored  bool // there is a row
	changed bool
}

// account returns a copy for the change at hand.
func (s *evaluation) account(user aigen.ID) *account {
	for _, own := range s.accounts {
		if own.user == user {
			return own
		}
	}
	own := &account{user: user}
	if before, ok := s.b.accounts[user]; ok {
		*own = *before
	}
	s.accounts = append(s.accounts, own)
	return own
}

const accountColumns = `user_id, balance IS NOT NULL, coalesce(balance, 0), held, event_position`

const selectAccount = `SELECT ` + accountColumns + ` FROM accounts WHERE user_id = $1::uuid`

// lockAccounts comes first of all locks. Positions have no gaps and grow in the
// order of commits, since the row is locked from here to the commit, whichever
// replica: who has seen position n will see nothing before it later.
//
// A user who has no row has nothing to lock. If two are to write it, the second runs
// into its key and is done again.
const lockAccounts = `SELECT ` + accountColumns + ` FROM accounts WHERE user_id = ANY ($1::uuid[]) ORDER BY user_id FOR NO KEY UPDATE`

func (a *account) scan(r pgx.Row) error {
	a.stored = true
	return r.Scan((*idColumn)(&a.user), &a.Opened, (*int64)(&a.Balance), (*int64)(&a.Held), &a.position)
}

const (
	insertAccounts = `INSERT INTO accounts (user_id, balance, held, event_position)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[])`
	updateAccounts = `UPDATE accounts a SET balance = n.balance, held = n.held, event_position = n.event_position
FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::bigint[]) AS balance, unnest($3::bigint[]) AS held,
	unnest($4::bigint[]) AS event_position) n
WHERE a.user_id = n.user_id`
)

// queueAccounts queues insertAccounts or updateAccounts.
func (t *tx) queueAccounts(sql string, rows []*account) {
	if len(rows) > 0 {
		t.queue(sql, append([]any{uuids(rows, func(a *account) aigen.ID { return a.user })}, accountState(rows)...)...)
	}
}

// accountState is the columns that change.
func accountState(rows []*account) []any {
	return []any{
		integers(rows, func(a *account) int64 {
			if !a.Opened {
				return none
			}
			return int64(a.Balance)
		}),
		integers(rows, func(a *account) int64 { return int64(a.Held) }),
		integers(rows, func(a *account) int64 { return a.position }),
	}
}

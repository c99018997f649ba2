package postgres

import (
	"github.com/jackc/pgx/v5"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// account is a row of the table accounts: the ledger's account of a user, and the
// counter for the positions of the user's events.
type account struct {
	user     aigen.ID
	opened   bool // by the ledger; else the row is there for the counter alone
	balance  aigen.Credits
	held     aigen.Credits
	position int64

	stored  bool // there is a row
	changed bool
}

// account returns a copy for the change at hand.
func (s *step) account(user aigen.ID) *account {
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
	return r.Scan((*idColumn)(&a.user), &a.opened, (*int64)(&a.balance), (*int64)(&a.held), &a.position)
}

const (
	insertAccounts = `INSERT INTO accounts (user_id, balance, held, event_position)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[])`
	updateAccounts = `UPDATE accounts a SET balance = n.balance, held = n.held, event_position = n.event_position
FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n (user_id, balance, held, event_position)
WHERE a.user_id = n.user_id`
)

// accountRows are arguments of insertAccounts and updateAccounts.
type accountRows struct {
	users                    ids
	balances, held, position numbers
}

func (r *accountRows) add(a *account) {
	r.users = append(r.users, a.user)
	balance := int64(null)
	if a.opened {
		balance = int64(a.balance)
	}
	r.balances = append(r.balances, balance)
	r.held = append(r.held, int64(a.held))
	r.position = append(r.position, a.position)
}

func (r *accountRows) queue(t *tx, sql string) {
	if len(r.users) > 0 {
		t.queue(sql, r.users, r.balances, r.held, r.position)
	}
}

package sqlite

import (
	"context"
	"database/sql"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

// account is a row of the table accounts: the ledger's account of a user, and the
// counter for the positions of the user's events.
type account struct {
	ledger.Account // Opened is false where the row is there for the counter alone

	user     aigen.ID
	position int64
}

// accounts are those that a batch of changes has touched. They are read once,
// changed in memory and written once: the write lock is ours, nobody else can
// change them meanwhile. A change works on copies, so that one that is refused
// leaves nothing behind.
type accounts struct {
	c      *session
	stored map[aigen.ID]account  // as they were read
	batch  map[aigen.ID]*account // as the changes so far have left them
	order  []*account            // the same, as they came: rows are written in that order
	ours   []*account            // copies that the change at hand works on
}

func newAccounts(c *session) *accounts {
	return &accounts{c: c, stored: map[aigen.ID]account{}, batch: map[aigen.ID]*account{}}
}

// get returns the account for the change at hand to change. It was read.
func (a *accounts) get(user aigen.ID) *account {
	for _, own := range a.ours {
		if own.user == user {
			return own
		}
	}
	own := new(account)
	if before, ok := a.batch[user]; ok {
		*own = *before
	} else {
		*own = a.stored[user]
	}
	a.ours = append(a.ours, own)
	return own
}

// keep takes over what the change at hand has done.
func (a *accounts) keep() {
	for _, own := range a.ours {
		if before, ok := a.batch[own.user]; ok {
			*before = *own
			continue
		}
		a.batch[own.user] = own
		a.order = append(a.order, own)
	}
	a.ours = a.ours[:0]
}

// drop forgets what the change at hand has done.
func (a *accounts) drop() { a.ours = a.ours[:0] }

// save writes what was kept.
func (a *accounts) save(ctx context.Context) error { return saveAccounts(ctx, a.c, a.order) }

// read gets the accounts that changes are about to ask for, many in a query. Those that
// are not there yet are known as new.
func (a *accounts) read(ctx context.Context, changes []*app.Change) error {
	var users []aigen.ID
	add := func(user aigen.ID) {
		if _, ok := a.stored[user]; !ok {
			a.stored[user] = account{user: user}
			users = append(users, user)
		}
	}
	for _, ch := range changes {
		for i := range ch.Postings {
			add(ch.Postings[i].UserID)
		}
		if len(ch.Events) > 0 && !ch.Discard {
			add(ch.Generation.UserID)
		}
	}
	for len(users) > 0 {
		n := min(len(users), accountsAtOnce)
		if err := a.readSome(ctx, users[:n]); err != nil {
			return err
		}
		users = users[n:]
	}
	return nil
}

// readSome takes up to accountsAtOnce users.
func (a *accounts) readSome(ctx context.Context, users []aigen.ID) error {
	query, args := selectAccounts, make([]any, accountsAtOnce)
	if len(users) == 1 {
		query, args = selectAccount, args[:1]
	}
	for i := range args {
		args[i] = users[min(i, len(users)-1)][:] // the last one fills up the rest
	}
	return a.c.each(ctx, func(r *sql.Rows) error {
		var row account
		err := scanAccount(r, &row)
		a.stored[row.user] = row
		return err
	}, query, args...)
}

const selectAccount = `SELECT user_id, balance IS NOT NULL, coalesce(balance, 0), held, event_position FROM accounts
WHERE user_id = ?`

const accountsAtOnce = 8

const selectAccounts = selectAccount + ` OR user_id = ? OR user_id = ? OR user_id = ? OR user_id = ? OR user_id = ? OR user_id = ? OR user_id = ?`

func scanAccount(r *sql.Rows, a *account) error {
	return r.Scan(idColumn(&a.user), &a.Opened, (*int64)(&a.Balance), (*int64)(&a.Held), &a.position)
}

func loadAccount(ctx context.Context, c *session, user aigen.ID) (account, error) {
	a := account{user: user}
	err := c.each(ctx, func(r *sql.Rows) error { return scanAccount(r, &a) }, selectAccount, user[:])
	return a, err
}

func saveAccounts(ctx context.Context, c *session, list []*account) error {
	const query = `INSERT INTO accounts (user_id, balance, held, event_position) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id) DO UPDATE SET
	balance = excluded.balance, held = excluded.held, event_position = excluded.event_position`
	rows := make([]any, 0, 4*len(list))
	for _, a := range list {
		var balance any
		if a.Opened {
			balance = int64(a.Balance)
		}
		rows = append(rows, a.user[:], balance, int64(a.Held), a.position)
	}
	_, err := c.execRows(ctx, query, rows)
	return err
}

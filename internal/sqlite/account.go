package sqlite

import (
	"context"

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
}

// accounts are those that a batch of changes has touched. They are read once,
// changed in memory and written once: the write lock is ours, nobody else can
// change them meanwhile. A change works on copies, so that one that is refused
// leaves nothing behind.
type accounts struct {
	c     *session
	batch map[aigen.ID]*account // as the changes so far have left them
	order []*account            // the same, as they came: rows are written in that order
	ours  []*account            // copies that the change at hand works on
}

func newAccounts(c *session) *accounts {
	return &accounts{c: c, batch: map[aigen.ID]*account{}}
}

// get returns the account for the change at hand to change.
func (a *accounts) get(ctx context.Context, user aigen.ID) (*account, error) {
	for _, own := range a.ours {
		if own.user == user {
			return own, nil
		}
	}
	own := &account{user: user}
	if before, ok := a.batch[user]; ok {
		*own = *before
	} else {
		var err error
		if *own, err = loadAccount(ctx, a.c, user); err != nil {
			return nil, err
		}
	}
	a.ours = append(a.ours, own)
	return own, nil
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
func (a *accounts) save(ctx context.Context) error {
	for _, row := range a.order {
		if err := saveAccount(ctx, a.c, row); err != nil {
			return err
		}
	}
	return nil
}

func loadAccount(ctx context.Context, c *session, user aigen.ID) (account, error) {
	const query = `SELECT balance IS NOT NULL, coalesce(balance, 0), held, event_position FROM accounts WHERE user_id = ?`
	a := account{user: user}
	_, err := c.one(ctx, []any{&a.opened, (*int64)(&a.balance), (*int64)(&a.held), &a.position}, query, user[:])
	return a, err
}

func saveAccount(ctx context.Context, c *session, a *account) error {
	const query = `INSERT INTO accounts (user_id, balance, held, event_position) VALUES (?, ?, ?, ?)
ON CONFLICT (user_id) DO UPDATE SET
	balance = excluded.balance, held = excluded.held, event_position = excluded.event_position`
	var balance any
	if a.opened {
		balance = int64(a.balance)
	}
	_, err := c.exec(ctx, query, a.user[:], balance, int64(a.held), a.position)
	return err
}

package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

// needs names the rows that a batch has to know. A row that several changes name
// may be in it several times.
type needs struct {
	users       []aigen.ID // of accounts
	generations []aigen.ID
	manyRuns    []aigen.ID // generations of which the open runs are wanted
	runs        []aigen.ID // of which the reservation is wanted
	grants      []grantKey
	keys        []userKey
	externals   []userKey // external ids of new generations
}

// read queues what locks and reads.
func (b *batch) read(t *tx) {
	var n needs
	for i := range b.encoded {
		n.add(b.encoded[i].change, b.thorough)
	}
	b.readRows(t, n)
}

func (n *needs) add(ch *app.Change, thorough bool) {
	g := ch.Generation
	if len(ch.Events) > 0 && !ch.Discard {
		n.users = append(n.users, g.UserID)
	}
	fresh := ch.From == 0 && !thorough
	if !fresh {
		n.generations = append(n.generations, g.ID)
	}
	if ch.From > 0 && len(g.Runs) > 1 && !ch.Discard {
		n.manyRuns = append(n.manyRuns, g.ID)
	}
	for _, m := range ch.Postings {
		n.users = append(n.users, m.UserID)
		switch {
		case m.Kind == ledger.Grant:
			n.grants = append(n.grants, grantKey{m.UserID, m.GrantReference()})
		case m.Kind != ledger.Reserve || !fresh:
			n.runs = append(n.runs, m.RunID)
		}
	}
	if ch.ForgetKey != "" {
		n.keys = append(n.keys, userKey{g.UserID, ch.ForgetKey})
	}
	if ch.From == 0 && g.Options.ExternalID != "" {
		n.externals = append(n.externals, userKey{g.UserID, textArg(g.Options.ExternalID)})
	}
	if ch.Record != nil {
		n.keys = append(n.keys, userKey{ch.Record.UserID, ch.Record.Key})
	}
}

// readRows queues the queries; what is locked, in the order that all keep to:
// accounts, generations, keys, each by id. So no two wait for each other.
func (b *batch) readRows(t *tx, n needs) {
	if len(n.users) > 0 {
		t.queue(lockAccounts, ids(n.users)).Query(each(b.readAccount))
	}
	if len(n.generations) > 0 {
		t.queue(lockGenerations, ids(n.generations)).Query(each(b.readGeneration))
	}
	if len(n.keys) > 0 {
		t.queue(lockKeys, keyUsers(n.keys), keyTexts(n.keys)).Query(each(b.readKey))
	}
	// After the locks, each query with a snapshot of its own: what is read below was
	// committed by those who had the locks before.
	if len(n.externals) > 0 {
		t.queue(selectExternals, keyUsers(n.externals), keyTexts(n.externals)).Query(each(b.readExternal))
	}
	if len(n.manyRuns) > 0 {
		t.queue(selectOpenRuns, ids(n.manyRuns)).Query(each(b.readOpenRun))
	}
	if len(n.runs) > 0 {
		t.queue(selectPostings, ids(n.runs)).Query(each(b.readPosting))
	}
	if len(n.grants) > 0 {
		users := uuids(n.grants, func(g grantKey) aigen.ID { return g.user })
		references := texts(n.grants, func(g grantKey) string { return g.reference })
		t.queue(selectGrants, users, references).Query(each(b.readGrant))
	}
}

// load locks and reads what the changes touch.
func (b *batch) load(ctx context.Context, t *tx) error {
	b.read(t)
	if err := t.send(ctx); err != nil {
		return err
	}
	if !anyUnknown(b.encoded) {
		return nil
	}
	b.findCommitted(t)
	return t.send(ctx)
}

// lockAccounts comes first of all locks. Positions have no gaps and grow in the
// order of commits, since the row is locked from here to the commit, whichever
// replica: who has seen position n will see nothing before it later.
//
// A user who has no row has nothing to lock. If two are to write it, the second runs
// into its key and is done again.
const lockAccounts = `SELECT ` + accountColumns + ` FROM accounts WHERE user_id = ANY ($1::uuid[]) ORDER BY user_id FOR NO KEY UPDATE`

const accountColumns = `user_id, balance IS NOT NULL, coalesce(balance, 0), held, event_position`

func (a *account) scan(r pgx.Row) error {
	a.stored = true
	return r.Scan((*idColumn)(&a.user), &a.Opened, (*int64)(&a.Balance), (*int64)(&a.Held), &a.position)
}

func (b *batch) readAccount(r pgx.Rows) error {
	a := new(account)
	err := a.scan(r)
	b.accounts[a.user] = a
	return err
}

// lockGenerations comes after the accounts. NO KEY: what refers to a generation may
// be written meanwhile.
const lockGenerations = `SELECT id, version, status FROM generations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`

func (b *batch) readGeneration(r pgx.Rows) error {
	var id aigen.ID
	var version int64
	var status string
	err := r.Scan((*idColumn)(&id), &version, &status)
	g := b.generation(id)
	g.stored, g.version, g.status = version, version, aigen.Status(status)
	return err
}

// lockKeys comes last of all locks.
const lockKeys = `SELECT k.user_id, k.key, k.expires_at, k.run_id FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS key) n
JOIN idempotency_keys k ON k.user_id = n.user_id AND k.key = n.key ORDER BY k.user_id, k.key FOR UPDATE OF k`

func (b *batch) readKey(r pgx.Rows) error {
	var key userKey
	k := &keyState{stored: true}
	err := r.Scan((*idColumn)(&key.user), &key.key, (*timeColumn)(&k.expires), (*idColumn)(&k.run))
	b.keys[key] = k
	return err
}

func (b *batch) readExternal(r pgx.Rows) error {
	var key userKey
	var id aigen.ID
	err := r.Scan((*idColumn)(&key.user), &key.key, (*idColumn)(&id))
	b.externals[key] = id
	return err
}

// selectOpenRuns finds the runs that may still change.
const selectOpenRuns = `SELECT generation_id, number FROM runs
WHERE generation_id = ANY ($1::uuid[]) AND reservation IN ('pending', 'held', 'releasing')`

func (b *batch) readOpenRun(r pgx.Rows) error {
	var id aigen.ID
	var number int
	err := r.Scan((*idColumn)(&id), &number)
	g := b.generation(id)
	if !slices.Contains(g.open, number) {
		g.open = append(g.open, number)
	}
	return err
}

const selectPostings = `SELECT run_id, kind, amount, user_id FROM ledger_entries WHERE run_id = ANY ($1::uuid[]) AND run_id IS NOT NULL`

func (b *batch) readPosting(r pgx.Rows) error {
	m := new(ledger.Posting)
	err := r.Scan((*idColumn)(&m.RunID), (*string)(&m.Kind), (*int64)(&m.Amount), (*idColumn)(&m.UserID))
	b.run(m.RunID).Add(m)
	return err
}

const selectGrants = `SELECT e.user_id, reference(e) FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS reference) n
JOIN ledger_entries e ON e.user_id = n.user_id AND e.reference = n.reference AND e.kind = 'grant'`

func (b *batch) readGrant(r pgx.Rows) error {
	var key grantKey
	err := r.Scan((*idColumn)(&key.user), &key.reference)
	b.grants[key] = true
	return err
}

package postgres

import (
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

func (b *batch) readAccount(r pgx.Rows) error {
	a := new(account)
	err := a.scan(r)
	b.accounts[a.user] = a
	return err
}

func (b *batch) readGeneration(r pgx.Rows) error {
	var id aigen.ID
	var version int64
	var status string
	err := r.Scan((*idColumn)(&id), &version, &status)
	g := b.generation(id)
	g.stored, g.version, g.status = version, version, aigen.Status(status)
	return err
}

func (b *batch) readKey(r pgx.Rows) error {
	var key userKey
	k := &keyState{stored: true}
	err := r.Scan((*idColumn)(&key.user), &key.key, (*timeColumn)(&k.expires), (*idColumn)(&k.run))
	b.keys[key] = k
	return err
}

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

func (b *batch) readPosting(r pgx.Rows) error {
	m := new(ledger.Posting)
	err := r.Scan((*idColumn)(&m.RunID), (*string)(&m.Kind), (*int64)(&m.Amount), (*idColumn)(&m.UserID))
	b.run(m.RunID).Add(m)
	return err
}

func (b *batch) readGrant(r pgx.Rows) error {
	var key grantKey
	err := r.Scan((*idColumn)(&key.user), &key.reference)
	b.grants[key] = true
	return err
}

package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/ledger"
)

// errNotNew is returned when a generation or a run that was taken for new is in the
// database already.
var errNotNew = errors.New("what was taken for new is there already")

// pending holds rows that a batch has decided on and not written yet: written
// together they share statements. What it holds is not seen by queries; who is about
// to ask for it writes first.
type pending struct {
	c        *session
	ids      []aigen.ID     // of the generations that have rows here
	statuses []aigen.Status // of those that are new

	generations, runs, events, deliveries []any // columns, one row after the other
	entries                               []ledger.Entry
}

// full is a bound on what is looked through for each change.
func (p *pending) full() bool { return len(p.ids) >= 64 }

func (p *pending) has(generation aigen.ID) bool {
	for _, id := range p.ids {
		if id == generation {
			return true
		}
	}
	return false
}

// save writes the rows, those first that others refer to. A table's rows are written
// in the order in which they came.
func (p *pending) save(ctx context.Context) error {
	n, err := p.c.execRows(ctx, insertGeneration, p.generations)
	if err != nil {
		return fmt.Errorf("generations: %w", err)
	}
	if n != int64(len(p.statuses)) {
		return errNotNew
	}
	if err := countGenerations(ctx, p.c, p.statuses); err != nil {
		return err
	}
	for _, table := range []struct {
		of    string
		query string
		rows  []any
	}{
		{"runs", insertRun, p.runs},
		{"events", insertEvent, p.events},
		{"deliveries", insertDelivery, p.deliveries},
		{"ledger entries", insertEntry, entryRows(p.entries)},
	} {
		if _, err := p.c.execRows(ctx, table.query, table.rows); err != nil {
			return fmt.Errorf("%s: %w", table.of, err)
		}
	}
	p.drop()
	return nil
}

// drop forgets the rows and keeps the room they took.
func (p *pending) drop() {
	p.ids, p.statuses, p.entries = p.ids[:0], p.statuses[:0], p.entries[:0]
	p.generations, p.runs, p.events, p.deliveries = p.generations[:0], p.runs[:0], p.events[:0], p.deliveries[:0]
}

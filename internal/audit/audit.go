// Package audit is what the audits of both stores have in common: which tables are
// counted, how a breach of each rule is described, and the order of the report. The
// queries are the store's, each in its dialect.
package audit

import (
	"fmt"

	"github.com/creativeflow/aigen"
)

// How breaches are described: the format for SQL's function of that name, with a verb for
// each value that a query gives it.
const (
	// AccountSum is that an account is the sum of its entries.
	AccountSum = `account has balance %s, held %s; its entries make %s, %s`
	// LastEntry is that the last entry of an account says what the account says.
	LastEntry = `account has balance %s, held %s; its last entry says %s, %s`
	// RunSettled is that a run which the ledger has reserved is held, or settled as the
	// ledger says. With a remote credit service runs have no entries.
	RunSettled = `run %s is %s; in the ledger it is deducted: %s, refunded: %s`
	// LogEnd is that the log of a generation ends where the generation says.
	LogEnd = `generation %s has its last event at %s; its log ends at %s`
	// RunOrphan and EventOrphan are that runs and events have a generation.
	RunOrphan   = `run %s has no generation`
	EventOrphan = `event %s of generation %s has no generation`
	// Positions is that the positions of a user's events run from 1 to the counter. Those
	// that are missing are as many as were removed with their generations.
	Positions = `%s events, and %s removed, end at position %s; the counter says %s`
	// StatusCount is that the counters of statuses are the numbers of rows. It has no user.
	StatusCount = `%s generations are %s, counted as %s`
)

// Source is a database at one moment. Its methods may read at once, or note what is to be
// read.
type Source interface {
	// Count counts the rows of a table.
	Count(table string, put func(n int64)) error
	// Breaches runs a query whose rows are a user and a description.
	Breaches(query string, put func(user aigen.ID, description string)) error
}

// Report is what an audit has found.
type Report struct {
	Rows   map[string]int64 // in each table
	Faults []string         // breaches of what must always hold
}

// Read begins the report anew.
func (r *Report) Read(s Source, queries []string) error {
	*r = Report{Rows: map[string]int64{}}
	for _, table := range []string{
		"generations", "runs", "events", "deliveries", "accounts", "ledger_entries", "idempotency_keys",
	} {
		if err := s.Count(table, func(n int64) { r.Rows[table] = n }); err != nil {
			return err
		}
	}
	for _, query := range queries {
		err := s.Breaches(query, func(user aigen.ID, description string) {
			r.Faults = append(r.Faults, fmt.Sprintf("user %s: %s", user, description))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

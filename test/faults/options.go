package faults

import (
	"database/sql"
	"io"
	"time"
)

// Store is the database of a run.
type Store string

// The stores. With PostgreSQL go three replicas, RabbitMQ, Redis and a credit service;
// with SQLite one replica, jobs by webhook and the embedded ledger.
const (
	PostgreSQL Store = "postgres"
	SQLite     Store = "sqlite"
)

// Options of a run. Zero values get the defaults.
type Options struct {
	Store   Store
	Seconds int       // how long faults are injected
	Seed    uint64    // of the schedule, of what people do and of what the engine does
	People  int       // each works on Slots generations at a time
	Slots   int       // default 10
	Calm    bool      // no faults: for a look at the instrument itself
	Only    []Kind    // of the schedule's faults; default all
	Folder  string    // for logs and databases; default a temporary one, removed after a good run
	Out     io.Writer // progress and the verdict
	Stories int       // how many offending generations are told; default 10

	// autopsy looks at the database and the evidence after the verdict, for tests of the
	// judge.
	autopsy func(db *sql.DB, ev *Observations)
}

// How long the stages and calls may take in a run: short, so that what never comes is
// missed within it.
const (
	stageTimeout     = 20 * time.Second
	selectionTimeout = 12 * time.Second // SQLite only; with PostgreSQL people may wait for ever
	odooTimeout      = time.Second
	callTimeout      = 8 * time.Second // of people and of the engine
	settleAtMost     = 4 * time.Minute
	attemptsAtMost   = 3
)

func (o *Options) setDefaults() {
	if o.Store == "" {
		o.Store = PostgreSQL
	}
	if o.Seconds <= 0 {
		o.Seconds = 600
	}
	if o.People <= 0 {
		o.People = map[Store]int{PostgreSQL: 24, SQLite: 8}[o.Store]
	}
	if o.Slots <= 0 {
		o.Slots = 10
	}
	if o.Stories <= 0 {
		o.Stories = 10
	}
	if o.Out == nil {
		o.Out = io.Discard
	}
}

func (o *Options) replicas() int {
	if o.Store == SQLite {
		return 1
	}
	return 3
}

func (o *Options) duration() time.Duration { return time.Duration(o.Seconds) * time.Second }

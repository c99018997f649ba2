package faults

import (
	"bytes"
	"database/sql"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// seconds is how long the runs of `make test` inject faults.
func seconds(t *testing.T, usual int) int {
	s := os.Getenv("AIGEN_FAULTS_SECONDS")
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	require.NoError(t, err, "AIGEN_FAULTS_SECONDS")
	return n
}

// The same seeds each time: what failed here fails again. `make faults` is the long run.
func TestFaultsPostgreSQL(t *testing.T) { //nolint:paralleltest // one after the other: two runs at once would starve each other
	if testing.Short() {
		t.Skip("a run takes minutes")
	}
	n := seconds(t, 60)
	res := judged(t, Options{Store: PostgreSQL, Seconds: n, Seed: 20261125}, corruptPostgreSQL)
	require.Positive(t, res.Faults, "faults")
	require.Positive(t, res.Generations, "generations, also where the machine is busy")
}

func TestFaultsSQLite(t *testing.T) { //nolint:paralleltest // as above
	if testing.Short() {
		t.Skip("a run takes minutes")
	}
	n := seconds(t, 30)
	res := judged(t, Options{Store: SQLite, Seconds: n, Seed: 20261126}, corruptSQLite)
	require.Positive(t, res.Faults, "faults")
	require.Positive(t, res.Generations, "generations")
}

// judged does a run that must be without violations, and corrupts its database after
// that: each corruption must be noticed.
func judged(t *testing.T, o Options, corruptions []corruption) *Result {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	o.autopsy = func(db *sql.DB, ev *Observations) { autopsy(t, db, ev, corruptions) }
	res, err := Run(t.Context(), o)
	require.NoError(t, err, out.String())
	require.Empty(t, res.Violations, out.String())
	t.Log(res.Summary())
	return res
}

// corruption is SQL that breaks a promise in the database itself, behind the service's
// back and that of the schema's own guards.
type corruption struct{ name, rule, query string }

// one picks a generation that has all there is.
const one = `(SELECT id FROM generations WHERE status = 'Completed' ORDER BY id LIMIT 1)`

var corruptPostgreSQL = []corruption{
	{"an event is gone", RuleLog, `DELETE FROM events WHERE generation_id = ` + one + ` AND seq = 2`},
	{"a status changed", RuleLog, `UPDATE generations SET status = 'Cancelled' WHERE id = ` + one},
	{"a deduction became a refund", RuleCredits, `UPDATE runs SET reservation = 'refunded' WHERE generation_id = ` + one + ` AND number = 1`},
	{"an amount changed", RuleCredits, `UPDATE runs SET amount = amount + 1 WHERE generation_id = ` + one + ` AND number = 1`},
	{"a job is gone", RuleJobs, `UPDATE runs SET jobs = '[]' WHERE generation_id = ` + one + ` AND number = 1`},
	{"a job that never was", RuleJobs, `UPDATE runs SET jobs = (jobs::jsonb || '[{"id": "11111111-1111-4111-8111-111111111111", "attempt": 9, "state": "dropped", "report": ""}]')::text
		WHERE generation_id = ` + one + ` AND number = 1`},
	{"a key is gone", RulePromises, `DELETE FROM idempotency_keys WHERE generation_id = ` + one},
	{"a generation is gone", RulePromises, `DELETE FROM generations WHERE id = ` + one},
	{"a row in the outbox", RuleSettled, `INSERT INTO deliveries (id, lane, kind, user_id, generation_id, state, attempts, available_at, last_error, created_at, trace)
		SELECT id, 'notifications', 'notify', user_id, id, 'waiting', 0, now(), '', now(), '' FROM generations WHERE id = ` + one},
	{"a counter is ahead", RuleLog, `UPDATE accounts SET event_position = event_position + 1`},
}

var corruptSQLite = append([]corruption{
	{"a deduction twice", RuleCredits, `INSERT INTO ledger_entries (user_id, kind, amount, run_id, generation_id, balance_after, held_after, at)
		SELECT user_id, kind, amount, run_id, generation_id, balance_after, held_after, at FROM ledger_entries WHERE kind = 'deduct' LIMIT 1`},
	{"a refund is gone", RuleCredits, `DELETE FROM ledger_entries WHERE id = (SELECT max(id) FROM ledger_entries WHERE kind = 'refund')`},
	{"a balance changed", RuleCredits, `UPDATE accounts SET balance = balance + 1`},
	{"a job that never was", RuleJobs, `UPDATE runs SET jobs = json_insert(jobs, '$[#]', json('{"id": "11111111-1111-4111-8111-111111111111", "attempt": 9, "state": "dropped", "report": ""}'))
		WHERE generation_id = ` + one + ` AND number = 1`},
	{"a row in the outbox", RuleSettled, `INSERT INTO deliveries (id, lane, kind, user_id, generation_id, state, attempts, available_at, last_error, created_at, trace)
		SELECT id, 'notifications', 'notify', user_id, id, 'waiting', 0, 1, '', 1, '' FROM generations WHERE id = ` + one},
}, without(corruptPostgreSQL, "a job that never was", "a row in the outbox")...)

func without(all []corruption, names ...string) (rest []corruption) {
	for _, c := range all {
		if !contains(names, c.name) {
			rest = append(rest, c)
		}
	}
	return rest
}

// autopsy does each corruption in a transaction of its own, reads everything anew
// within it, judges, and rolls back.
func autopsy(t *testing.T, db *sql.DB, ev *Observations, corruptions []corruption) {
	t.Helper()
	if len(Judge(ev)) > 0 {
		return // the run has failed already
	}
	for _, c := range corruptions {
		tx, err := db.BeginTx(t.Context(), nil)
		require.NoError(t, err)
		unguard(t, tx, ev.Store)
		_, err = tx.ExecContext(t.Context(), c.query)
		require.NoError(t, err, c.name)
		again := *clone(t, ev)
		require.NoError(t, readDatabase(ev.Store, tx, &again), c.name)
		require.NoError(t, tx.Rollback())
		found := map[string]bool{}
		for _, v := range Judge(&again) {
			found[v.Rule] = true
		}
		require.True(t, found[c.rule], "%s: found %v", c.name, found)
	}
}

// unguard switches off the schema's own guards, within the transaction.
func unguard(t *testing.T, tx *sql.Tx, store Store) {
	t.Helper()
	if store == PostgreSQL {
		_, err := tx.ExecContext(t.Context(), `SET LOCAL session_replication_role = replica`)
		require.NoError(t, err)
		return
	}
	var drops string
	require.NoError(t, tx.QueryRowContext(t.Context(), `SELECT group_concat('DROP ' || type || ' ' || name, ';') FROM sqlite_master
		WHERE type = 'trigger' OR name = 'ledger_entries_run'`).Scan(&drops))
	for _, drop := range strings.Split(drops, ";") {
		_, err := tx.ExecContext(t.Context(), drop)
		require.NoError(t, err)
	}
}

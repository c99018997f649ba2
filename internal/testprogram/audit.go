package testprogram

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite" // the driver that Audit opens with
)

// sqliteAudits are questions to the database whose answer must be no row. They are SQL on
// the tables themselves, so that no code of the program can agree with itself.
var sqliteAudits = []struct{ rule, query string }{
	{"a run's reservation is what its ledger entries say", `
		SELECT hex(r.id), r.reservation, r.amount, group_concat(e.kind || ':' || e.amount)
		FROM runs r LEFT JOIN ledger_entries e ON e.run_id = r.id
		GROUP BY r.id
		HAVING NOT CASE r.reservation
			WHEN 'held'     THEN count(e.id) = 1 AND sum(e.kind = 'reserve') = 1
			WHEN 'deducted' THEN count(e.id) = 2 AND sum(e.kind = 'reserve') = 1 AND sum(e.kind = 'deduct') = 1
			WHEN 'refunded' THEN count(e.id) = 2 AND sum(e.kind = 'reserve') = 1 AND sum(e.kind = 'refund') = 1
			ELSE count(e.id) = 0 END
		OR (count(e.id) > 0 AND (min(e.amount) <> r.amount OR max(e.amount) <> r.amount))`},
	{"no entry without a run", `
		SELECT hex(run_id) FROM ledger_entries
		WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT id FROM runs)`},
	{"an account is the sum of its entries", `
		SELECT hex(a.user_id), a.balance, a.held FROM accounts a JOIN ledger_entries e USING (user_id)
		GROUP BY a.user_id
		HAVING a.balance <> sum(CASE e.kind WHEN 'deduct' THEN -e.amount WHEN 'open' THEN e.amount WHEN 'grant' THEN e.amount ELSE 0 END)
		    OR a.held <> sum(CASE e.kind WHEN 'reserve' THEN e.amount WHEN 'deduct' THEN -e.amount WHEN 'refund' THEN -e.amount ELSE 0 END)`},
	{"what an account holds is what its runs hold", `
		SELECT hex(a.user_id), a.held FROM accounts a
		WHERE a.held <> (SELECT coalesce(sum(amount), 0) FROM runs r WHERE r.user_id = a.user_id AND r.reservation = 'held')`},
	{"the log has no gap and ends with the state", `
		SELECT hex(g.id), g.status, g.last_event, count(e.seq), max(e.seq)
		FROM generations g LEFT JOIN events e ON e.generation_id = g.id
		GROUP BY g.id
		HAVING count(e.seq) <> g.last_event OR max(e.seq) <> g.last_event
		    OR (SELECT json_extract(l.data, '$.status') FROM events l WHERE l.generation_id = g.id AND l.seq = g.last_event) <> g.status`},
	{"positions of a user have no gap", `
		SELECT hex(user_id), count(*), max(position) FROM events GROUP BY user_id
		HAVING count(*) <> max(position)
		    OR max(position) <> (SELECT event_position FROM accounts a WHERE a.user_id = events.user_id)`},
	{"what has ended holds nothing, works on nothing and is due never", `
		SELECT hex(g.id), g.status, r.reservation, r.jobs FROM generations g JOIN runs r ON r.generation_id = g.id
		WHERE g.status IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected')
		  AND (r.reservation IN ('pending', 'held') OR instr(r.jobs, '"live"') > 0 OR g.due_at IS NOT NULL)`},
	{"what is being processed has exactly one live job", `
		SELECT hex(g.id), g.status, (SELECT count(*) FROM runs r, json_each(r.jobs) j
			WHERE r.generation_id = g.id AND json_extract(j.value, '$.state') = 'live') AS live
		FROM generations g
		WHERE live <> (g.status IN ('ProcessingSamples', 'ProcessingFinal'))`},
	{"a live job is in the outbox until it has reported", `
		SELECT hex(g.id), g.status, j.value FROM generations g JOIN runs r ON r.generation_id = g.id, json_each(r.jobs) j
		WHERE json_extract(j.value, '$.state') = 'live'
		  AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE lower(hex(d.id)) = replace(json_extract(j.value, '$.id'), '-', ''))`},
	{"what has not ended is due some time", `
		SELECT hex(id), status FROM generations
		WHERE status NOT IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected') AND due_at IS NULL`},
	{"an idempotency key has its generation", `
		SELECT key FROM idempotency_keys WHERE generation_id NOT IN (SELECT id FROM generations)`},
	{"no delivery is dead", `SELECT hex(id), kind, last_error FROM deliveries WHERE state = 'dead'`},
	{"foreign keys hold", `PRAGMA foreign_key_check`},
}

// Audit checks every rule on the database in dir, and returns it for more questions.
func Audit(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "aigen.db")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, a := range sqliteAudits {
		require.Empty(t, RowsOf(t, db, a.query), "broken: %s", a.rule)
	}
	var whole string
	require.NoError(t, db.QueryRow("PRAGMA quick_check").Scan(&whole))
	require.Equal(t, "ok", whole)
	return db
}

// HasSchema reports whether the first migration has come to its end.
func HasSchema(t *testing.T, dir string) bool {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "aigen.db")+"?_pragma=busy_timeout(10000)")
	require.NoError(t, err)
	defer db.Close()
	return Count(t, db, "SELECT count(*) FROM sqlite_master WHERE name = 'runs'") > 0
}

// RowsOf returns the rows of a query, one string each.
func RowsOf(t *testing.T, db *sql.DB, query string) []string {
	t.Helper()
	rows, err := db.Query(query)
	require.NoError(t, err, query)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var out []string
	for rows.Next() {
		values := make([]any, len(columns))
		pointers := make([]any, len(columns))
		for i := range values {
			pointers[i] = &values[i]
		}
		require.NoError(t, rows.Scan(pointers...))
		out = append(out, fmt.Sprint(values...))
	}
	require.NoError(t, rows.Err())
	return out
}

// Count is the number that a query answers with.
func Count(t *testing.T, db *sql.DB, query string, args ...any) int {
	t.Helper()
	var n int
	require.NoError(t, db.QueryRow(query, args...).Scan(&n))
	return n
}

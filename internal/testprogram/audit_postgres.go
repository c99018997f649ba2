package testprogram

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that AuditPostgres opens with
	"github.com/stretchr/testify/require"
)

// AuditPostgres asks the same questions as Audit, in PostgreSQL's words.
func AuditPostgres(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	return auditPostgres(t, databaseURL, func(string) bool { return true })
}

// AuditPostgresOnly is AuditPostgres where the credits are kept elsewhere.
func AuditPostgresOnly(t *testing.T, databaseURL string) *sql.DB {
	t.Helper()
	return auditPostgres(t, databaseURL, func(query string) bool { return !strings.Contains(query, "ledger_entries") })
}

func auditPostgres(t *testing.T, databaseURL string, applies func(query string) bool) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", databaseURL)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	for _, a := range postgresAudits {
		if !applies(a.query) {
			continue
		}
		require.Empty(t, RowsOf(t, db, a.query), "broken: %s", a.rule)
	}
	return db
}

var postgresAudits = []struct{ rule, query string }{
	{"a run's reservation is what its ledger entries say", `
		SELECT r.id, r.reservation, r.amount, string_agg(e.kind || ':' || e.amount, ',')
		FROM runs r LEFT JOIN ledger_entries e ON e.run_id = r.id
		GROUP BY r.id, r.reservation, r.amount
		HAVING NOT CASE r.reservation
			WHEN 'held'     THEN count(e.id) = 1 AND count(*) FILTER (WHERE e.kind = 'reserve') = 1
			WHEN 'deducted' THEN count(e.id) = 2 AND count(*) FILTER (WHERE e.kind = 'reserve') = 1 AND count(*) FILTER (WHERE e.kind = 'deduct') = 1
			WHEN 'refunded' THEN count(e.id) = 2 AND count(*) FILTER (WHERE e.kind = 'reserve') = 1 AND count(*) FILTER (WHERE e.kind = 'refund') = 1
			ELSE count(e.id) = 0 END
		OR (count(e.id) > 0 AND (min(e.amount) <> r.amount OR max(e.amount) <> r.amount))`},
	{"no entry without a run", `
		SELECT run_id FROM ledger_entries e
		WHERE run_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = e.run_id)`},
	{"an account is the sum of its entries", `
		SELECT a.user_id, a.balance, a.held FROM accounts a JOIN ledger_entries e USING (user_id)
		GROUP BY a.user_id, a.balance, a.held
		HAVING a.balance <> sum(CASE e.kind WHEN 'deduct' THEN -e.amount WHEN 'open' THEN e.amount WHEN 'grant' THEN e.amount ELSE 0 END)
		    OR a.held <> sum(CASE e.kind WHEN 'reserve' THEN e.amount WHEN 'deduct' THEN -e.amount WHEN 'refund' THEN -e.amount ELSE 0 END)`},
	{"the log has no gap and ends with the state", `
		SELECT g.id, g.status, g.last_event, count(e.seq), max(e.seq)
		FROM generations g LEFT JOIN events e ON e.generation_id = g.id
		GROUP BY g.id, g.status, g.last_event
		HAVING count(e.seq) <> g.last_event OR max(e.seq) <> g.last_event
		    OR (SELECT l.data::json->>'status' FROM events l WHERE l.generation_id = g.id AND l.seq = g.last_event) <> g.status`},
	{"positions of a user have no gap", `
		SELECT e.user_id, count(*), max(e.position) FROM events e JOIN accounts a USING (user_id)
		GROUP BY e.user_id, a.event_position
		HAVING count(*) <> max(e.position) OR max(e.position) <> a.event_position`},
	{"what has ended holds nothing, works on nothing and is due never", `
		SELECT g.id, g.status, r.reservation, r.jobs FROM generations g JOIN runs r ON r.generation_id = g.id
		WHERE g.status IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected')
		  AND (r.reservation IN ('pending', 'held') OR r.jobs::text LIKE '%"live"%' OR g.due_at IS NOT NULL)`},
	{"what is being processed has exactly one live job", `
		SELECT g.id, g.status, live.n
		FROM generations g, LATERAL (
			SELECT count(*) AS n FROM runs r, json_array_elements(r.jobs::json) j
			WHERE r.generation_id = g.id AND j->>'state' = 'live') live
		WHERE (live.n = 1) <> (g.status IN ('ProcessingSamples', 'ProcessingFinal')) OR live.n > 1`},
	{"what has not ended is due some time", `
		SELECT id, status FROM generations
		WHERE status NOT IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected') AND due_at IS NULL`},
	{"an idempotency key has its generation", `
		SELECT key FROM idempotency_keys k WHERE NOT EXISTS (SELECT 1 FROM generations g WHERE g.id = k.generation_id)`},
	{"no delivery is dead", `SELECT id, kind, last_error FROM deliveries WHERE state = 'dead'`},
}

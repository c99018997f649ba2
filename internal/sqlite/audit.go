package sqlite

import (
	"context"
	"database/sql"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/audit"
)

// The breaches that Audit looks for. Each query gives a user and a description. Runs and
// events without a generation are not among them: a foreign key keeps them out.
var auditQueries = []string{
	`WITH sums AS (
	SELECT user_id,
		sum(CASE kind WHEN 'open' THEN amount WHEN 'grant' THEN amount WHEN 'deduct' THEN -amount ELSE 0 END) AS balance,
		sum(CASE kind WHEN 'reserve' THEN amount WHEN 'deduct' THEN -amount WHEN 'refund' THEN -amount ELSE 0 END) AS held
	FROM ledger_entries GROUP BY user_id)
SELECT coalesce(s.user_id, a.user_id), format('` + audit.AccountSum + `',
	a.balance, a.held, s.balance, s.held)
FROM (SELECT * FROM accounts WHERE balance IS NOT NULL) a FULL JOIN sums s ON s.user_id = a.user_id
WHERE s.balance IS NOT a.balance OR s.held IS NOT a.held`,

	`SELECT a.user_id, format('` + audit.LastEntry + `',
	a.balance, a.held, e.balance_after, e.held_after)
FROM accounts a JOIN ledger_entries e ON e.id = (SELECT max(id) FROM ledger_entries l WHERE l.user_id = a.user_id)
WHERE e.balance_after <> a.balance OR e.held_after <> a.held`,

	`WITH booked AS (
	SELECT run_id, max(kind = 'deduct') AS deducted, max(kind = 'refund') AS refunded
	FROM ledger_entries WHERE run_id IS NOT NULL GROUP BY run_id)
SELECT r.user_id, format('` + audit.RunSettled + `',
	lower(hex(r.id)), r.reservation, b.deducted, b.refunded)
FROM booked b JOIN runs r ON r.id = b.run_id
WHERE b.deducted <> (r.reservation = 'deducted') OR b.refunded <> (r.reservation = 'refunded')
	OR r.reservation NOT IN ('held', 'deducted', 'refunded')`,

	`SELECT g.user_id, format('` + audit.LogEnd + `',
	lower(hex(g.id)), g.last_event, e.last)
FROM generations g JOIN (SELECT generation_id, max(seq) AS last FROM events GROUP BY generation_id) e ON e.generation_id = g.id
WHERE e.last <> g.last_event`,

	`SELECT coalesce(e.user_id, a.user_id), format('` + audit.Positions + `',
	e.n, a.events_removed, e.last, a.event_position)
FROM (SELECT user_id, count(*) AS n, max(position) AS last FROM events GROUP BY user_id) e FULL JOIN accounts a ON a.user_id = e.user_id
WHERE coalesce(e.n, 0) + coalesce(a.events_removed, 0) IS NOT a.event_position OR e.last > a.event_position`,

	`SELECT NULL, format('` + audit.StatusCount + `', coalesce(g.n, 0), c.status, c.n)
FROM generation_counts c LEFT JOIN (SELECT status, count(*) AS n FROM generations GROUP BY status) g ON g.status = c.status
WHERE coalesce(g.n, 0) <> c.n`,
}

// Audit reads the whole database and reports the number of rows in each table, and
// every breach of what must always hold: the money rule first of all. It is for
// tests and for an operator who suspects something; it takes its time.
func (s *Store) Audit(ctx context.Context) (counts map[string]int64, faults []string, err error) {
	var r audit.Report
	err = s.view(ctx, "audit", func(ctx context.Context, c *session) error {
		return r.Read(auditSource{ctx, c}, auditQueries)
	})
	return r.Rows, r.Faults, err
}

// auditSource reads at once.
type auditSource struct {
	ctx context.Context //nolint:containedctx // of the one transaction that it reads in
	c   *session
}

// Count implements audit.Source.
func (s auditSource) Count(table string, put func(int64)) error {
	var n int64
	_, err := s.c.one(s.ctx, []any{&n}, `SELECT count(*) FROM `+table)
	put(n)
	return err
}

// Breaches implements audit.Source.
func (s auditSource) Breaches(query string, put func(aigen.ID, string)) error {
	return s.c.each(s.ctx, func(r *sql.Rows) error {
		var user aigen.ID
		var description string
		err := r.Scan(idColumn(&user), &description)
		put(user, description)
		return err
	}, query)
}

package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/audit"
)

// The breaches that Audit looks for. Each query gives a user and a description.
var auditQueries = []string{
	`WITH sums AS (
	SELECT user_id,
		sum(CASE kind WHEN 'open' THEN amount WHEN 'grant' THEN amount WHEN 'deduct' THEN -amount ELSE 0 END) AS balance,
		sum(CASE kind WHEN 'reserve' THEN amount WHEN 'deduct' THEN -amount WHEN 'refund' THEN -amount ELSE 0 END) AS held
	FROM ledger_entries GROUP BY user_id)
SELECT coalesce(s.user_id, a.user_id), format('` + audit.AccountSum + `',
	a.balance, a.held, s.balance, s.held)
FROM (SELECT * FROM accounts WHERE balance IS NOT NULL) a FULL JOIN sums s ON s.user_id = a.user_id
WHERE s.balance IS DISTINCT FROM a.balance OR s.held IS DISTINCT FROM a.held`,

	`SELECT a.user_id, format('` + audit.LastEntry + `',
	a.balance, a.held, e.balance_after, e.held_after)
FROM accounts a JOIN (SELECT DISTINCT ON (user_id) user_id, balance_after, held_after FROM ledger_entries ORDER BY user_id, id DESC) e
	ON e.user_id = a.user_id
WHERE e.balance_after <> a.balance OR e.held_after <> a.held`,

	`WITH booked AS (
	SELECT run_id, bool_or(kind = 'deduct') AS deducted, bool_or(kind = 'refund') AS refunded
	FROM ledger_entries WHERE run_id IS NOT NULL GROUP BY run_id)
SELECT r.user_id, format('` + audit.RunSettled + `', r.id, r.reservation, b.deducted, b.refunded)
FROM booked b JOIN runs r ON r.id = b.run_id
WHERE b.deducted <> (r.reservation = 'deducted') OR b.refunded <> (r.reservation = 'refunded')
	OR r.reservation NOT IN ('held', 'deducted', 'refunded')`,

	`SELECT g.user_id, format('` + audit.LogEnd + `', g.id, g.last_event, e.last)
FROM generations g JOIN (SELECT generation_id, max(seq) AS last FROM events GROUP BY generation_id) e ON e.generation_id = g.id
WHERE e.last <> g.last_event`,

	`SELECT user_id, format('` + audit.RunOrphan + `', id) FROM runs r WHERE NOT EXISTS (SELECT FROM generations WHERE id = r.generation_id)
UNION ALL
SELECT user_id, format('` + audit.EventOrphan + `', seq, generation_id) FROM events e
WHERE NOT EXISTS (SELECT FROM generations WHERE id = e.generation_id)`,

	`SELECT coalesce(e.user_id, a.user_id), format('` + audit.Positions + `',
	e.n, a.events_removed, e.last, a.event_position)
FROM (SELECT user_id, count(*) AS n, max(position) AS last FROM events GROUP BY user_id) e FULL JOIN accounts a USING (user_id)
WHERE coalesce(e.n, 0) + coalesce(a.events_removed, 0) IS DISTINCT FROM a.event_position OR e.last > a.event_position`,

	`SELECT '00000000-0000-0000-0000-000000000000'::uuid, format('` + audit.StatusCount + `', n, status, counted)
FROM (` + statsGenerations + `) AS c (status, counted) FULL JOIN (SELECT status, count(*) AS n FROM generations GROUP BY status) g USING (status)
WHERE coalesce(n, 0) <> coalesce(counted, 0)`,
}

// Audit reads the whole database and reports the number of rows in each table, and
// every breach of what must always hold: the money rule first of all. It is for
// tests and for an operator who suspects something; it takes its time.
func (s *Store) Audit(ctx context.Context) (counts map[string]int64, faults []string, err error) {
	var r audit.Report
	err = s.readWithin(ctx, 24*time.Hour, "audit", inSnapshot(func(b *pgx.Batch) {
		_ = r.Read(auditSource{b}, auditQueries) // nothing is read yet that could fail
	}))
	return r.Rows, r.Faults, err
}

// auditSource notes what is to be read in one batch.
type auditSource struct{ b *pgx.Batch }

// Count implements audit.Source.
func (s auditSource) Count(table string, put func(int64)) error {
	s.b.Queue(`SELECT count(*) FROM ` + table).QueryRow(func(r pgx.Row) error {
		var n int64
		err := r.Scan(&n)
		put(n)
		return err
	})
	return nil
}

// Breaches implements audit.Source.
func (s auditSource) Breaches(query string, put func(aigen.ID, string)) error {
	s.b.Queue(query).Query(each(func(r pgx.Rows) error {
		var user aigen.ID
		var description string
		err := r.Scan((*idColumn)(&user), &description)
		put(user, description)
		return err
	}))
	return nil
}

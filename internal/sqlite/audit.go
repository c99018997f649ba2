package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/creativeflow/aigen"
)

// The faults that Audit looks for. Each query gives a user and a description.
var auditQueries = []string{
	// An account is the sum of its entries.
	`WITH sums AS (
	SELECT user_id,
		sum(CASE kind WHEN 'open' THEN amount WHEN 'grant' THEN amount WHEN 'deduct' THEN -amount ELSE 0 END) AS balance,
		sum(CASE kind WHEN 'reserve' THEN amount WHEN 'deduct' THEN -amount WHEN 'refund' THEN -amount ELSE 0 END) AS held
	FROM ledger_entries GROUP BY user_id)
SELECT coalesce(s.user_id, a.user_id), format('account has balance %s, held %s; its entries make %s, %s',
	a.balance, a.held, s.balance, s.held)
FROM (SELECT * FROM accounts WHERE balance IS NOT NULL) a FULL JOIN sums s ON s.user_id = a.user_id
WHERE s.balance IS NOT a.balance OR s.held IS NOT a.held`,

	// The last entry of an account says what the account says.
	`SELECT a.user_id, format('account has balance %d, held %d; its last entry says %d, %d',
	a.balance, a.held, e.balance_after, e.held_after)
FROM accounts a JOIN ledger_entries e ON e.id = (SELECT max(id) FROM ledger_entries l WHERE l.user_id = a.user_id)
WHERE e.balance_after <> a.balance OR e.held_after <> a.held`,

	// A run that the ledger has reserved is held, or settled as the ledger says. With
	// a remote credit service runs have no entries.
	`WITH booked AS (
	SELECT run_id, max(kind = 'deduct') AS deducted, max(kind = 'refund') AS refunded
	FROM ledger_entries WHERE run_id IS NOT NULL GROUP BY run_id)
SELECT r.user_id, format('run %s is %s; in the ledger it has deductions: %d, refunds: %d',
	lower(hex(r.id)), r.reservation, b.deducted, b.refunded)
FROM booked b JOIN runs r ON r.id = b.run_id
WHERE b.deducted <> (r.reservation = 'deducted') OR b.refunded <> (r.reservation = 'refunded')
	OR r.reservation NOT IN ('held', 'deducted', 'refunded')`,

	// The log of a generation ends where the generation says.
	`SELECT g.user_id, format('generation %s has its last event at %d; its log ends at %d',
	lower(hex(g.id)), g.last_event, e.last)
FROM generations g JOIN (SELECT generation_id, max(seq) AS last FROM events GROUP BY generation_id) e ON e.generation_id = g.id
WHERE e.last <> g.last_event`,

	// The positions of a user's events run from 1 to the counter. Those that are
	// missing are as many as were removed with their generations.
	`SELECT coalesce(e.user_id, a.user_id), format('%d events, and %d removed, end at position %d; the counter says %d',
	e.n, a.events_removed, e.last, a.event_position)
FROM (SELECT user_id, count(*) AS n, max(position) AS last FROM events GROUP BY user_id) e FULL JOIN accounts a ON a.user_id = e.user_id
WHERE coalesce(e.n, 0) + coalesce(a.events_removed, 0) IS NOT a.event_position OR e.last > a.event_position`,

	// The counts of generations are right. No user.
	`SELECT NULL, format('%d generations are %s; the counter says %d', coalesce(g.n, 0), c.status, c.n)
FROM generation_counts c LEFT JOIN (SELECT status, count(*) AS n FROM generations GROUP BY status) g ON g.status = c.status
WHERE coalesce(g.n, 0) <> c.n`,
}

// Audit reads the whole database and reports the number of rows in each table, and
// every breach of what must always hold: the money rule first of all. It is for
// tests and for an operator who suspects something; it takes its time.
func (s *Store) Audit(ctx context.Context) (counts map[string]int64, faults []string, err error) {
	counts = map[string]int64{}
	err = s.view(ctx, "audit", func(ctx context.Context, c *session) error {
		for _, table := range []string{
			"generations", "runs", "events", "deliveries", "accounts", "ledger_entries", "idempotency_keys",
		} {
			var n int64
			if _, err := c.one(ctx, []any{&n}, `SELECT count(*) FROM `+table); err != nil {
				return err
			}
			counts[table] = n
		}
		for _, query := range auditQueries {
			err := c.each(ctx, func(r *sql.Rows) error {
				var user aigen.ID
				var fault string
				err := r.Scan(idColumn(&user), &fault)
				faults = append(faults, fmt.Sprintf("user %s: %s", user, fault))
				return err
			}, query)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return counts, faults, err
}

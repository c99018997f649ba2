package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// A lease is the owner in a row of the outbox; while it lasts, available_at is its
// end. It is lost when another owner claims the row, not by time alone: an owner
// that is late but was not replaced still knows best what became of the delivery.

// ExtendLeases implements app.Store.
func (s *Store) ExtendLeases(ctx context.Context, owner string, ids []aigen.ID, until time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	const query = `UPDATE deliveries SET available_at = ? WHERE id = ? AND owner = ?`
	_, err := s.eachID(ctx, "extend leases", query, ids, func(id aigen.ID) []any {
		return []any{until.UnixMicro(), id[:], owner}
	})
	return err
}

// FinishDeliveries implements app.Store.
func (s *Store) FinishDeliveries(ctx context.Context, owner string, results []outbox.DeliveryResult) error {
	if len(results) == 0 {
		return nil
	}
	return s.write(ctx, "finish deliveries", func(ctx context.Context, c *session) error {
		var delivered []any
		for i := range results {
			if r := &results[i]; r.Disposition == outbox.DispositionDelivered {
				delivered = append(delivered, r.ID[:])
			} else if err := finishDelivery(ctx, c, owner, r); err != nil {
				return err
			}
		}
		return removeDeliveries(ctx, c, owner, delivered)
	})
}

const removedAtOnce = 16

// removeDeliveries removes rows that are delivered, many in a statement.
func removeDeliveries(ctx context.Context, c *session, owner string, ids []any) error {
	const query = `DELETE FROM deliveries WHERE owner = ?
	AND id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	for len(ids) > 2 {
		n := min(len(ids), removedAtOnce)
		args := append([]any{owner}, ids[:n]...)
		for len(args) <= removedAtOnce {
			args = append(args, args[n]) // the last one fills up the rest
		}
		if _, err := c.exec(ctx, query, args...); err != nil {
			return err
		}
		ids = ids[n:]
	}
	for _, id := range ids {
		if _, err := c.exec(ctx, `DELETE FROM deliveries WHERE id = ? AND owner = ?`, id, owner); err != nil {
			return err
		}
	}
	return nil
}

// withdraw removes the delivery of a job that has ended, if it is still there. A dead
// one stays for the operators.
func withdraw(ctx context.Context, c *session, job aigen.ID) error {
	_, err := c.exec(ctx, `DELETE FROM deliveries WHERE id = ? AND lane = 'jobs' AND state = 'waiting'`, job[:])
	return err
}

// SettleJob implements app.GenerationRepository. Nearly always the row is gone: that is
// found out without the writer.
func (s *Store) SettleJob(ctx context.Context, job aigen.ID) error {
	there := false
	err := s.view(ctx, "look for a job", func(ctx context.Context, c *session) (err error) {
		var one int
		there, err = c.one(ctx, []any{&one}, `SELECT 1 FROM deliveries WHERE id = ?`, job[:])
		return err
	})
	if err != nil || !there {
		return err
	}
	return s.write(ctx, "settle a job", func(ctx context.Context, c *session) error { return withdraw(ctx, c, job) })
}

// HeldJobs implements app.Store.
func (s *Store) HeldJobs(ctx context.Context, owner string, jobs []aigen.ID) (held []aigen.ID, err error) {
	const query = `SELECT 1 FROM deliveries d JOIN generations g ON g.id = d.generation_id
WHERE d.id = ? AND d.owner = ? AND g.status IN ('ProcessingSamples', 'ProcessingFinal')`
	err = s.view(ctx, "look for held jobs", func(ctx context.Context, c *session) error {
		held = nil
		for _, job := range jobs {
			var one int
			there, err := c.one(ctx, []any{&one}, query, job[:], owner)
			if err != nil {
				return err
			}
			if there {
				held = append(held, job)
			}
		}
		return nil
	})
	return held, err
}

// finishDelivery is for what was not delivered.
func finishDelivery(ctx context.Context, c *session, owner string, r *outbox.DeliveryResult) (err error) {
	const (
		retry = `UPDATE deliveries SET owner = NULL, available_at = ?, last_error = ?, attempts = max(attempts - ?, 0) WHERE id = ? AND owner = ?`
		bury  = `UPDATE deliveries SET owner = NULL, state = 'dead', last_error = ? WHERE id = ? AND owner = ?`
		// Due since it was made: at once, and before what came later.
		giveBack = `UPDATE deliveries SET owner = NULL, available_at = created_at, attempts = max(attempts - 1, 0)
WHERE id = ? AND owner = ?`
	)
	switch r.Disposition {
	case outbox.DispositionRetry:
		uncounted := 0
		if r.Uncounted {
			uncounted = 1
		}
		_, err = c.exec(ctx, retry, r.RetryAt.UnixMicro(), r.Error, uncounted, r.ID[:], owner)
	case outbox.DispositionDead:
		_, err = c.exec(ctx, bury, r.Error, r.ID[:], owner)
	case outbox.DispositionReturned:
		_, err = c.exec(ctx, giveBack, r.ID[:], owner)
	default:
		err = fmt.Errorf("unknown verdict %d", r.Disposition)
	}
	return err
}

// ReleaseLeases implements app.Store. It reads the whole table, which is why no
// index is kept for it: it is called at the start and at the stop.
func (s *Store) ReleaseLeases(ctx context.Context, owner string, now time.Time) (int, error) {
	const query = `UPDATE deliveries SET owner = NULL, available_at = ?, attempts = max(attempts - 1, 0) WHERE owner = ?`
	var n int64
	err := s.write(ctx, "release leases", func(ctx context.Context, c *session) (err error) {
		n, err = c.exec(ctx, query, now.UnixMicro(), owner)
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
}

// RetryDeliveries implements app.Store. A row that is being delivered right now is
// left alone: it would be delivered twice at the same time.
func (s *Store) RetryDeliveries(ctx context.Context, ids []aigen.ID, now time.Time) (int, error) {
	const (
		set    = `UPDATE deliveries SET state = 'waiting', attempts = 0, available_at = ?1, owner = NULL `
		all    = set + `WHERE state = 'dead'`
		chosen = set + `WHERE id = ?2 AND (owner IS NULL OR available_at <= ?1)`
	)
	if len(ids) > 0 {
		return s.eachID(ctx, "retry deliveries", chosen, ids, func(id aigen.ID) []any {
			return []any{now.UnixMicro(), id[:]}
		})
	}
	var n int64
	err := s.write(ctx, "retry deliveries", func(ctx context.Context, c *session) (err error) {
		n, err = c.exec(ctx, all, now.UnixMicro())
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
}

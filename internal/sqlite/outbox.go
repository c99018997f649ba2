package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

const deliveryColumns = `id, kind, user_id, generation_id, run_id, payload, state, attempts, available_at, last_error, created_at, trace`

const insertDelivery = `INSERT INTO deliveries (` + deliveryColumns + `, lane, owner)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// deliveryRow is a row for insertDelivery.
func deliveryRow(d *outbox.Delivery) []any {
	var payload any
	if len(d.Payload) > 0 {
		payload = string(d.Payload)
	}
	available, owner := orDefault(d.AvailableAt, d.CreatedAt), any(nil)
	if d.Owner != "" {
		available, owner = d.LeasedUntil, d.Owner
	}
	return []any{
		d.ID[:], string(d.Kind), d.UserID[:], d.GenerationID[:], idArg(d.RunID), payload,
		string(orDefault(d.State, outbox.DeliveryWaiting)), d.Attempts, available.UnixMicro(), d.LastError,
		d.CreatedAt.UnixMicro(), d.Trace, string(d.Kind.Queue()), owner,
	}
}

func loadDeliveries(ctx context.Context, c *session, query string, args ...any) ([]outbox.Delivery, error) {
	var list []outbox.Delivery
	err := c.each(ctx, func(r *sql.Rows) error {
		var d outbox.Delivery
		err := scanDelivery(r, &d)
		list = append(list, d)
		return err
	}, query, args...)
	return list, err
}

func scanDelivery(r *sql.Rows, d *outbox.Delivery, more ...any) error {
	return r.Scan(append([]any{
		idColumn(&d.ID), (*string)(&d.Kind), idColumn(&d.UserID), idColumn(&d.GenerationID), idColumn(&d.RunID),
		&d.Payload, (*string)(&d.State), &d.Attempts, timeColumn(&d.AvailableAt), &d.LastError, timeColumn(&d.CreatedAt), &d.Trace,
	}, more...)...)
}

// What is due in a lane: rows without a lease, and rows whose lease has ended.
const (
	dueIn         = ` WHERE state = 'waiting' AND lane = ? AND available_at <= ?`
	oldestFirst   = ` ORDER BY available_at, id LIMIT ?`
	dueDeliveries = dueIn + oldestFirst
	dueOfUser     = dueIn + ` AND user_id = ?` + oldestFirst
)

// ClaimDeliveries implements app.Store.
//
// Dialect: PostgreSQL does this in one UPDATE … FOR UPDATE SKIP LOCKED. Here the
// rows are selected twice, by the same condition and under the same lock, because
// RETURNING gives them in no order and without the time they were due at.
func (s *Store) ClaimDeliveries(ctx context.Context, q outbox.Claim) ([]outbox.Delivery, error) {
	which, due := dueDeliveries, []any{string(q.Queue), q.Now.UnixMicro(), q.Limit}
	if !q.User.IsZero() {
		which, due = dueOfUser, []any{string(q.Queue), q.Now.UnixMicro(), q.User[:], q.Limit}
	}
	// A relay that looks for work and finds none does not hold up the writer.
	if found, err := s.anyDue(ctx, which, due); err != nil || !found {
		return nil, err
	}
	var list []outbox.Delivery
	err := s.write(ctx, "claim deliveries", func(ctx context.Context, c *session) (err error) {
		if list, err = loadDeliveries(ctx, c, `SELECT `+deliveryColumns+` FROM deliveries`+which, due...); err != nil {
			return err
		}
		lease := `UPDATE deliveries SET owner = ?, available_at = ?, attempts = attempts + 1
WHERE id IN (SELECT id FROM deliveries` + which + `)`
		_, err = c.exec(ctx, lease, append([]any{q.Owner, q.Until.UnixMicro()}, due...)...)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Attempts++
		list[i].AvailableAt = q.Until
	}
	return list, nil
}

func (s *Store) anyDue(ctx context.Context, which string, due []any) (found bool, err error) {
	err = s.view(ctx, "look for deliveries", func(ctx context.Context, c *session) error {
		var one int
		found, err = c.one(ctx, []any{&one}, `SELECT 1 FROM deliveries`+which, due...)
		return err
	})
	return found, err
}

// ListDeliveries implements app.Store.
func (s *Store) ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) ([]outbox.Delivery, error) {
	query := `SELECT ` + deliveryColumns + `, owner IS NOT NULL FROM deliveries WHERE id > ?`
	args := []any{q.After[:]}
	if !q.ID.IsZero() {
		query += ` AND id = ?`
		args = append(args, q.ID[:])
	}
	switch q.State {
	case outbox.DeliveryDead:
		query += ` AND state = 'dead'`
	case outbox.DeliveryWaiting:
		query += ` AND state = 'waiting' AND owner IS NULL`
	case outbox.DeliveryLeased:
		query += ` AND state = 'waiting' AND owner IS NOT NULL`
	}
	if q.Kind != "" {
		query += ` AND kind = ?`
		args = append(args, string(q.Kind))
	}
	if q.Queue != "" {
		query += ` AND lane = ?`
		args = append(args, string(q.Queue))
	}
	if !q.GenerationID.IsZero() {
		query += ` AND generation_id = ?`
		args = append(args, q.GenerationID[:])
	}
	query += ` ORDER BY id LIMIT ?`
	args = append(args, max(q.Limit, 1))
	var list []outbox.Delivery
	err := s.view(ctx, "list deliveries", func(ctx context.Context, c *session) error {
		return c.each(ctx, func(r *sql.Rows) error {
			var d outbox.Delivery
			err := scanDelivery(r, &d, &d.Leased)
			list = append(list, d)
			return err
		}, query, args...)
	})
	return list, err
}

// eachID runs a query for each id in one transaction and adds up the rows changed.
func (s *Store) eachID(ctx context.Context, op, query string, ids []aigen.ID, args func(id aigen.ID) []any) (int, error) {
	var total int64
	err := s.write(ctx, op, func(ctx context.Context, c *session) error {
		for _, id := range ids {
			n, err := c.exec(ctx, query, args(id)...)
			if err != nil {
				return err
			}
			total += n
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return int(total), nil
}

// WaitingUsers implements app.Store.
func (s *Store) WaitingUsers(ctx context.Context, lane outbox.Queue, now time.Time) ([]aigen.ID, error) {
	const query = `SELECT user_id FROM (SELECT user_id, available_at FROM deliveries` + dueDeliveries + `)
GROUP BY user_id ORDER BY min(available_at), user_id`
	var users []aigen.ID
	err := s.view(ctx, "users who wait", func(ctx context.Context, c *session) error {
		return c.each(ctx, func(r *sql.Rows) error {
			var id aigen.ID
			err := r.Scan(idColumn(&id))
			users = append(users, id)
			return err
		}, query, string(lane), now.UnixMicro(), outbox.WaitingUsersLookAt)
	})
	return users, err
}

package postgres

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

const insertDeliveries = `INSERT INTO deliveries (id, lane, kind, user_id, generation_id, run_id, payload, state, attempts, available_at,
	last_error, created_at, trace, owner, leased_until)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::uuid[]),
	unnest($7::json[]), unnest($8::text[]), unnest($9::bigint[]), unnest($10::timestamptz[]), unnest($11::text[]),
	unnest($12::timestamptz[]), unnest($13::text[]), unnest($14::text[]), unnest($15::timestamptz[])`

func (t *tx) queueDeliveries(rows []*outbox.Delivery) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertDeliveries,
		uuids(rows, func(d *outbox.Delivery) aigen.ID { return d.ID }),
		texts(rows, func(d *outbox.Delivery) string { return string(d.Kind.Queue()) }),
		texts(rows, func(d *outbox.Delivery) string { return string(d.Kind) }),
		uuids(rows, func(d *outbox.Delivery) aigen.ID { return d.UserID }),
		uuids(rows, func(d *outbox.Delivery) aigen.ID { return d.GenerationID }),
		uuids(rows, func(d *outbox.Delivery) aigen.ID { return d.RunID }),
		optional(rows, func(d *outbox.Delivery) []byte { return d.Payload }),
		texts(rows, func(d *outbox.Delivery) string { return string(orDefault(d.State, outbox.DeliveryWaiting)) }),
		integers(rows, func(d *outbox.Delivery) int64 { return int64(d.Attempts) }),
		times(rows, func(d *outbox.Delivery) time.Time { return orDefault(d.AvailableAt, d.CreatedAt) }),
		texts(rows, func(d *outbox.Delivery) string { return textArg(d.LastError) }),
		times(rows, func(d *outbox.Delivery) time.Time { return d.CreatedAt }),
		texts(rows, func(d *outbox.Delivery) string { return textArg(d.Trace) }),
		optional(rows, func(d *outbox.Delivery) string { return d.Owner }),
		times(rows, func(d *outbox.Delivery) time.Time { return d.LeasedUntil }))
}

// While a row is leased, the end of the lease is what it is available at.
const deliveryColumns = `id, kind, user_id, generation_id, run_id, payload, state, attempts,
	coalesce(leased_until, available_at), last_error, created_at, trace`

// claimDeliveries takes rows without a lease, and rows whose lease has ended. Those
// that another process is claiming right now are skipped.
//
// The rows are found as an array, not by a join: however many are waiting, each is
// then updated by its key.
const (
	claimDeliveries  = claimBegin + claimEnd
	claimDeliveryFor = claimBegin + ` AND user_id = $8::uuid` + claimEnd
)

const claimBegin = `UPDATE deliveries SET owner = $4::text, leased_until = $5::timestamptz, attempts = attempts + 1
WHERE id = ANY (ARRAY(
	SELECT id FROM deliveries
	WHERE state = 'waiting' AND lane = $1::text AND available_at <= $2::timestamptz AND (available_at, id) > ($6::timestamptz, $7::uuid)
		AND (owner IS NULL OR leased_until <= $2::timestamptz)`

const claimEnd = ` ORDER BY available_at, id LIMIT $3::bigint FOR UPDATE SKIP LOCKED))
RETURNING ` + deliveryColumns + `, available_at`

// claimed is a delivery with the time it was due at, which is the order of a claim.
type claimed struct {
	outbox.Delivery

	due time.Time
}

// ClaimDeliveries implements app.Store. Where many wait, a row that became due again
// while others were claimed may wait for a quarter of a second behind those that came
// after it.
func (s *Store) ClaimDeliveries(ctx context.Context, q outbox.Claim) ([]outbox.Delivery, error) {
	if !q.User.IsZero() {
		list, _, err := s.claimAfter(ctx, q, place{})
		return list, err
	}
	after := s.claims.place(q)
	list, last, err := s.claimAfter(ctx, q, after)
	if err != nil {
		return nil, err
	}
	full := len(list) == q.Limit
	if !full && after != (place{}) {
		rest := q
		rest.Limit -= len(list)
		behind, _, err := s.claimAfter(ctx, rest, place{})
		if err != nil && len(list) == 0 {
			return nil, err
		}
		list = append(behind, list...) // the older first
	}
	s.claims.remember(q, last, full)
	return list, nil
}

// claimAfter claims rows that come after a place in the order, and returns the place of
// the last.
func (s *Store) claimAfter(ctx context.Context, q outbox.Claim, after place) ([]outbox.Delivery, place, error) {
	sql, args := claimDeliveries, []any{string(q.Queue), q.Now, q.Limit, q.Owner, q.Until, after.due, after.id.String()}
	if !q.User.IsZero() {
		sql, args = claimDeliveryFor, append(args, q.User.String())
	}
	var rows []claimed
	err := s.writeAsync(ctx, "claim deliveries", func(ctx context.Context, t *tx) error {
		rows = nil
		t.queue(sql, args...).Query(each(func(r pgx.Rows) error {
			var c claimed
			err := scanDelivery(r, &c.Delivery, (*timeColumn)(&c.due))
			rows = append(rows, c)
			return err
		}))
		return t.commit(ctx)
	})
	if err != nil || len(rows) == 0 {
		return nil, after, err
	}
	slices.SortFunc(rows, func(a, b claimed) int {
		if c := a.due.Compare(b.due); c != 0 {
			return c
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	list := make([]outbox.Delivery, len(rows))
	for i := range rows {
		list[i] = rows[i].Delivery
	}
	last := rows[len(rows)-1]
	return list, place{last.due, last.ID}, nil
}

func scanDelivery(r pgx.Rows, d *outbox.Delivery, more ...any) error {
	return r.Scan(append([]any{
		(*idColumn)(&d.ID), (*string)(&d.Kind), (*idColumn)(&d.UserID), (*idColumn)(&d.GenerationID), (*idColumn)(&d.RunID),
		payloadColumn(&d.Payload), (*string)(&d.State), &d.Attempts, (*timeColumn)(&d.AvailableAt), &d.LastError,
		(*timeColumn)(&d.CreatedAt), &d.Trace,
	}, more...)...)
}

// ListDeliveries implements app.Store.
func (s *Store) ListDeliveries(ctx context.Context, q outbox.DeliveryQuery) ([]outbox.Delivery, error) {
	sql := `SELECT ` + deliveryColumns + `, owner IS NOT NULL FROM deliveries WHERE id > $1::uuid`
	args := []any{q.After.String()} // also the zero one, which idArg makes NULL
	and := func(column, cast string, v any) {
		args = append(args, v)
		sql += ` AND ` + column + ` = $` + strconv.Itoa(len(args)) + `::` + cast
	}
	if !q.ID.IsZero() {
		and("id", "uuid", idArg(q.ID))
	}
	switch q.State {
	case outbox.DeliveryDead:
		sql += ` AND state = 'dead'`
	case outbox.DeliveryWaiting:
		sql += ` AND state = 'waiting' AND owner IS NULL`
	case outbox.DeliveryLeased:
		sql += ` AND state = 'waiting' AND owner IS NOT NULL`
	}
	if q.Kind != "" {
		and("kind", "text", string(q.Kind))
	}
	if q.Queue != "" {
		and("lane", "text", string(q.Queue))
	}
	if !q.GenerationID.IsZero() {
		and("generation_id", "uuid", idArg(q.GenerationID))
	}
	args = append(args, max(q.Limit, 1))
	sql += ` ORDER BY id LIMIT $` + strconv.Itoa(len(args)) + `::bigint`
	return query(ctx, s, "list deliveries", func(r pgx.Rows) (d outbox.Delivery, err error) {
		err = scanDelivery(r, &d, &d.Leased)
		return d, err
	}, sql, args...)
}

// The rows are those of a claim; DISTINCT ON would read them in the order of users.
const waitingUsers = `SELECT user_id FROM (
	SELECT user_id, available_at, id FROM deliveries
	WHERE state = 'waiting' AND lane = $1::text AND available_at <= $2::timestamptz AND (owner IS NULL OR leased_until <= $2::timestamptz)
	ORDER BY available_at, id LIMIT $3::bigint) AS oldest
GROUP BY user_id ORDER BY min(available_at), user_id`

// WaitingUsers implements app.Store.
func (s *Store) WaitingUsers(ctx context.Context, lane outbox.Queue, now time.Time) ([]aigen.ID, error) {
	return query(ctx, s, "users who wait", func(r pgx.Rows) (id aigen.ID, err error) {
		err = r.Scan((*idColumn)(&id))
		return id, err
	}, waitingUsers, string(lane), now, outbox.WaitingUsersLookAt)
}

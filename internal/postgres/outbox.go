package postgres

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

const insertDeliveries = `INSERT INTO deliveries (id, lane, kind, user_id, generation_id, run_id, payload, state, attempts, available_at,
	last_error, created_at, trace)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::json[], $8::text[], $9::bigint[],
	$10::timestamptz[], $11::text[], $12::timestamptz[], $13::text[])`

// deliveryRows are the arguments of insertDeliveries.
type deliveryRows struct {
	ids, users, generations, runs ids
	lanes, kinds, states, errors  texts
	traces                        texts
	payloads                      documents
	attempts                      numbers
	availableAt, createdAt        times
}

func (r *deliveryRows) add(d *app.Delivery) {
	r.ids = append(r.ids, d.ID)
	r.lanes = append(r.lanes, string(d.Kind.Lane()))
	r.kinds = append(r.kinds, string(d.Kind))
	r.users = append(r.users, d.UserID)
	r.generations = append(r.generations, d.GenerationID)
	r.runs = append(r.runs, d.RunID)
	r.payloads = append(r.payloads, string(d.Payload))
	r.states = append(r.states, string(orDefault(d.State, app.DeliveryWaiting)))
	r.attempts = append(r.attempts, int64(d.Attempts))
	r.availableAt = append(r.availableAt, orDefault(d.AvailableAt, d.CreatedAt))
	r.errors = append(r.errors, textArg(d.LastError))
	r.createdAt = append(r.createdAt, d.CreatedAt)
	r.traces = append(r.traces, textArg(d.Trace))
}

func (r *deliveryRows) queue(t *tx) {
	if len(r.ids) > 0 {
		t.queue(insertDeliveries, r.ids, r.lanes, r.kinds, r.users, r.generations, r.runs, r.payloads, r.states, r.attempts,
			r.availableAt, r.errors, r.createdAt, r.traces)
	}
}

// While a row is leased, the end of the lease is what it is available at.
const deliveryColumns = `id, kind, user_id, generation_id, run_id, payload, state, attempts,
	coalesce(leased_until, available_at), last_error, created_at, trace`

// claimDeliveries takes rows without a lease, and rows whose lease has ended. Those
// that another process is claiming right now are skipped.
//
// The rows are found as an array, not by a join: however many are waiting, each is
// then updated by its key.
const claimDeliveries = `UPDATE deliveries SET owner = $4::text, leased_until = $5::timestamptz, attempts = attempts + 1
WHERE id = ANY (ARRAY(
	SELECT id FROM deliveries
	WHERE state = 'waiting' AND lane = $1::text AND available_at <= $2::timestamptz AND (owner IS NULL OR leased_until <= $2::timestamptz)
	ORDER BY available_at, id LIMIT $3::bigint FOR UPDATE SKIP LOCKED))
RETURNING ` + deliveryColumns + `, available_at`

// claimed is a delivery with the time it was due at, which is the order of a claim.
type claimed struct {
	app.Delivery

	due time.Time
}

// ClaimDeliveries implements app.Outbox.
func (s *Store) ClaimDeliveries(ctx context.Context, q app.Claim) ([]app.Delivery, error) {
	var rows []claimed
	err := s.write(ctx, "claim deliveries", func(ctx context.Context, t *tx) error {
		rows = nil
		t.queue(claimDeliveries, string(q.Lane), q.Now, q.Limit, q.Owner, q.Until).Query(each(func(r pgx.Rows) error {
			var c claimed
			err := scanDelivery(r, &c.Delivery, (*timeColumn)(&c.due))
			rows = append(rows, c)
			return err
		}))
		return t.commit(ctx)
	})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b claimed) int {
		if c := a.due.Compare(b.due); c != 0 {
			return c
		}
		return bytes.Compare(a.ID[:], b.ID[:])
	})
	list := make([]app.Delivery, len(rows))
	for i := range rows {
		list[i] = rows[i].Delivery
	}
	return list, nil
}

func scanDelivery(r pgx.Rows, d *app.Delivery, more ...any) error {
	return r.Scan(append([]any{
		(*idColumn)(&d.ID), (*string)(&d.Kind), (*idColumn)(&d.UserID), (*idColumn)(&d.GenerationID), (*idColumn)(&d.RunID),
		payloadColumn(&d.Payload), (*string)(&d.State), &d.Attempts, (*timeColumn)(&d.AvailableAt), &d.LastError,
		(*timeColumn)(&d.CreatedAt), &d.Trace,
	}, more...)...)
}

// ListDeliveries implements app.Outbox.
func (s *Store) ListDeliveries(ctx context.Context, q app.DeliveryQuery) ([]app.Delivery, error) {
	sql := `SELECT ` + deliveryColumns + ` FROM deliveries WHERE id > $1::uuid`
	args := []any{q.After.String()} // also the zero one, which idArg makes NULL
	and := func(column, cast string, v any) {
		args = append(args, v)
		sql += ` AND ` + column + ` = $` + strconv.Itoa(len(args)) + `::` + cast
	}
	if q.State != "" {
		and("state", "text", string(q.State))
	}
	if q.Lane != "" {
		and("lane", "text", string(q.Lane))
	}
	if !q.GenerationID.IsZero() {
		and("generation_id", "uuid", idArg(q.GenerationID))
	}
	args = append(args, max(q.Limit, 1))
	sql += ` ORDER BY id LIMIT $` + strconv.Itoa(len(args)) + `::bigint`
	return query(ctx, s, "list deliveries", func(r pgx.Rows) (d app.Delivery, err error) {
		err = scanDelivery(r, &d)
		return d, err
	}, sql, args...)
}

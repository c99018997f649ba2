package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
)

const insertActions = `INSERT INTO operator_actions (at, operator_id, action, generation_id, delivery_id, delivery_kind, reason, detail)
SELECT unnest($1::timestamptz[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::text[]),
	unnest($7::text[]), unnest($8::text[])`

func (t *tx) queueActions(rows []app.OperatorAction) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertActions,
		times(rows, func(a app.OperatorAction) time.Time { return a.At }),
		uuids(rows, func(a app.OperatorAction) aigen.ID { return a.OperatorID }),
		texts(rows, func(a app.OperatorAction) string { return string(a.Kind) }),
		uuids(rows, func(a app.OperatorAction) aigen.ID { return a.GenerationID }),
		uuids(rows, func(a app.OperatorAction) aigen.ID { return a.DeliveryID }),
		texts(rows, func(a app.OperatorAction) string { return string(a.DeliveryKind) }),
		texts(rows, func(a app.OperatorAction) string { return textArg(a.Reason) }),
		texts(rows, func(a app.OperatorAction) string { return textArg(a.Detail) }))
}

// One statement each: what is chosen and locked is changed, and what was changed is
// written down. A row that somebody is claiming is waited for and looked at again.
const (
	settleChosen = `ARRAY(
	SELECT id FROM deliveries WHERE id = ANY ($1::uuid[]) AND (owner IS NULL OR leased_until <= $2::timestamptz) ORDER BY id FOR UPDATE)`
	settleNote = `INSERT INTO operator_actions (at, operator_id, action, generation_id, delivery_id, delivery_kind, reason, detail)
SELECT $2::timestamptz, $3::uuid, $4::text, generation_id, id, kind, $5::text, $6::text FROM done ORDER BY id RETURNING delivery_id`

	settleRetry = `WITH done AS (
	UPDATE deliveries SET state = 'waiting', attempts = 0, available_at = $2::timestamptz, owner = NULL, leased_until = NULL
	WHERE id = ANY (` + settleChosen + `) RETURNING id, kind, generation_id)
` + settleNote
	settleDrop = `WITH done AS (DELETE FROM deliveries WHERE id = ANY (` + settleChosen + `) RETURNING id, kind, generation_id)
` + settleNote
)

// ActOnDeliveries implements app.OperatorStore.
func (s *Store) ActOnDeliveries(ctx context.Context, st operations.DeliveryAction) (done []aigen.ID, err error) {
	sql := settleRetry
	if st.Action == app.ActionDrop {
		sql = settleDrop
	}
	if len(st.IDs) == 0 {
		return nil, nil
	}
	err = s.write(ctx, string(st.Action)+" deliveries", func(ctx context.Context, t *tx) error {
		done = nil
		t.queue(sql, ids(st.IDs), st.Now, idArg(st.By.ID), string(st.Action), textArg(st.By.Reason), textArg(st.Detail)).
			Query(each(func(r pgx.Rows) error {
				var id aigen.ID
				err := r.Scan((*idColumn)(&id))
				done = append(done, id)
				return err
			}))
		return t.commit(ctx)
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

const selectActions = `SELECT id, at, operator_id, action, generation_id, delivery_id, delivery_kind, reason, detail FROM operator_actions `

// Actions implements app.OperatorStore.
func (s *Store) Actions(ctx context.Context, q operations.ActionQuery) ([]app.OperatorAction, error) {
	var args []any
	param := func(v any, cast string) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args)) + "::" + cast
	}
	sql := selectActions + `WHERE true`
	if !q.GenerationID.IsZero() {
		sql += ` AND generation_id = ` + param(idArg(q.GenerationID), "uuid")
	}
	if q.Before > 0 {
		sql += ` AND id < ` + param(q.Before, "bigint")
	}
	sql += ` ORDER BY id DESC LIMIT ` + param(max(q.Limit, 1), "bigint")
	return query(ctx, s, "operator actions", func(r pgx.Rows) (a app.OperatorAction, err error) {
		err = r.Scan(&a.ID, (*timeColumn)(&a.At), (*idColumn)(&a.OperatorID), (*string)(&a.Kind), (*idColumn)(&a.GenerationID),
			(*idColumn)(&a.DeliveryID), (*string)(&a.DeliveryKind), &a.Reason, &a.Detail)
		return a, err
	}, sql, args...)
}

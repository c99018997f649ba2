package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
)

func insertAction(ctx context.Context, c *session, a *app.OperatorAction) error {
	const query = `INSERT INTO operator_actions (at, operator_id, action, generation_id, delivery_id, delivery_kind, reason, detail)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	_, err := c.exec(ctx, query, a.At.UnixMicro(), a.OperatorID[:], string(a.Kind), a.GenerationID[:], idArg(a.DeliveryID),
		string(a.DeliveryKind), a.Reason, a.Detail)
	if err != nil {
		return fmt.Errorf("operator's %s: %w", a.Kind, err)
	}
	return nil
}

// ActOnDeliveries implements app.OperatorStore.
func (s *Store) ActOnDeliveries(ctx context.Context, st operations.DeliveryAction) (done []aigen.ID, err error) {
	const (
		idle  = ` WHERE id = ?1 AND (owner IS NULL OR available_at <= ?2) RETURNING generation_id, kind`
		retry = `UPDATE deliveries SET state = 'waiting', attempts = 0, available_at = ?2, owner = NULL` + idle
		drop  = `DELETE FROM deliveries` + idle
	)
	query := retry
	if st.Action == app.ActionDrop {
		query = drop
	}
	if len(st.IDs) == 0 {
		return nil, nil
	}
	err = s.write(ctx, string(st.Action)+" deliveries", func(ctx context.Context, c *session) error {
		done = nil
		for _, id := range st.IDs {
			a := app.OperatorAction{
				At: st.Now, OperatorID: st.By.ID, Kind: st.Action, DeliveryID: id, Reason: st.By.Reason, Detail: st.Detail,
			}
			found, err := c.one(ctx, []any{idColumn(&a.GenerationID), (*string)(&a.DeliveryKind)}, query, id[:], st.Now.UnixMicro())
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			if err := insertAction(ctx, c, &a); err != nil {
				return err
			}
			done = append(done, id)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

// Actions implements app.OperatorStore.
func (s *Store) Actions(ctx context.Context, q operations.ActionQuery) ([]app.OperatorAction, error) {
	query := `SELECT id, at, operator_id, action, generation_id, delivery_id, delivery_kind, reason, detail FROM operator_actions WHERE true`
	var args []any
	if !q.GenerationID.IsZero() {
		query += ` AND generation_id = ?`
		args = append(args, q.GenerationID[:])
	}
	if q.Before > 0 {
		query += ` AND id < ?`
		args = append(args, q.Before)
	}
	query += ` ORDER BY id DESC LIMIT ?`
	args = append(args, max(q.Limit, 1))
	var list []app.OperatorAction
	err := s.view(ctx, "operator actions", func(ctx context.Context, c *session) error {
		return c.each(ctx, func(r *sql.Rows) error {
			var a app.OperatorAction
			err := r.Scan(&a.ID, timeColumn(&a.At), idColumn(&a.OperatorID), (*string)(&a.Kind), idColumn(&a.GenerationID),
				idColumn(&a.DeliveryID), (*string)(&a.DeliveryKind), &a.Reason, &a.Detail)
			list = append(list, a)
			return err
		}, query, args...)
	})
	return list, err
}

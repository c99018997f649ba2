package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
)

var _ operations.Store = (*Store)(nil)

// ListAll implements app.OperatorStore. The page is found first, as ids alone, and
// then read, each by its key.
func (s *Store) ListAll(ctx context.Context, q operations.AllQuery) ([]*aigen.Generation, error) {
	query, args := allQuery(q)
	var list []*aigen.Generation
	err := s.view(ctx, "list all generations", func(ctx context.Context, c *session) error {
		var page []aigen.ID
		err := c.each(ctx, func(r *sql.Rows) error {
			var id aigen.ID
			err := r.Scan(idColumn(&id))
			page = append(page, id)
			return err
		}, query, args...)
		if err != nil {
			return err
		}
		for _, id := range page {
			one, err := loadGenerations(ctx, c, `SELECT `+generationColumns+` FROM generations WHERE id = ?`, id[:])
			if err != nil {
				return err
			}
			if err := loadRuns(ctx, c, one, `WHERE generation_id = ?`, id[:]); err != nil {
				return err
			}
			list = append(list, one...)
		}
		return nil
	})
	return list, err
}

// allQuery selects the ids of a page. Each shape has an index:
//
//   - of a user: generations_list;
//   - ended without a picture: generations_unfulfilled;
//   - not ended: generations_due, which holds no others. Not by the primary key, in
//     which a few of them may lie anywhere among many that have ended: the + keeps
//     SQLite from it;
//   - all others: the primary key from its end. What completes is never far.
func allQuery(q operations.AllQuery) (query string, args []any) {
	low, high := operations.IDsBetween(q.From, q.To)
	var where []string
	add := func(condition string, values ...any) {
		where, args = append(where, condition), append(args, values...)
	}
	order, id := `id DESC`, `id`
	live := q.UserID.IsZero() && q.Status != "" && !q.Status.Ended()
	switch {
	case !q.UserID.IsZero():
		order = `created_at DESC, id DESC`
		add(`user_id = ?`, q.UserID[:])
		if !q.Before.IsZero() {
			add(`(created_at, id) < (SELECT created_at, id FROM generations WHERE id = ?)`, q.Before[:])
		}
	case live:
		order, id = `+id DESC`, `+id`
		add(`due_at > 0`)
		fallthrough
	default:
		if !q.From.IsZero() {
			add(id+` >= ?`, low[:])
		}
		if !q.To.IsZero() {
			add(id+` < ?`, high[:])
		}
		if !q.Before.IsZero() {
			add(id+` < ?`, q.Before[:])
		}
	}
	if q.Status != "" {
		// As a constant: only so does SQLite know that a partial index holds them.
		add(`status = '` + string(q.Status) + `'`)
	}
	if !q.From.IsZero() {
		add(`created_at >= ?`, q.From.UnixMicro())
	}
	if !q.To.IsZero() {
		add(`created_at < ?`, q.To.UnixMicro())
	}
	if !q.ProjectID.IsZero() {
		add(`project_id = ?`, q.ProjectID[:])
	}
	query = `SELECT id FROM generations`
	if len(where) > 0 {
		query += ` WHERE ` + strings.Join(where, ` AND `)
	}
	return query + ` ORDER BY ` + order + ` LIMIT ?`, append(args, max(q.Limit, 1))
}

// FindRun implements app.OperatorStore. It reads the runs of a short time: jobs stand
// in theirs as JSON.
func (s *Store) FindRun(ctx context.Context, runOrJob aigen.ID, from, to time.Time) (generation aigen.ID, err error) {
	const query = `SELECT generation_id FROM runs WHERE created_at >= ? AND created_at < ? AND (id = ? OR instr(jobs, ?) > 0) LIMIT 1`
	err = s.view(ctx, "find run", func(ctx context.Context, c *session) error {
		found, err := c.one(ctx, []any{idColumn(&generation)}, query, from.UnixMicro(), to.UnixMicro(), runOrJob[:], runOrJob.String())
		if err == nil && !found {
			err = &aigen.Error{Code: aigen.CodeNotFound, Message: "There is no run and no job with this id."}
		}
		return err
	})
	return generation, err
}

// Entries implements app.OperatorStore.
func (s *Store) Entries(ctx context.Context, runs []aigen.ID) ([]operations.LedgerEntry, error) {
	const query = `SELECT id, kind, run_id, amount, balance_after, held_after, at FROM ledger_entries WHERE run_id = ? ORDER BY id`
	var list []operations.LedgerEntry
	err := s.view(ctx, "ledger entries of runs", func(ctx context.Context, c *session) error {
		for _, run := range runs { // whose entries come in the order of the runs: one is settled before the next is made
			err := c.each(ctx, func(r *sql.Rows) error {
				var e operations.LedgerEntry
				var id int64
				err := r.Scan(&id, (*string)(&e.Kind), idColumn(&e.RunID), (*int64)(&e.Amount), (*int64)(&e.BalanceAfter),
					(*int64)(&e.HeldAfter), timeColumn(&e.At))
				list = append(list, e)
				return err
			}, query, run[:])
			if err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// Dialect: PostgreSQL has these as LATERAL and FILTER.
const (
	activityEvents = `SELECT (at - ?1) / ?3 AS part, type, count(*) FROM events WHERE at >= ?1 AND at < ?2 GROUP BY 1, 2`

	// The newest successes of each part, each with the start of its stage: the last
	// event before it that says so.
	activityStages = `SELECT part, type, at - began FROM (
	SELECT e.part, e.type, e.at, (SELECT b.at FROM events b WHERE b.generation_id = e.generation_id AND b.seq < e.seq AND
			CASE e.type WHEN 'samples_ready' THEN b.type = 'generation_created' OR b.type = 'samples_started' ELSE b.type = 'final_started' END
		ORDER BY b.seq DESC LIMIT 1) AS began
	FROM (SELECT generation_id, seq, at, type, (at - ?1) / ?3 AS part,
			row_number() OVER (PARTITION BY (at - ?1) / ?3, type ORDER BY at DESC) AS n
		FROM events WHERE at >= ?1 AND at < ?2 AND (type = 'samples_ready' OR type = 'generation_completed')) AS e
	WHERE e.n <= ?4)
WHERE began IS NOT NULL`

	activityCredits = `SELECT (created_at - ?1) / ?3 AS part,
	sum(CASE WHEN reservation = 'held' OR reservation = 'deducted' OR reservation = 'refunded' THEN amount ELSE 0 END),
	sum(CASE WHEN reservation = 'deducted' THEN amount ELSE 0 END),
	sum(CASE WHEN reservation = 'refunded' THEN amount ELSE 0 END)
FROM runs WHERE created_at >= ?1 AND created_at < ?2 GROUP BY 1`
)

// Activity implements app.OperatorStore.
func (s *Store) Activity(ctx context.Context, q operations.ActivityQuery) ([]operations.Activity, error) {
	parts := map[int64]*operations.Activity{}
	part := func(i int64) *operations.Activity {
		a, ok := parts[i]
		if !ok {
			a = &operations.Activity{From: q.From.Add(time.Duration(i) * q.Width), Events: map[aigen.EventType]int64{}}
			parts[i] = a
		}
		return a
	}
	from, to, width := q.From.UnixMicro(), q.To.UnixMicro(), q.Width.Microseconds()
	err := s.view(ctx, "activity", func(ctx context.Context, c *session) error {
		var i, n int64
		var event string
		err := c.each(ctx, func(r *sql.Rows) error {
			err := r.Scan(&i, &event, &n)
			part(i).Events[aigen.EventType(event)] = n
			return err
		}, activityEvents, from, to, width)
		if err != nil {
			return err
		}
		err = c.each(ctx, func(r *sql.Rows) error {
			err := r.Scan(&i, &event, &n)
			part(i).Took(aigen.EventType(event), time.Duration(n)*time.Microsecond)
			return err
		}, activityStages, from, to, width, q.Sample)
		if err != nil {
			return err
		}
		return c.each(ctx, func(r *sql.Rows) error {
			var t aigen.CreditTotals
			err := r.Scan(&i, (*int64)(&t.Reserved), (*int64)(&t.Deducted), (*int64)(&t.Refunded))
			part(i).Credits = t
			return err
		}, activityCredits, from, to, width)
	})
	if err != nil {
		return nil, err
	}
	return operations.SortActivity(parts), nil
}

// DeadCauses implements app.OperatorStore.
func (s *Store) DeadCauses(ctx context.Context, limit int) ([]operations.DeadCause, error) {
	const query = `SELECT kind, last_error, count(*), min(created_at), max(created_at), min(id) FROM deliveries
WHERE state = 'dead' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT ?`
	var list []operations.DeadCause
	err := s.view(ctx, "causes of dead deliveries", func(ctx context.Context, c *session) error {
		return c.each(ctx, func(r *sql.Rows) error {
			var d operations.DeadCause
			err := r.Scan((*string)(&d.Kind), &d.Error, &d.Count, timeColumn(&d.Oldest), timeColumn(&d.Newest), idColumn(&d.Example))
			list = append(list, d)
			return err
		}, query, limit)
	})
	return list, err
}

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

package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
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

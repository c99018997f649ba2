package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/reconcile"
	"github.com/creativeflow/aigen/internal/rowjson"
)

// loadRuns gives each generation of the list its runs, oldest first.
func loadRuns(ctx context.Context, c *session, list []*aigen.Generation, where string, args ...any) error {
	query := `SELECT generation_id, number, id, stage, input, sample_id, resolution, amount, reservation,
	ask_at, jobs, deadline, created_at
FROM runs ` + where + ` ORDER BY generation_id, number`
	owner := make(map[aigen.ID]*aigen.Generation, len(list))
	for _, g := range list {
		owner[g.ID] = g
	}
	return c.each(ctx, func(rows *sql.Rows) error {
		var generation aigen.ID
		var r aigen.Run
		err := rows.Scan(idColumn(&generation), &r.Number, idColumn(&r.ID), (*string)(&r.Stage), inputColumn(&r.Input),
			&r.SampleID, resolutionColumn(&r.Resolution), (*int64)(&r.Amount), (*string)(&r.Reservation),
			timeColumn(&r.ReservationRetryAt), jsonColumn(&r.Jobs), timeColumn(&r.Deadline), timeColumn(&r.CreatedAt))
		if err != nil {
			return err
		}
		g := owner[generation]
		g.Runs = append(g.Runs, r)
		return nil
	}, query, args...)
}

func inputColumn(dst **aigen.Input) column {
	return func(src any) error {
		text, err := textOf(src)
		if text != nil {
			*dst, err = rowjson.ReadInput(text)
		}
		return err
	}
}

const insertRun = `INSERT INTO runs (generation_id, number, id, user_id, stage, input, sample_id, resolution, amount,
	reservation, ask_at, jobs, deadline, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (generation_id, number) DO UPDATE SET
	reservation = excluded.reservation, ask_at = excluded.ask_at, jobs = excluded.jobs, deadline = excluded.deadline`

// changedRuns adds the runs that may have changed to rows: a run whose reservation was
// decided before this step never changes again, so that a generation with many of
// them costs no more than one with few.
func changedRuns(ctx context.Context, c *session, rows []any, g *aigen.Generation, from int64) ([]any, error) {
	open, err := openRuns(ctx, c, g, from)
	if err != nil {
		return nil, err
	}
	last := len(g.Runs) - 1
	for i := range g.Runs {
		r := &g.Runs[i]
		if from > 0 && i < last && r.Reservation.Ended() && !slices.Contains(open, r.Number) {
			continue
		}
		row, err := runRow(g, r)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", r.ID, err)
		}
		rows = append(rows, row...)
	}
	return rows, nil
}

// openRuns returns the numbers of the runs whose reservation is not decided, as they
// were before this step.
func openRuns(ctx context.Context, c *session, g *aigen.Generation, from int64) (open []int, err error) {
	if from == 0 || len(g.Runs) <= 1 {
		return nil, nil // nothing to look for
	}
	const query = `SELECT number FROM runs WHERE generation_id = ? AND (reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing')`
	err = c.each(ctx, func(r *sql.Rows) error {
		var number int
		err := r.Scan(&number)
		open = append(open, number)
		return err
	}, query, g.ID[:])
	return open, err
}

// runRow is a row for insertRun.
func runRow(g *aigen.Generation, r *aigen.Run) ([]any, error) {
	input, err := rowjson.Input(r.Input)
	if err != nil {
		return nil, err
	}
	jobs := ""
	if len(r.Jobs) > 0 {
		jobs = rowjson.Jobs(r.Jobs)
	}
	return []any{
		g.ID[:], r.Number, r.ID[:], g.UserID[:], string(r.Stage), orNull(input), r.SampleID, r.Resolution.String(),
		int64(r.Amount), string(r.Reservation), timeArg(r.ReservationRetryAt), orNull(jobs), timeArg(r.Deadline), r.CreatedAt.UnixMicro(),
	}, nil
}

// Runs implements app.RunBook.
func (s *Store) Runs(ctx context.Context, after reconcile.RunPlace, limit int) (list []reconcile.BookedRun, err error) {
	const query = `SELECT generation_id, number, id, user_id, amount, reservation, created_at FROM runs
WHERE (generation_id, number) > (?, ?) ORDER BY generation_id, number LIMIT ?`
	err = s.view(ctx, "list runs", func(ctx context.Context, c *session) error {
		list = nil
		return c.each(ctx, func(rows *sql.Rows) error {
			var r reconcile.BookedRun
			err := rows.Scan(idColumn(&r.GenerationID), &r.Number, idColumn(&r.ID), idColumn(&r.UserID),
				(*int64)(&r.Amount), (*string)(&r.Reservation), timeColumn(&r.CreatedAt))
			list = append(list, r)
			return err
		}, query, after.GenerationID[:], after.Number, limit)
	})
	return list, err
}

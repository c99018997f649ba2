package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/reconcile"
	"github.com/creativeflow/aigen/internal/rowjson"
)

const runColumns = `generation_id, number, id, stage, input, sample_id, resolution, amount, reservation,
	ask_at, jobs, deadline, created_at`

const runsOfGeneration = `SELECT ` + runColumns + ` FROM runs WHERE generation_id = $1::uuid ORDER BY number`

// runsOfList is the query for the runs of the generations that where selects.
func runsOfList(where string) string {
	return `SELECT ` + runColumns + ` FROM runs WHERE generation_id = ANY (ARRAY(SELECT id FROM generations ` + where + `))
ORDER BY generation_id, number`
}

// loadRun gives each generation of the list its runs, oldest first.
func loadRun(list *[]*aigen.Generation) func(pgx.Rows) error {
	var owners map[aigen.ID]*aigen.Generation
	return func(rows pgx.Rows) error {
		if owners == nil {
			owners = make(map[aigen.ID]*aigen.Generation, len(*list))
			for _, g := range *list {
				owners[g.ID] = g
			}
		}
		var generation aigen.ID
		var r aigen.Run
		err := rows.Scan((*idColumn)(&generation), &r.Number, (*idColumn)(&r.ID), (*string)(&r.Stage), inputColumn(&r.Input),
			&r.SampleID, (*resolutionColumn)(&r.Resolution), (*int64)(&r.Amount), (*string)(&r.Reservation),
			(*timeColumn)(&r.ReservationRetryAt), jsonColumn(&r.Jobs), (*timeColumn)(&r.Deadline), (*timeColumn)(&r.CreatedAt))
		if err != nil {
			return err
		}
		g := owners[generation]
		g.Runs = append(g.Runs, r)
		return nil
	}
}

func inputColumn(dst **aigen.Input) column {
	return func(text []byte) (err error) {
		if text != nil {
			*dst, err = rowjson.ReadInput(text)
		}
		return err
	}
}

// selectOpenRuns finds the runs that may still change.
const selectOpenRuns = `SELECT generation_id, number FROM runs
WHERE generation_id = ANY ($1::uuid[]) AND reservation IN ('pending', 'held', 'releasing')`

const (
	insertRuns = `INSERT INTO runs (generation_id, number, id, user_id, stage, input, sample_id, resolution, amount,
	reservation, ask_at, jobs, deadline, created_at)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::text[]), unnest($6::json[]),
	unnest($7::text[]), unnest($8::text[]), unnest($9::bigint[]), unnest($10::text[]), unnest($11::timestamptz[]), unnest($12::text[]),
	unnest($13::timestamptz[]), unnest($14::timestamptz[])`
	upsertRuns = insertRuns + `
ON CONFLICT (generation_id, number) DO UPDATE SET
	reservation = excluded.reservation, ask_at = excluded.ask_at, jobs = excluded.jobs, deadline = excluded.deadline`
)

// runRow is a run with its JSON made.
type runRow struct {
	*aigen.Run

	of    *aigen.Generation
	input string
	jobs  string
}

func newRunRow(g *aigen.Generation, r *aigen.Run) (row runRow, err error) {
	row = runRow{Run: r, of: g}
	if row.input, err = rowjson.Input(r.Input); err != nil {
		return row, fmt.Errorf("input of run %s: %w", r.ID, err)
	}
	if len(r.Jobs) > 0 {
		row.jobs = rowjson.Jobs(r.Jobs)
	}
	return row, nil
}

// queueRuns queues insertRuns or upsertRuns.
func (t *tx) queueRuns(sql string, rows []runRow) {
	if len(rows) == 0 {
		return
	}
	t.queue(sql,
		uuids(rows, func(r runRow) aigen.ID { return r.of.ID }),
		integers(rows, func(r runRow) int64 { return int64(r.Number) }),
		uuids(rows, func(r runRow) aigen.ID { return r.ID }),
		uuids(rows, func(r runRow) aigen.ID { return r.of.UserID }),
		texts(rows, func(r runRow) string { return string(r.Stage) }),
		optional(rows, func(r runRow) string { return r.input }),
		texts(rows, func(r runRow) string { return r.SampleID }),
		texts(rows, func(r runRow) string { return r.Resolution.String() }),
		integers(rows, func(r runRow) int64 { return int64(r.Amount) }),
		texts(rows, func(r runRow) string { return string(r.Reservation) }),
		times(rows, func(r runRow) time.Time { return r.ReservationRetryAt }),
		optional(rows, func(r runRow) string { return r.jobs }),
		times(rows, func(r runRow) time.Time { return r.Deadline }),
		times(rows, func(r runRow) time.Time { return r.CreatedAt }))
}

const bookedRuns = `SELECT generation_id, number, id, user_id, amount, reservation, created_at FROM runs
WHERE (generation_id, number) > ($1::uuid, $2::bigint) ORDER BY generation_id, number LIMIT $3::bigint`

// Runs implements app.RunBook.
func (s *Store) Runs(ctx context.Context, after reconcile.RunPlace, limit int) ([]reconcile.BookedRun, error) {
	// The nil UUID as a value: idArg makes NULL of it, and nothing is greater than that.
	return query(ctx, s, "list runs", func(rows pgx.Rows) (r reconcile.BookedRun, err error) {
		err = rows.Scan((*idColumn)(&r.GenerationID), &r.Number, (*idColumn)(&r.ID), (*idColumn)(&r.UserID),
			(*int64)(&r.Amount), (*string)(&r.Reservation), (*timeColumn)(&r.CreatedAt))
		return r, err
	}, bookedRuns, after.GenerationID.String(), after.Number, limit)
}

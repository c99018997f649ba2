package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
)

var _ operations.Store = (*Store)(nil)

const (
	generationsByID = `SELECT ` + generationColumns + ` FROM generations WHERE id = ANY ($1::uuid[]) ORDER BY id DESC`
	runsByID        = `SELECT ` + runColumns + ` FROM runs WHERE generation_id = ANY ($1::uuid[]) ORDER BY generation_id, number`
)

// ListAll implements app.OperatorStore. The page is found first, as ids alone, and
// then read: so that an index serves however the page is selected.
func (s *Store) ListAll(ctx context.Context, q operations.AllQuery) ([]*aigen.Generation, error) {
	sql, args := allQuery(q)
	page, err := query(ctx, s, "find generations", func(r pgx.Rows) (id aigen.ID, err error) {
		err = r.Scan((*idColumn)(&id))
		return id, err
	}, sql, args...)
	if err != nil || len(page) == 0 {
		return nil, err
	}
	var found []*aigen.Generation
	err = s.snapshot(ctx, "list all generations", func(b *pgx.Batch) {
		found = nil
		b.Queue(generationsByID, ids(page)).Query(each(loadGeneration(&found)))
		b.Queue(runsByID, ids(page)).Query(each(loadRun(&found)))
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// allQuery selects the ids of a page. Each shape has an index:
//
//   - of a user: generations_list;
//   - ended without a picture: generations_unfulfilled;
//   - not ended: generations_due, which holds no others. Not by the primary key, in
//     which a few of them may lie anywhere among millions that have ended;
//   - all others: the primary key from its end. What completes is never far.
func allQuery(q operations.AllQuery) (sql string, args []any) {
	param := func(v any, cast string) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args)) + "::" + cast
	}
	low, high := operations.IDsBetween(q.From, q.To)
	var where []string
	add := func(condition string) { where = append(where, condition) }
	if !q.UserID.IsZero() {
		add(`user_id = ` + param(idArg(q.UserID), "uuid"))
	} else {
		add(`id >= ` + param(low.String(), "uuid")) // also the zero one, which idArg makes NULL
		if !q.Before.IsZero() {
			add(`id < ` + param(q.Before.String(), "uuid"))
		}
		if !q.To.IsZero() {
			add(`id < ` + param(high.String(), "uuid"))
		}
	}
	if !q.From.IsZero() {
		add(`created_at >= ` + param(q.From, "timestamptz"))
	}
	if !q.To.IsZero() {
		add(`created_at < ` + param(q.To, "timestamptz"))
	}
	if !q.ProjectID.IsZero() {
		add(`project_id = ` + param(idArg(q.ProjectID), "uuid"))
	}
	const from = `SELECT id FROM generations WHERE `
	limit := ` LIMIT ` + param(max(q.Limit, 1), "bigint")
	switch {
	case !q.UserID.IsZero():
		if q.Status != "" {
			add(`status = ` + param(string(q.Status), "text"))
		}
		if !q.Before.IsZero() {
			add(`(created_at, id) < (SELECT created_at, id FROM generations WHERE id = ` + param(idArg(q.Before), "uuid") + `)`)
		}
		return from + strings.Join(where, ` AND `) + ` ORDER BY created_at DESC, id DESC` + limit, args
	case q.Status != "" && !q.Status.Ended():
		add(`due_at IS NOT NULL AND status = ` + param(string(q.Status), "text"))
		return `WITH live AS MATERIALIZED (` + from + strings.Join(where, ` AND `) + `) SELECT id FROM live ORDER BY id DESC` + limit, args
	case q.Status != "":
		// As a constant: only so does the planner know that a partial index holds them.
		add(`status = '` + string(q.Status) + `'`)
	}
	return from + strings.Join(where, ` AND `) + ` ORDER BY id DESC` + limit, args
}

// findRun reads the runs of a short time. Jobs stand in theirs as JSON.
const findRun = `SELECT generation_id FROM runs WHERE created_at >= $1::timestamptz AND created_at < $2::timestamptz
	AND (id = $3::uuid OR strpos(jobs, $4::text) > 0) LIMIT 1`

// FindRun implements app.OperatorStore.
func (s *Store) FindRun(ctx context.Context, runOrJob aigen.ID, from, to time.Time) (generation aigen.ID, err error) {
	found, err := s.one(ctx, "find run", func(r pgx.Rows) error { return r.Scan((*idColumn)(&generation)) },
		findRun, from, to, idArg(runOrJob), runOrJob.String())
	if err == nil && !found {
		err = &aigen.Error{Code: aigen.CodeNotFound, Message: "There is no run and no job with this id."}
	}
	return generation, err
}

const entriesOfRuns = `SELECT kind, run_id, amount, balance_after, held_after, at FROM ledger_entries WHERE run_id = ANY ($1::uuid[]) ORDER BY id`

// Entries implements app.OperatorStore.
func (s *Store) Entries(ctx context.Context, runs []aigen.ID) ([]operations.LedgerEntry, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	return query(ctx, s, "ledger entries of runs", func(r pgx.Rows) (e operations.LedgerEntry, err error) {
		err = r.Scan((*string)(&e.Kind), (*idColumn)(&e.RunID), (*int64)(&e.Amount), (*int64)(&e.BalanceAfter), (*int64)(&e.HeldAfter), (*timeColumn)(&e.At))
		return e, err
	}, entriesOfRuns, ids(runs))
}

package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
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

// Times are in microseconds, as they are kept; the parts are counted from the start.
const (
	activityEvents = `SELECT (extract(epoch FROM at - $1::timestamptz) * 1000000)::bigint / $3::bigint AS part, type, count(*)
FROM events WHERE at >= $1::timestamptz AND at < $2::timestamptz GROUP BY 1, 2`

	// The newest successes of each part, each with the start of its stage: the last
	// event before it that says so.
	activityStages = `SELECT e.part, e.type, (extract(epoch FROM e.at - s.at) * 1000000)::bigint
FROM (SELECT generation_id, seq, at, type, part, row_number() OVER (PARTITION BY part, type ORDER BY at DESC) AS n
	FROM (SELECT generation_id, seq, at, type, (extract(epoch FROM at - $1::timestamptz) * 1000000)::bigint / $3::bigint AS part
		FROM events WHERE at >= $1::timestamptz AND at < $2::timestamptz AND type IN ('samples_ready', 'generation_completed')) AS ended) AS e,
LATERAL (SELECT at FROM events b WHERE b.generation_id = e.generation_id AND b.seq < e.seq AND
		b.type = ANY (CASE e.type WHEN 'samples_ready' THEN ARRAY['generation_created', 'samples_started'] ELSE ARRAY['final_started'] END)
	ORDER BY b.seq DESC LIMIT 1) AS s
WHERE e.n <= $4::bigint`

	activityCredits = `SELECT (extract(epoch FROM created_at - $1::timestamptz) * 1000000)::bigint / $3::bigint AS part,
	coalesce(sum(amount) FILTER (WHERE reservation IN ('held', 'deducted', 'refunded')), 0)::bigint,
	coalesce(sum(amount) FILTER (WHERE reservation = 'deducted'), 0)::bigint,
	coalesce(sum(amount) FILTER (WHERE reservation = 'refunded'), 0)::bigint
FROM runs WHERE created_at >= $1::timestamptz AND created_at < $2::timestamptz GROUP BY 1`

	deadCauses = `SELECT kind, last_error, count(*), min(created_at), max(created_at), min(id::text)::uuid FROM deliveries
WHERE state = 'dead' GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT $1::bigint`
)

// Activity implements app.OperatorStore.
func (s *Store) Activity(ctx context.Context, q operations.ActivityQuery) ([]operations.Activity, error) {
	var parts map[int64]*operations.Activity
	part := func(i int64) *operations.Activity {
		a, ok := parts[i]
		if !ok {
			a = &operations.Activity{From: q.From.Add(time.Duration(i) * q.Width), Events: map[aigen.EventType]int64{}}
			parts[i] = a
		}
		return a
	}
	err := s.snapshot(ctx, "activity", func(b *pgx.Batch) {
		parts = map[int64]*operations.Activity{}
		b.Queue(activityEvents, q.From, q.To, q.Width.Microseconds()).Query(each(func(r pgx.Rows) error {
			var i, n int64
			var event string
			err := r.Scan(&i, &event, &n)
			part(i).Events[aigen.EventType(event)] = n
			return err
		}))
		b.Queue(activityStages, q.From, q.To, q.Width.Microseconds(), q.Sample).Query(each(func(r pgx.Rows) error {
			var i, took int64
			var event string
			err := r.Scan(&i, &event, &took)
			part(i).Took(aigen.EventType(event), time.Duration(took)*time.Microsecond)
			return err
		}))
		b.Queue(activityCredits, q.From, q.To, q.Width.Microseconds()).Query(each(func(r pgx.Rows) error {
			var i int64
			var c aigen.CreditTotals
			err := r.Scan(&i, (*int64)(&c.Reserved), (*int64)(&c.Deducted), (*int64)(&c.Refunded))
			part(i).Credits = c
			return err
		}))
	})
	if err != nil {
		return nil, err
	}
	return operations.SortActivity(parts), nil
}

// DeadCauses implements app.OperatorStore.
func (s *Store) DeadCauses(ctx context.Context, limit int) ([]operations.DeadCause, error) {
	return query(ctx, s, "causes of dead deliveries", func(r pgx.Rows) (c operations.DeadCause, err error) {
		err = r.Scan((*string)(&c.Kind), &c.Error, &c.Count, (*timeColumn)(&c.Oldest), (*timeColumn)(&c.Newest), (*idColumn)(&c.Example))
		return c, err
	}, deadCauses, limit)
}

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

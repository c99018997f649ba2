package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
)

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

package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
)

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

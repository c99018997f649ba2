package sqlite

import (
	"context"
	"database/sql"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Stats implements app.GenerationRepository. Generations are counted as they
// change, so that eight rows are read for them. Of the outbox and of the open
// reservations, indexes are read that hold only what is not done yet: the cost
// grows with the work in hand, not with the history.
func (s *Store) Stats(ctx context.Context) (app.Stats, error) {
	st := app.Stats{Generations: make(map[aigen.Status]int64, len(aigen.Statuses()))}
	for _, status := range aigen.Statuses() {
		st.Generations[status] = 0
	}
	err := s.view(ctx, "stats", func(ctx context.Context, c *session) error {
		err := c.each(ctx, func(r *sql.Rows) error {
			var status string
			var n int64
			err := r.Scan(&status, &n)
			st.Generations[aigen.Status(status)] = n
			return err
		}, `SELECT status, n FROM generation_counts`)
		if err != nil {
			return err
		}
		if st.Outbox, err = laneStats(ctx, c); err != nil {
			return err
		}
		const open = `SELECT count(*), coalesce(sum(amount), 0), min(created_at) FROM runs
WHERE (reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing')`
		r := &st.Reservations
		_, err = c.one(ctx, []any{&r.Open, (*int64)(&r.Amount), timeColumn(&r.Oldest)}, open)
		return err
	})
	return st, err
}

// laneStats describes every lane, also those without rows.
func laneStats(ctx context.Context, c *session) ([]outbox.QueueStats, error) {
	const (
		waiting = `SELECT count(*), min(created_at) FROM deliveries WHERE state = 'waiting' AND lane = ?`
		dead    = `SELECT count(*) FROM deliveries WHERE state = 'dead' AND lane = ?`
	)
	lanes := outbox.Queues()
	list := make([]outbox.QueueStats, len(lanes))
	for i, lane := range lanes {
		l := &list[i]
		l.Queue = lane
		if _, err := c.one(ctx, []any{&l.Depth, timeColumn(&l.Oldest)}, waiting, string(lane)); err != nil {
			return nil, err
		}
		if _, err := c.one(ctx, []any{&l.Dead}, dead, string(lane)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// CountQueued implements app.GenerationRepository. A generation has one such run at most.
//
// Dialect: SQLite takes a partial index only for a query that repeats its condition.
func (s *Store) CountQueued(ctx context.Context, user aigen.ID, most int) (n int, err error) {
	const query = `SELECT count(*) FROM (SELECT 1 FROM runs WHERE user_id = ?
	AND (reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing') AND reservation <> 'releasing' LIMIT ?)`
	err = s.view(ctx, "count a user's queue", func(ctx context.Context, c *session) error {
		_, err := c.one(ctx, []any{&n}, query, user[:], most)
		return err
	})
	return n, err
}

package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/creativeflow/aigen"
)

// selectEnded leaves a generation with a run that is not decided: credits are still
// held for it, or may be.
const selectEnded = `SELECT id, user_id, last_event FROM generations
WHERE (status = 'Completed' OR status = 'Failed' OR status = 'Cancelled' OR status = 'ContentRejected') AND status_since < ?
	AND NOT EXISTS (SELECT 1 FROM runs WHERE generation_id = generations.id
		AND (reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing'))
ORDER BY status_since, id LIMIT ?`

// ended is a generation that is about to go.
type ended struct {
	id, user aigen.ID
	events   int64
}

// RemoveEnded implements app.GenerationRepository. Runs go with their generation, by
// the foreign key; events must go before it.
func (s *Store) RemoveEnded(ctx context.Context, before time.Time, limit int) (int, error) {
	var gone []ended
	// Whoever finds nothing does not hold up the writer.
	if found, err := s.anyEnded(ctx, before); err != nil || !found {
		return 0, err
	}
	err := s.write(ctx, "remove ended generations", func(ctx context.Context, c *session) (err error) {
		if gone, err = loadEnded(ctx, c, before, limit); err != nil {
			return err
		}
		for _, g := range gone {
			if err := g.remove(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return len(gone), nil
}

func (s *Store) anyEnded(ctx context.Context, before time.Time) (found bool, err error) {
	err = s.view(ctx, "look for ended generations", func(ctx context.Context, c *session) error {
		list, err := loadEnded(ctx, c, before, 1)
		found = len(list) > 0
		return err
	})
	return found, err
}

func loadEnded(ctx context.Context, c *session, before time.Time, limit int) (list []ended, err error) {
	err = c.each(ctx, func(r *sql.Rows) error {
		var g ended
		err := r.Scan(idColumn(&g.id), idColumn(&g.user), &g.events) // a log has no gaps: its last number is how many there are
		list = append(list, g)
		return err
	}, selectEnded, before.UnixMicro(), limit)
	return list, err
}

func (g ended) remove(ctx context.Context, c *session) error {
	for _, step := range []struct {
		query string
		args  []any
	}{
		{`UPDATE assets SET remove_at = 0 WHERE generation_id = ?`, []any{g.id[:]}},
		{`DELETE FROM events WHERE generation_id = ?`, []any{g.id[:]}},
		{`DELETE FROM generations WHERE id = ?`, []any{g.id[:]}},
		{`UPDATE accounts SET events_removed = events_removed + ? WHERE user_id = ?`, []any{g.events, g.user[:]}},
	} {
		if _, err := c.exec(ctx, step.query, step.args...); err != nil {
			return err
		}
	}
	return nil
}

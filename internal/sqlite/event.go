package sqlite

import (
	"context"
	"database/sql"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/rowjson"
)

const selectEvents = `SELECT generation_id, user_id, seq, position, type, at, data FROM events `

// Events implements app.GenerationRepository.
func (s *Store) Events(ctx context.Context, generation aigen.ID, after int64, limit int) ([]aigen.Event, error) {
	const query = selectEvents + `WHERE generation_id = ? AND seq > ? ORDER BY seq LIMIT ?`
	return s.events(ctx, query, generation[:], after, limit)
}

// UserEvents implements app.GenerationRepository.
func (s *Store) UserEvents(ctx context.Context, user aigen.ID, after int64, limit int) ([]aigen.Event, error) {
	const query = selectEvents + `WHERE user_id = ? AND position > ? ORDER BY position LIMIT ?`
	return s.events(ctx, query, user[:], after, limit)
}

func (s *Store) events(ctx context.Context, query string, args ...any) ([]aigen.Event, error) {
	var list []aigen.Event
	err := s.view(ctx, "events", func(ctx context.Context, c *session) error {
		return c.each(ctx, func(r *sql.Rows) error {
			var e aigen.Event
			var row rowjson.EventData
			err := r.Scan(idColumn(&e.GenerationID), idColumn(&e.UserID), &e.Seq, &e.Position,
				(*string)(&e.Type), timeColumn(&e.At), jsonColumn(&row))
			e.Data, e.Operator = row.EventData, row.Operator
			list = append(list, e)
			return err
		}, query, args...)
	})
	return list, err
}

// LastPosition implements app.GenerationRepository.
func (s *Store) LastPosition(ctx context.Context, user aigen.ID) (position int64, err error) {
	err = s.view(ctx, "last position", func(ctx context.Context, c *session) error {
		_, err := c.one(ctx, []any{&position}, `SELECT event_position FROM accounts WHERE user_id = ?`, user[:])
		return err
	})
	return position, err
}

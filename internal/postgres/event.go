package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/rowjson"
)

const selectEvents = `SELECT generation_id, user_id, seq, position, type, at, data FROM events `

const (
	eventsOfGeneration = selectEvents + `WHERE generation_id = $1::uuid AND seq > $2::bigint ORDER BY seq LIMIT $3::bigint`
	eventsOfUser       = selectEvents + `WHERE user_id = $1::uuid AND position > $2::bigint ORDER BY position LIMIT $3::bigint`
	lastPosition       = `SELECT event_position FROM accounts WHERE user_id = $1::uuid`
)

// Events implements app.GenerationRepository.
func (s *Store) Events(ctx context.Context, generation aigen.ID, after int64, limit int) ([]aigen.Event, error) {
	return s.events(ctx, eventsOfGeneration, generation, after, limit)
}

// UserEvents implements app.GenerationRepository.
func (s *Store) UserEvents(ctx context.Context, user aigen.ID, after int64, limit int) ([]aigen.Event, error) {
	return s.events(ctx, eventsOfUser, user, after, limit)
}

func (s *Store) events(ctx context.Context, sql string, of aigen.ID, after int64, limit int) ([]aigen.Event, error) {
	return query(ctx, s, "events", func(r pgx.Rows) (e aigen.Event, err error) {
		var row rowjson.EventData
		err = r.Scan((*idColumn)(&e.GenerationID), (*idColumn)(&e.UserID), &e.Seq, &e.Position,
			(*string)(&e.Type), (*timeColumn)(&e.At), jsonColumn(&row))
		e.Data, e.Operator = row.EventData, row.Operator
		return e, err
	}, sql, idArg(of), after, limit)
}

// LastPosition implements app.GenerationRepository.
func (s *Store) LastPosition(ctx context.Context, user aigen.ID) (position int64, err error) {
	_, err = s.one(ctx, "last position", func(r pgx.Rows) error { return r.Scan(&position) }, lastPosition, idArg(user))
	return position, err
}

package postgres

import (
	"context"
	"time"

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

const insertEvents = `INSERT INTO events (generation_id, seq, user_id, position, type, at, data, change_id)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::bigint[]), unnest($5::text[]), unnest($6::timestamptz[]),
	unnest($7::text[]), unnest($8::bigint[])`

// eventRow is an event with its JSON made and its position given.
type eventRow struct {
	*aigen.Event

	position int64
	change   int64 // see encoded
	data     string
}

func (t *tx) queueEvents(rows []eventRow) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertEvents,
		uuids(rows, func(e eventRow) aigen.ID { return e.GenerationID }),
		integers(rows, func(e eventRow) int64 { return e.Seq }),
		uuids(rows, func(e eventRow) aigen.ID { return e.UserID }),
		integers(rows, func(e eventRow) int64 { return e.position }),
		texts(rows, func(e eventRow) string { return string(e.Type) }),
		times(rows, func(e eventRow) time.Time { return e.At }),
		texts(rows, func(e eventRow) string { return e.data }),
		integers(rows, func(e eventRow) int64 { return e.change }))
}

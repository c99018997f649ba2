package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	aigen "github.com/creativeflow/aigen-orchestrator"
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
		err = r.Scan((*idColumn)(&e.GenerationID), (*idColumn)(&e.UserID), &e.Seq, &e.Position,
			(*string)(&e.Type), (*timeColumn)(&e.At), jsonColumn(&e.Data))
		return e, err
	}, sql, idArg(of), after, limit)
}

// LastPosition implements app.GenerationRepository.
func (s *Store) LastPosition(ctx context.Context, user aigen.ID) (position int64, err error) {
	_, err = s.one(ctx, "last position", func(r pgx.Rows) error { return r.Scan(&position) }, lastPosition, idArg(user))
	return position, err
}

const insertEvents = `INSERT INTO events (generation_id, seq, user_id, position, type, at, data)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bigint[], $5::text[], $6::timestamptz[], $7::json[])`

// eventRows are the arguments of insertEvents.
type eventRows struct {
	generations ids
	seqs        numbers
	users       ids
	positions   numbers
	types       texts
	at          times
	data        documents
}

// add takes the events of a change; position is that of the first.
func (r *eventRows) add(d *draft, position int64) {
	for i := range d.change.Events {
		e := &d.change.Events[i]
		r.generations = append(r.generations, e.GenerationID)
		r.seqs = append(r.seqs, e.Seq)
		r.users = append(r.users, e.UserID)
		r.positions = append(r.positions, position+int64(i))
		r.types = append(r.types, string(e.Type))
		r.at = append(r.at, e.At)
		r.data = append(r.data, d.events[i])
	}
}

func (r *eventRows) queue(t *tx) {
	if len(r.generations) > 0 {
		t.queue(insertEvents, r.generations, r.seqs, r.users, r.positions, r.types, r.at, r.data)
	}
}

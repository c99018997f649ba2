package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

const selectKey = `SELECT request_hash, generation_id, run_id, answer, created_at, expires_at
FROM idempotency_keys WHERE user_id = $1::uuid AND key = $2::text`

// IdempotencyRecord implements app.GenerationRepository.
func (s *Store) IdempotencyRecord(ctx context.Context, user aigen.ID, key string, now time.Time) (app.IdempotencyRecord, error) {
	rec := app.IdempotencyRecord{UserID: user, Key: key}
	found, err := s.one(ctx, "idempotency record", func(r pgx.Rows) error {
		var hash []byte
		err := r.Scan(&hash, (*idColumn)(&rec.GenerationID), (*idColumn)(&rec.RunID), jsonColumn(&rec.Answer),
			(*timeColumn)(&rec.CreatedAt), (*timeColumn)(&rec.ExpiresAt))
		copy(rec.RequestHash[:], hash)
		return err
	}, selectKey, idArg(user), key)
	switch {
	case err != nil:
		return app.IdempotencyRecord{}, err
	case !found, rec.ExpiresAt.UnixMicro() <= now.UnixMicro(): // not in the query, which could then take the wrong index
		return app.IdempotencyRecord{}, app.ErrNoRecord
	}
	return rec, nil
}

// Rows that a change is about to replace are left to the next time.
const purgeKeys = `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM idempotency_keys WHERE expires_at <= $1::timestamptz ORDER BY expires_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED))`

// Purge implements app.GenerationRepository.
func (s *Store) Purge(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.execOne(ctx, "purge idempotency keys", purgeKeys, now, limit)
}

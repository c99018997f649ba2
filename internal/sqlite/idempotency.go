package sqlite

import (
	"context"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// IdempotencyRecord implements app.GenerationRepository.
func (s *Store) IdempotencyRecord(ctx context.Context, user aigen.ID, key string, now time.Time) (app.IdempotencyRecord, error) {
	const query = `SELECT request_hash, generation_id, run_id, answer, created_at, expires_at
FROM idempotency_keys WHERE user_id = ? AND key = ? AND expires_at > ?`
	rec := app.IdempotencyRecord{UserID: user, Key: key}
	var hash []byte
	found := false
	err := s.view(ctx, "idempotency record", func(ctx context.Context, c *session) (err error) {
		found, err = c.one(ctx, []any{
			&hash, idColumn(&rec.GenerationID), idColumn(&rec.RunID), jsonColumn(&rec.Answer),
			timeColumn(&rec.CreatedAt), timeColumn(&rec.ExpiresAt),
		}, query, user[:], key, now.UnixMicro())
		return err
	})
	switch {
	case err != nil:
		return app.IdempotencyRecord{}, err
	case !found:
		return app.IdempotencyRecord{}, app.ErrNoRecord
	}
	copy(rec.RequestHash[:], hash)
	return rec, nil
}

// Purge implements app.GenerationRepository.
func (s *Store) Purge(ctx context.Context, now time.Time, limit int) (int, error) {
	const query = `DELETE FROM idempotency_keys WHERE (user_id, key) IN
	(SELECT user_id, key FROM idempotency_keys WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`
	var n int64
	err := s.write(ctx, "purge idempotency keys", func(ctx context.Context, c *session) (err error) {
		n, err = c.exec(ctx, query, now.UnixMicro(), limit)
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(n), nil
}

// keyTaken reports whether a record that has not expired stands in the way of ch's.
// What ch itself forgets does not: so an answer replaces the record of a request
// that was still open.
func keyTaken(ctx context.Context, c *session, ch *app.Change) (bool, error) {
	if ch.Record == nil {
		return false, nil
	}
	const query = `SELECT expires_at, run_id FROM idempotency_keys WHERE user_id = ? AND key = ?`
	var expires int64
	var run aigen.ID
	found, err := c.one(ctx, []any{&expires, idColumn(&run)}, query, ch.Record.UserID[:], ch.Record.Key)
	return found && !forgets(ch, run) && expires > ch.Record.CreatedAt.UnixMicro(), err
}

// forgets reports whether ch frees the key of its own record, which is of this run. It
// must be the record that ch means: two requests that found the same one given up would
// else each free the key, the second one from what the first has put there.
func forgets(ch *app.Change, run aigen.ID) bool {
	return ch.ForgetKey == ch.Record.Key && ch.Generation.UserID == ch.Record.UserID && ch.ForgetRun == run
}

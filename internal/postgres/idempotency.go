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

type userKey struct {
	user aigen.ID
	key  string
}

// keyState is an idempotency key as the changes so far have left it.
type keyState struct {
	stored  bool // there is a row
	touched bool
	expires time.Time      // zero: the key is free
	run     aigen.ID       // of the record
	record  *encodedChange // to be written
}

// lockKeys comes last of all locks.
const lockKeys = `SELECT k.user_id, k.key, k.expires_at, k.run_id FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS key) n
JOIN idempotency_keys k ON k.user_id = n.user_id AND k.key = n.key ORDER BY k.user_id, k.key FOR UPDATE OF k`

// keyTaken reports whether a record that has not expired stands in the way of ch's.
// What ch itself forgets does not: so an answer replaces the record of a request
// that was still open.
func (b *batch) keyTaken(ch *app.Change) bool {
	if ch.Record == nil {
		return false
	}
	k, ok := b.keys[userKey{ch.Record.UserID, ch.Record.Key}]
	return ok && !k.forgottenBy(ch, ch.Record.UserID, ch.Record.Key) && k.expires.UnixMicro() > ch.Record.CreatedAt.UnixMicro()
}

// forgottenBy reports whether ch frees this key. It must be the record that ch means:
// two requests that found the same one given up would else each free the key, the
// second one from what the first has put there.
func (k *keyState) forgottenBy(ch *app.Change, user aigen.ID, key string) bool {
	return ch.ForgetKey == key && ch.Generation.UserID == user && k.run == ch.ForgetRun
}

// keepKeys comes after keyTaken has found the key free or expired.
func (b *batch) keepKeys(d *encodedChange) {
	ch := d.change
	if ch.ForgetKey != "" {
		if k := b.key(userKey{ch.Generation.UserID, ch.ForgetKey}); k.run == ch.ForgetRun {
			k.touched, k.expires, k.run, k.record = true, time.Time{}, aigen.ID{}, nil
		}
	}
	if ch.Record != nil {
		k := b.key(userKey{ch.Record.UserID, ch.Record.Key})
		k.touched, k.expires, k.run, k.record = true, ch.Record.ExpiresAt, ch.Record.RunID, d
	}
}

func (b *batch) key(key userKey) *keyState {
	k, ok := b.keys[key]
	if !ok {
		k = new(keyState)
		b.keys[key] = k
	}
	return k
}

const (
	deleteKeys = `DELETE FROM idempotency_keys k USING (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS key) n
WHERE k.user_id = n.user_id AND k.key = n.key`
	insertKeys = `INSERT INTO idempotency_keys (user_id, key, request_hash, generation_id, run_id, answer, created_at, expires_at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bytea[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::json[]),
	unnest($7::timestamptz[]), unnest($8::timestamptz[])`
)

func (t *tx) queueDeleteKeys(rows []userKey) {
	if len(rows) > 0 {
		t.queue(deleteKeys, keyUsers(rows), keyTexts(rows))
	}
}

func keyUsers(rows []userKey) *arrayParam {
	return uuids(rows, func(k userKey) aigen.ID { return k.user })
}
func keyTexts(rows []userKey) *arrayParam {
	return texts(rows, func(k userKey) string { return k.key })
}

// queueInsertKeys takes changes that have a record.
func (t *tx) queueInsertKeys(rows []*encodedChange) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertKeys,
		uuids(rows, func(d *encodedChange) aigen.ID { return d.change.Record.UserID }),
		texts(rows, func(d *encodedChange) string { return d.change.Record.Key }),
		hashes(rows, func(d *encodedChange) [32]byte { return d.change.Record.RequestHash }),
		uuids(rows, func(d *encodedChange) aigen.ID { return d.change.Record.GenerationID }),
		uuids(rows, func(d *encodedChange) aigen.ID { return d.change.Record.RunID }),
		optional(rows, func(d *encodedChange) string { return d.answer }),
		times(rows, func(d *encodedChange) time.Time { return d.change.Record.CreatedAt }),
		times(rows, func(d *encodedChange) time.Time { return d.change.Record.ExpiresAt }))
}

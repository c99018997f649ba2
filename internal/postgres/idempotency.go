package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

const selectKey = `SELECT request_hash, generation_id, run_id, answer, created_at, expires_at
FROM idempotency_keys WHERE user_id = $1::uuid AND key = $2::text AND expires_at > $3::timestamptz`

// IdempotencyRecord implements app.GenerationRepository.
func (s *Store) IdempotencyRecord(ctx context.Context, user aigen.ID, key string, now time.Time) (app.IdempotencyRecord, error) {
	rec := app.IdempotencyRecord{UserID: user, Key: key}
	found, err := s.one(ctx, "idempotency record", func(r pgx.Rows) error {
		var hash []byte
		err := r.Scan(&hash, (*idColumn)(&rec.GenerationID), (*idColumn)(&rec.RunID), jsonColumn(&rec.Answer),
			(*timeColumn)(&rec.CreatedAt), (*timeColumn)(&rec.ExpiresAt))
		copy(rec.RequestHash[:], hash)
		return err
	}, selectKey, idArg(user), key, now)
	switch {
	case err != nil:
		return app.IdempotencyRecord{}, err
	case !found:
		return app.IdempotencyRecord{}, app.ErrNoRecord
	}
	return rec, nil
}

// Rows that a change is about to replace are left to the next time.
const purgeKeys = `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
	SELECT ctid FROM idempotency_keys WHERE expires_at <= $1::timestamptz ORDER BY expires_at LIMIT $2::bigint FOR UPDATE SKIP LOCKED))`

// Purge implements app.GenerationRepository.
func (s *Store) Purge(ctx context.Context, now time.Time, limit int) (int, error) {
	return s.change(ctx, "purge idempotency keys", purgeKeys, now, limit)
}

type userKey struct {
	user aigen.ID
	key  string
}

// keyState is an idempotency key as the changes so far have left it.
type keyState struct {
	stored  bool // there is a row
	touched bool
	expires time.Time // zero: the key is free
	record  *draft    // to be written
}

// lockKeys comes last of all locks.
const lockKeys = `SELECT k.user_id, k.key, k.expires_at FROM unnest($1::uuid[], $2::text[]) AS n (user_id, key)
JOIN idempotency_keys k ON k.user_id = n.user_id AND k.key = n.key ORDER BY k.user_id, k.key FOR UPDATE OF k`

// keyTaken reports whether a record that has not expired stands in the way of ch's.
// What ch itself forgets does not: so an answer replaces the record of a request
// that was still open.
func (b *batch) keyTaken(ch *app.Change) bool {
	if ch.Record == nil || forgets(ch) {
		return false
	}
	k, ok := b.keys[userKey{ch.Record.UserID, ch.Record.Key}]
	return ok && k.expires.UnixMicro() > ch.Record.CreatedAt.UnixMicro()
}

func forgets(ch *app.Change) bool {
	return ch.ForgetKey == ch.Record.Key && ch.Generation.UserID == ch.Record.UserID
}

// keepKeys comes after keyTaken has found the key free or expired.
func (b *batch) keepKeys(d *draft) {
	ch := d.change
	if ch.ForgetKey != "" {
		k := b.key(userKey{ch.Generation.UserID, ch.ForgetKey})
		k.touched, k.expires, k.record = true, time.Time{}, nil
	}
	if ch.Record != nil {
		k := b.key(userKey{ch.Record.UserID, ch.Record.Key})
		k.touched, k.expires, k.record = true, ch.Record.ExpiresAt, d
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
	deleteKeys = `DELETE FROM idempotency_keys k USING unnest($1::uuid[], $2::text[]) AS n (user_id, key)
WHERE k.user_id = n.user_id AND k.key = n.key`
	insertKeys = `INSERT INTO idempotency_keys (user_id, key, request_hash, generation_id, run_id, answer, created_at, expires_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::bytea[], $4::uuid[], $5::uuid[], $6::json[], $7::timestamptz[], $8::timestamptz[])`
)

// keyRows are the arguments of deleteKeys and insertKeys.
type keyRows struct {
	goneUsers ids
	gone      texts

	users             ids
	keys              texts
	hashes            hashes
	generations, runs ids
	answers           documents
	created, expires  times
}

func (r *keyRows) add(key userKey, k *keyState) {
	if k.stored {
		r.goneUsers = append(r.goneUsers, key.user)
		r.gone = append(r.gone, key.key)
	}
	if k.record == nil {
		return
	}
	rec := k.record.change.Record
	r.users = append(r.users, rec.UserID)
	r.keys = append(r.keys, rec.Key)
	r.hashes = append(r.hashes, rec.RequestHash)
	r.generations = append(r.generations, rec.GenerationID)
	r.runs = append(r.runs, rec.RunID)
	r.answers = append(r.answers, k.record.answer)
	r.created = append(r.created, rec.CreatedAt)
	r.expires = append(r.expires, rec.ExpiresAt)
}

func (r *keyRows) queue(t *tx) {
	if len(r.gone) > 0 {
		t.queue(deleteKeys, r.goneUsers, r.gone)
	}
	if len(r.keys) > 0 {
		t.queue(insertKeys, r.users, r.keys, r.hashes, r.generations, r.runs, r.answers, r.created, r.expires)
	}
}

package postgres

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// A lease is the owner in a row of the outbox, until leased_until. It is lost when
// another owner claims the row, not by time alone: an owner that is late but was not
// replaced still knows best what became of the delivery.
//
// Each statement but one locks its rows before it changes them, by id: the ids come in
// any order, and two statements that met in the middle would wait for each other. What
// was delivered, which is nearly everything, is removed without: a row that its owner
// removes is changed by nobody else but one who takes it over, and who skips what is
// locked, and one who withdraws it, because its job has ended. Should those two meet in
// the middle all the same, PostgreSQL ends one, and that is done again.

const extendLeases = `UPDATE deliveries SET leased_until = $3::timestamptz
WHERE id = ANY (ARRAY(SELECT id FROM deliveries WHERE id = ANY ($1::uuid[]) AND owner = $2::text ORDER BY id FOR UPDATE))`

// ExtendLeases implements app.Store.
func (s *Store) ExtendLeases(ctx context.Context, owner string, list []aigen.ID, until time.Time) error {
	if len(list) == 0 {
		return nil
	}
	_, err := s.execOne(ctx, "extend leases", extendLeases, ids(list), owner, until)
	return err
}

const (
	lockOwned = `SELECT count(*) FROM (SELECT id FROM deliveries WHERE id = ANY ($1::uuid[]) AND owner = $2::text ORDER BY id FOR UPDATE) AS locked`

	// In the order of the ids, which the caller has sorted: an index is read in it.
	removeDelivered = `DELETE FROM deliveries WHERE id = ANY ($1::uuid[]) AND owner = $2::text`
	// Of jobs that have ended, whoever has them leased. A dead row stays for the operators.
	withdrawJobs = `DELETE FROM deliveries WHERE id = ANY (ARRAY(
	SELECT id FROM deliveries WHERE id = ANY ($1::uuid[]) AND lane = 'jobs' AND state = 'waiting' ORDER BY id FOR UPDATE))`

	retryLater = `UPDATE deliveries d SET owner = NULL, leased_until = NULL, available_at = n.retry_at, last_error = n.error,
	attempts = greatest(attempts - n.uncounted, 0)
FROM (SELECT unnest($1::uuid[]) AS id, unnest($3::timestamptz[]) AS retry_at, unnest($4::text[]) AS error,
	unnest($5::bigint[]) AS uncounted) n WHERE d.id = n.id AND d.owner = $2::text`
	bury = `UPDATE deliveries d SET owner = NULL, leased_until = NULL, state = 'dead', last_error = n.error
FROM (SELECT unnest($1::uuid[]) AS id, unnest($3::text[]) AS error) n WHERE d.id = n.id AND d.owner = $2::text`
	// Due since it was due before: at once, and before what came later.
	giveBack = `UPDATE deliveries SET owner = NULL, leased_until = NULL, attempts = greatest(attempts - 1, 0)
WHERE id = ANY ($1::uuid[]) AND owner = $2::text`
)

// FinishDeliveries implements app.Store. It is one round trip, with a statement for
// each kind of verdict.
func (s *Store) FinishDeliveries(ctx context.Context, owner string, results []outbox.DeliveryResult) error {
	if len(results) == 0 {
		return nil
	}
	for i := range results {
		if v := results[i].Disposition; v < outbox.DispositionDelivered || v > outbox.DispositionReturned {
			return fmt.Errorf("postgres: finish deliveries: unknown verdict %d", v)
		}
	}
	of := func(v outbox.Disposition) (rows []outbox.DeliveryResult) {
		for _, r := range results {
			if r.Disposition == v {
				rows = append(rows, r)
			}
		}
		return rows
	}
	return s.writeAsync(ctx, "finish deliveries", func(ctx context.Context, t *tx) error {
		delivered := of(outbox.DispositionDelivered)
		if len(delivered) < len(results) {
			t.queue(lockOwned, resultIDs(results), owner)
		}
		if len(delivered) > 0 {
			slices.SortFunc(delivered, func(a, b outbox.DeliveryResult) int { return bytes.Compare(a.ID[:], b.ID[:]) })
			t.queue(removeDelivered, resultIDs(delivered), owner)
		}
		if rows := of(outbox.DispositionRetry); len(rows) > 0 {
			t.queue(retryLater, resultIDs(rows), owner, times(rows, func(r outbox.DeliveryResult) time.Time { return r.RetryAt }), resultErrors(rows),
				integers(rows, uncounted))
		}
		if rows := of(outbox.DispositionDead); len(rows) > 0 {
			t.queue(bury, resultIDs(rows), owner, resultErrors(rows))
		}
		if rows := of(outbox.DispositionReturned); len(rows) > 0 {
			t.queue(giveBack, resultIDs(rows), owner)
		}
		return t.commit(ctx)
	})
}

func uncounted(r outbox.DeliveryResult) int64 {
	if r.Uncounted {
		return 1
	}
	return 0
}

func resultIDs(rows []outbox.DeliveryResult) *arrayParam {
	return uuids(rows, func(r outbox.DeliveryResult) aigen.ID { return r.ID })
}

func resultErrors(rows []outbox.DeliveryResult) *arrayParam {
	return texts(rows, func(r outbox.DeliveryResult) string { return textArg(r.Error) })
}

// SettleJob implements app.GenerationRepository. Nearly always the row is gone: that is
// found out without a transaction that writes.
func (s *Store) SettleJob(ctx context.Context, job aigen.ID) error {
	const look = `SELECT 1 FROM deliveries WHERE id = $1::uuid`
	there, err := query(ctx, s, "look for a job", func(r pgx.Rows) (one int, err error) {
		return one, r.Scan(&one)
	}, look, job.String())
	if err != nil || len(there) == 0 {
		return err
	}
	_, err = s.execOne(ctx, "settle a job", withdrawJobs, ids([]aigen.ID{job}))
	return err
}

const heldJobs = `SELECT d.id FROM deliveries d JOIN generations g ON g.id = d.generation_id
WHERE d.id = ANY ($1::uuid[]) AND d.owner = $2::text AND g.status IN ('ProcessingSamples', 'ProcessingFinal')`

// HeldJobs implements app.Store.
func (s *Store) HeldJobs(ctx context.Context, owner string, jobs []aigen.ID) ([]aigen.ID, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	return query(ctx, s, "look for held jobs", func(r pgx.Rows) (id aigen.ID, err error) {
		return id, r.Scan((*idColumn)(&id))
	}, heldJobs, ids(jobs), owner)
}

// releaseLeases reads the rows that wait, which is why no index is kept for owners:
// it is called at the start and at the stop, and the index would be written by each
// claim.
const releaseLeases = `UPDATE deliveries SET owner = NULL, leased_until = NULL, available_at = least(available_at, $2::timestamptz),
	attempts = greatest(attempts - 1, 0)
WHERE id = ANY (ARRAY(SELECT id FROM deliveries WHERE state = 'waiting' AND owner = $1::text ORDER BY id FOR UPDATE))`

// ReleaseLeases implements app.Store.
func (s *Store) ReleaseLeases(ctx context.Context, owner string, now time.Time) (int, error) {
	return s.execOne(ctx, "release leases", releaseLeases, owner, now)
}

const (
	retryDeliveries = `UPDATE deliveries SET state = 'waiting', attempts = 0, available_at = $1::timestamptz, owner = NULL, leased_until = NULL `
	retryDead       = retryDeliveries + `WHERE id = ANY (ARRAY(SELECT id FROM deliveries WHERE state = 'dead' ORDER BY id FOR UPDATE))`
	retryChosen     = retryDeliveries + `WHERE id = ANY (ARRAY(
	SELECT id FROM deliveries WHERE id = ANY ($2::uuid[]) AND (owner IS NULL OR leased_until <= $1::timestamptz) ORDER BY id FOR UPDATE))`
)

// RetryDeliveries implements app.Store. A row that is being delivered right now is
// left alone: it would be delivered twice at the same time.
func (s *Store) RetryDeliveries(ctx context.Context, list []aigen.ID, now time.Time) (int, error) {
	if len(list) > 0 {
		return s.execOne(ctx, "retry deliveries", retryChosen, now, ids(list))
	}
	return s.execOne(ctx, "retry deliveries", retryDead, now)
}

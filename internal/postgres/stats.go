package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

const (
	statsGenerations = `SELECT v.status, v.n FROM (
	SELECT coalesce(sum(pending), 0) AS a, coalesce(sum(processing_samples), 0) AS b, coalesce(sum(awaiting_selection), 0) AS c,
		coalesce(sum(processing_final), 0) AS d, coalesce(sum(completed), 0) AS e, coalesce(sum(failed), 0) AS f,
		coalesce(sum(cancelled), 0) AS g, coalesce(sum(content_rejected), 0) AS h
	FROM generation_counts) AS s,
LATERAL (VALUES ('Pending', a::bigint), ('ProcessingSamples', b::bigint), ('AwaitingSelection', c::bigint), ('ProcessingFinal', d::bigint),
	('Completed', e::bigint), ('Failed', f::bigint), ('Cancelled', g::bigint), ('ContentRejected', h::bigint)) AS v (status, n)`
	statsWaiting      = `SELECT count(*), min(created_at) FROM deliveries WHERE state = 'waiting' AND lane = $1::text`
	statsDead         = `SELECT count(*) FROM deliveries WHERE state = 'dead' AND lane = $1::text`
	statsReservations = `SELECT count(*), coalesce(sum(amount), 0)::bigint, min(created_at) FROM runs
WHERE reservation IN ('pending', 'held', 'releasing')`
)

// Stats implements app.GenerationRepository. Generations are counted as they
// change, so that at most 256 rows are read for them. Of the outbox and of the open
// reservations, indexes are read that hold only what is not done yet: the cost
// grows with the work in hand, not with the history.
func (s *Store) Stats(ctx context.Context) (app.Stats, error) {
	var st app.Stats
	err := s.snapshot(ctx, "stats", func(b *pgx.Batch) {
		st = app.Stats{Generations: make(map[aigen.Status]int64, len(aigen.Statuses()))}
		b.Queue(statsGenerations).Query(each(func(r pgx.Rows) error {
			var status string
			var n int64
			err := r.Scan(&status, &n)
			st.Generations[aigen.Status(status)] = n
			return err
		}))
		st.Outbox = make([]outbox.QueueStats, len(outbox.Queues()))
		for i, lane := range outbox.Queues() {
			l := &st.Outbox[i]
			l.Queue = lane
			b.Queue(statsWaiting, string(lane)).QueryRow(func(r pgx.Row) error { return r.Scan(&l.Depth, (*timeColumn)(&l.Oldest)) })
			b.Queue(statsDead, string(lane)).QueryRow(func(r pgx.Row) error { return r.Scan(&l.Dead) })
		}
		v := &st.Reservations
		b.Queue(statsReservations).QueryRow(func(r pgx.Row) error { return r.Scan(&v.Open, (*int64)(&v.Amount), (*timeColumn)(&v.Oldest)) })
	})
	return st, err
}

// The condition is one that runs_open can serve: the index has the releasing ones too.
const countQueued = `SELECT count(*) FROM (
	SELECT FROM runs WHERE user_id = $1::uuid AND reservation IN ('pending', 'held') LIMIT $2::bigint) AS queued`

// CountQueued implements app.GenerationRepository. A generation has one such run at most.
func (s *Store) CountQueued(ctx context.Context, user aigen.ID, most int) (n int, err error) {
	_, err = s.one(ctx, "count a user's queue", func(r pgx.Rows) error { return r.Scan(&n) }, countQueued, user.String(), most)
	return n, err
}

// Generations are counted as they change; see the table generation_counts. Apply adds
// up what its changes make of the counts, and tells the triggers that it does.

// countedHere goes with settings.
const countedHere = `, set_config('aigen.counted', 'on', true)`

// addCounts adds to the row of the server's process. Two processes may share one, as
// ids of processes come round: they wait for each other, at the end of a transaction.
const addCounts = `INSERT INTO generation_counts AS c VALUES (pg_backend_pid() % 256, $1::bigint, $2::bigint, $3::bigint, $4::bigint,
	$5::bigint, $6::bigint, $7::bigint, $8::bigint)
ON CONFLICT ON CONSTRAINT generation_counts_pkey DO UPDATE SET
	pending = c.pending + excluded.pending,
	processing_samples = c.processing_samples + excluded.processing_samples,
	awaiting_selection = c.awaiting_selection + excluded.awaiting_selection,
	processing_final = c.processing_final + excluded.processing_final,
	completed = c.completed + excluded.completed,
	failed = c.failed + excluded.failed,
	cancelled = c.cancelled + excluded.cancelled,
	content_rejected = c.content_rejected + excluded.content_rejected`

// counted are the statuses in the order of addCounts.
var counted = [...]aigen.Status{
	aigen.StatusPending, aigen.StatusProcessingSamples, aigen.StatusAwaitingSelection, aigen.StatusProcessingFinal,
	aigen.StatusCompleted, aigen.StatusFailed, aigen.StatusCancelled, aigen.StatusContentRejected,
}

// writeCounts comes last: the row that it locks is free again a moment later.
func (b *batch) writeCounts(t *tx) {
	more := map[aigen.Status]int64{}
	for _, g := range b.generations {
		if g.latest == nil {
			continue
		}
		if g.stored > 0 {
			more[g.status]--
		}
		if g.version > 0 {
			more[g.value().Status]++
		}
	}
	args, differs := make([]any, len(counted)), false
	for i, status := range counted {
		args[i] = more[status]
		differs = differs || more[status] != 0
	}
	if differs {
		t.queue(addCounts, args...)
	}
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// A commit was sent, and the connection was lost before the answer. What became of it
// is looked for among the rows that the changes write, in a transaction that has locked
// what they touch: whoever had the locks before is through by then, and if the server is
// still at the lost one, that has them. What is there was committed. What is not there
// is decided anew, in that very transaction.
//
// The server would say how the transaction of a certain number ended. But after a crash
// it gives the number of one that was lost to another, which then answers for it.
//
// What is there may still be lost with the primary, if it did not wait for its standbys;
// so the transaction that looks commits something of its own, and is waited for: see
// commit.go. Where the standbys do not answer, that is not known either.

// resolveUnknownCommit tries until it is known what became of encoded, of which some are doubtful; for
// as long as it would wait for an answer, also after the end of the caller's context: a
// server that restarts is back by then, or another one has taken its place.
// ErrOutcomeUnknown: nobody could be asked, or what was not there could not be written.
func (s *Store) resolveUnknownCommit(ctx context.Context, cause error, try func(context.Context) error) error {
	s.log.WarnContext(ctx, "postgres: what became of a commit is not known; looking", "error", cause)
	patience := s.patience
	if errors.Is(cause, errUnanswered) {
		patience = min(patience, silentPatience)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	for n := 1; ; n++ {
		err := try(ctx)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.Is(err, ErrOutcomeUnknown), !errors.Is(err, app.ErrStoreUnavailable):
			return fmt.Errorf("%w: %w", ErrOutcomeUnknown, errors.Join(cause, err))
		}
		_ = pause(ctx, n) // ctx is looked at above
	}
}

// silentPatience is the patience with a server that has not answered a commit: as a rule
// it waits for a standby, and its locks are still held. Only where another has taken its
// place there is something to see, and callers have waited long by now.
const silentPatience = 5 * time.Second

func anyUnknown(encoded []encodedChange) bool {
	for i := range encoded {
		if encoded[i].commitUnknown {
			return true
		}
	}
	return false
}

func markUnknown(encoded []encodedChange) {
	for i := range encoded {
		encoded[i].commitUnknown = true
	}
}

const (
	// By the number that was drawn for the change: another process may have written the
	// same event over the same version.
	findEvents = `SELECT n.i, e.position FROM (SELECT unnest($1::bigint[]) AS i, unnest($2::uuid[]) AS generation_id,
	unnest($3::bigint[]) AS seq, unnest($4::bigint[]) AS change_id) n
JOIN events e ON e.generation_id = n.generation_id AND e.seq = n.seq AND e.change_id = n.change_id`
	// A change without events is told from another's by its moment. It is bookkeeping:
	// to take it for lost after others have changed the generation too does no harm.
	findUpdates = `SELECT n.i FROM (SELECT unnest($1::bigint[]) AS i, unnest($2::uuid[]) AS id, unnest($3::bigint[]) AS version,
	unnest($4::timestamptz[]) AS updated_at) n
JOIN generations g ON g.id = n.id AND g.version = n.version AND g.updated_at = n.updated_at`
)

// findCommitted queues what finds the changes that are there already. It comes after the
// locks, in another round trip.
func (b *batch) findCommitted(t *tx) {
	var logged, silent []int
	for i := range b.encoded {
		switch ch := b.encoded[i].change; {
		case b.encoded[i].err != nil || !b.encoded[i].commitUnknown:
		case ch.Discard:
			b.outcomes[i].alreadyCommitted = ch.From > 0 && b.generation(ch.Generation.ID).stored == 0
		case len(ch.Events) > 0:
			logged = append(logged, i)
		case ch.From == 0: // the id was made here
			b.outcomes[i].alreadyCommitted = b.generation(ch.Generation.ID).stored > 0
		default:
			silent = append(silent, i)
		}
	}
	number := func(i int) int64 { return int64(i) }
	generation := func(i int) aigen.ID { return b.encoded[i].change.Generation.ID }
	if len(logged) > 0 {
		t.queue(findEvents, integers(logged, number), uuids(logged, generation),
			integers(logged, func(i int) int64 { return b.encoded[i].change.Events[0].Seq }),
			integers(logged, func(i int) int64 { return b.encoded[i].id })).Query(each(func(r pgx.Rows) error {
			var i, position int64
			err := r.Scan(&i, &position)
			b.outcomes[i] = outcome{alreadyCommitted: true, position: position}
			return err
		}))
	}
	if len(silent) > 0 {
		t.queue(findUpdates, integers(silent, number), uuids(silent, generation),
			integers(silent, func(i int) int64 { return b.encoded[i].change.From + 1 }),
			times(silent, func(i int) time.Time { return b.encoded[i].change.Generation.UpdatedAt })).Query(each(func(r pgx.Rows) error {
			var i int64
			err := r.Scan(&i)
			b.outcomes[i].alreadyCommitted = true
			return err
		}))
	}
}

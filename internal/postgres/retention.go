package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
)

// selectEnded skips what another replica is removing. A run that is not decided keeps
// its generation: credits are still held for it, or may be.
const selectEnded = `SELECT id, user_id, last_event FROM generations g
WHERE status IN ('Completed', 'Failed', 'Cancelled', 'ContentRejected') AND status_since < $1::timestamptz
	AND NOT EXISTS (SELECT FROM runs WHERE generation_id = g.id AND reservation IN ('pending', 'held', 'releasing'))
ORDER BY status_since, id LIMIT $2::bigint FOR UPDATE SKIP LOCKED`

const (
	deleteEvents = `DELETE FROM events WHERE generation_id = ANY ($1::uuid[])`
	countRemoved = `UPDATE accounts a SET events_removed = a.events_removed + n.events
FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::bigint[]) AS events) n WHERE a.user_id = n.user_id`
)

// RemoveEnded implements app.GenerationRepository. It is two round trips.
//
// The accounts are locked last, against the order of all others, so that nobody waits
// for the removal: what else locks an ended generation would have to have been loaded
// before it ended.
func (s *Store) RemoveEnded(ctx context.Context, before time.Time, limit int) (n int, err error) {
	err = s.write(ctx, "remove ended generations", func(ctx context.Context, t *tx) error {
		var gone []aigen.ID
		events := map[aigen.ID]int64{} // of each user
		t.queue(selectEnded, before, limit).Query(each(func(r pgx.Rows) error {
			var id, user aigen.ID
			var last int64
			err := r.Scan((*idColumn)(&id), (*idColumn)(&user), &last)
			gone = append(gone, id)
			events[user] += last // a log has no gaps
			return err
		}))
		if err := t.send(ctx); err != nil {
			return err
		}
		if n = len(gone); n == 0 {
			return nil
		}
		t.queue(removeAssetsOf, ids(gone))
		t.queue(deleteUses, ids(gone))
		t.queue(deleteEvents, ids(gone))
		t.queue(deleteRuns, ids(gone))
		t.queue(deleteGenerations, ids(gone))
		users := sorted(events)
		t.queue(lockAccounts, ids(users))
		t.queue(countRemoved, ids(users), integers(users, func(u aigen.ID) int64 { return events[u] }))
		return t.commit(ctx)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

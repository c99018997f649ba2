package postgres

import (
	"github.com/creativeflow/aigen"
)

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

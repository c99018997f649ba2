package postgres

import (
	"bytes"
	"maps"
	"slices"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// write queues what writes: one statement for each table, whatever the number of
// rows. A generation that several changes of the batch have changed is written once,
// as the last has left it.
func (b *batch) write(t *tx) {
	b.writeAccounts(t)
	b.writeGenerations(t)
	b.writeTrail(t)
	var entries entryRows
	for i := range b.entries {
		entries.add(&b.entries[i])
	}
	entries.queue(t)
	var keys keyRows
	for key, k := range b.keys {
		if k.touched {
			keys.add(key, k)
		}
	}
	keys.queue(t)
}

// writeAccounts writes in the order of ids: two who write the same new accounts wait
// at the first of them, and neither has what the other waits for.
func (b *batch) writeAccounts(t *tx) {
	var fresh, changed accountRows
	for _, user := range sorted(b.accounts) {
		switch a := b.accounts[user]; {
		case !a.changed:
		case a.stored:
			changed.add(a)
		default:
			fresh.add(a)
		}
	}
	fresh.queue(t, insertAccounts)
	changed.queue(t, updateAccounts)
}

func (b *batch) writeGenerations(t *tx) {
	var fresh generationRows
	var changed generationChanges
	var gone ids
	var freshRuns, runs runRows
	for _, id := range sorted(b.generations) {
		switch g := b.generations[id]; {
		case g.latest == nil:
		case g.version == 0:
			if g.stored > 0 {
				gone = append(gone, id)
			}
		case g.stored == 0:
			fresh.add(g)
			freshRuns.add(g)
		default:
			changed.add(g)
			runs.add(g)
		}
	}
	fresh.queue(t)
	changed.queue(t)
	if len(gone) > 0 {
		t.queue(deleteGenerations, gone)
	}
	freshRuns.queue(t, insertRuns)
	runs.queue(t, upsertRuns)
}

// writeTrail writes events and deliveries, in the order of the changes.
func (b *batch) writeTrail(t *tx) {
	var events eventRows
	var deliveries deliveryRows
	for i := range b.drafts {
		d, o := &b.drafts[i], b.outcomes[i]
		if o.err != nil || d.change.Discard {
			continue
		}
		events.add(d, o.position)
		for k := range d.change.Deliveries {
			deliveries.add(&d.change.Deliveries[k])
		}
	}
	events.queue(t)
	deliveries.queue(t)
}

func sorted[V any](rows map[aigen.ID]V) []aigen.ID {
	return slices.SortedFunc(maps.Keys(rows), func(a, b aigen.ID) int { return bytes.Compare(a[:], b[:]) })
}

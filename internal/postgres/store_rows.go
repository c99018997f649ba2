package postgres

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// write queues what writes: one statement for each table, whatever the number of
// rows. A generation that several changes of the batch have changed is written once,
// as the last has left it.
func (b *batch) write(t *tx) {
	b.writeAccounts(t)
	b.writeGenerations(t)
	b.writeTrail(t)
	t.queueEntries(b.entries)
	b.writeKeys(t)
	b.writeCounts(t)
}

// writeAccounts writes in the order of ids: two who write the same new accounts wait
// at the first of them, and neither has what the other waits for.
func (b *batch) writeAccounts(t *tx) {
	var fresh, changed []*account
	for _, user := range sorted(b.accounts) {
		switch a := b.accounts[user]; {
		case !a.changed:
		case a.stored:
			changed = append(changed, a)
		default:
			fresh = append(fresh, a)
		}
	}
	t.queueAccounts(insertAccounts, fresh)
	t.queueAccounts(updateAccounts, changed)
}

func (b *batch) writeGenerations(t *tx) {
	var fresh, changed []*generation
	var freshRuns, runs []runRow
	var gone []aigen.ID
	for _, id := range sorted(b.generations) {
		switch g := b.generations[id]; {
		case g.latest == nil:
		case g.version == 0 && g.stored > 0:
			gone = append(gone, id)
		case g.version == 0: // made and discarded in this batch
		case g.stored == 0:
			fresh, freshRuns = append(fresh, g), append(freshRuns, g.runs...)
		default:
			changed, runs = append(changed, g), append(runs, g.runs...)
		}
	}
	t.queueInsertGenerations(fresh)
	t.queueUpdateGenerations(changed)
	t.queueRuns(insertRuns, freshRuns)
	t.queueRuns(upsertRuns, runs)
	if len(gone) > 0 {
		t.queue(deleteRuns, ids(gone))
		t.queue(deleteGenerations, ids(gone))
	}
}

// writeTrail writes events, deliveries and what operators did, in the order of the
// changes.
func (b *batch) writeTrail(t *tx) {
	events := make([]eventRow, 0, len(b.encoded))
	deliveries := make([]*outbox.Delivery, 0, len(b.encoded))
	var withdrawn []aigen.ID
	var actions []app.OperatorAction // few: no room is kept for them
	for i := range b.encoded {
		d, o := &b.encoded[i], b.outcomes[i]
		if !o.accepted() || d.change.Discard {
			continue
		}
		for k := range d.change.Events {
			events = append(events, eventRow{&d.change.Events[k], o.position + int64(k), d.id, d.events[k]})
		}
		for k := range d.change.Deliveries {
			deliveries = append(deliveries, &d.change.Deliveries[k])
		}
		withdrawn = append(withdrawn, d.change.Withdrawn...)
		actions = append(actions, d.change.Actions...)
	}
	t.queueEvents(events)
	t.queueDeliveries(deliveries)
	if len(withdrawn) > 0 {
		t.queue(withdrawJobs, ids(withdrawn))
	}
	t.queueActions(actions)
}

func (b *batch) writeKeys(t *tx) {
	var gone []userKey
	var fresh []*encodedChange
	for key, k := range b.keys {
		if k.touched && k.stored {
			gone = append(gone, key)
		}
		if k.record != nil {
			fresh = append(fresh, k.record)
		}
	}
	slices.SortFunc(fresh, func(a, b *encodedChange) int { // likewise
		x, y := a.change.Record, b.change.Record
		return cmp.Or(bytes.Compare(x.UserID[:], y.UserID[:]), strings.Compare(x.Key, y.Key))
	})
	t.queueDeleteKeys(gone)
	t.queueInsertKeys(fresh)
}

func sorted[V any](rows map[aigen.ID]V) []aigen.ID {
	return slices.SortedFunc(maps.Keys(rows), func(a, b aigen.ID) int { return bytes.Compare(a[:], b[:]) })
}

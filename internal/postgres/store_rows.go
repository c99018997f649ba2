package postgres

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/rowjson"
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

const (
	insertAccounts = `INSERT INTO accounts (user_id, balance, held, event_position)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::bigint[])`
	updateAccounts = `UPDATE accounts a SET balance = n.balance, held = n.held, event_position = n.event_position
FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::bigint[]) AS balance, unnest($3::bigint[]) AS held,
	unnest($4::bigint[]) AS event_position) n
WHERE a.user_id = n.user_id`
)

// queueAccounts queues insertAccounts or updateAccounts.
func (t *tx) queueAccounts(sql string, rows []*account) {
	if len(rows) > 0 {
		t.queue(sql, append([]any{uuids(rows, func(a *account) aigen.ID { return a.user })}, accountState(rows)...)...)
	}
}

// accountState is the columns that change.
func accountState(rows []*account) []any {
	return []any{
		integers(rows, func(a *account) int64 {
			if !a.Opened {
				return none
			}
			return int64(a.Balance)
		}),
		integers(rows, func(a *account) int64 { return int64(a.Held) }),
		integers(rows, func(a *account) int64 { return a.position }),
	}
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

const insertGenerations = `INSERT INTO generations (id, user_id, project_id, created_at, version, prompt, style, parameters, status, samples,
	selected_sample_id, final_asset_id, final_asset, ai_model, failure, select_by, due_at, updated_at, status_since, last_event, refs,
	options, external_id, batch_id)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::uuid[]), unnest($4::timestamptz[]), unnest($5::bigint[]), unnest($6::text[]),
	unnest($7::text[]), unnest($8::json[]), unnest($9::text[]), unnest($10::json[]), unnest($11::text[]), unnest($12::text[]),
	unnest($13::json[]), unnest($14::text[]), unnest($15::json[]), unnest($16::timestamptz[]), unnest($17::timestamptz[]),
	unnest($18::timestamptz[]), unnest($19::timestamptz[]), unnest($20::bigint[]), unnest($21::json[]),
	unnest($22::json[]), unnest($23::text[]), unnest($24::uuid[])`

// What a generation was made with does not change, except its input: that of a
// regeneration replaces it. The version is that of the locked row; it is asked for
// once more because nothing may ever be written over another.
const updateGenerations = `UPDATE generations g SET prompt = n.prompt, style = n.style, parameters = n.parameters, status = n.status,
	samples = n.samples, selected_sample_id = n.selected_sample_id, final_asset_id = n.final_asset_id, final_asset = n.final_asset,
	ai_model = n.ai_model, failure = n.failure, select_by = n.select_by, due_at = n.due_at, updated_at = n.updated_at,
	status_since = n.status_since, version = n.version, last_event = n.last_event, refs = n.refs
FROM (SELECT unnest($1::uuid[]) AS id, unnest($2::bigint[]) AS stored, unnest($3::bigint[]) AS version, unnest($4::text[]) AS prompt,
	unnest($5::text[]) AS style, unnest($6::json[]) AS parameters, unnest($7::text[]) AS status, unnest($8::json[]) AS samples,
	unnest($9::text[]) AS selected_sample_id, unnest($10::text[]) AS final_asset_id, unnest($11::json[]) AS final_asset,
	unnest($12::text[]) AS ai_model, unnest($13::json[]) AS failure, unnest($14::timestamptz[]) AS select_by,
	unnest($15::timestamptz[]) AS due_at, unnest($16::timestamptz[]) AS updated_at, unnest($17::timestamptz[]) AS status_since,
	unnest($18::bigint[]) AS last_event, unnest($19::json[]) AS refs) n
WHERE g.id = n.id AND g.version = n.stored`

// A generation with events is not removed: a trigger refuses.
const (
	deleteUses        = `DELETE FROM asset_uses WHERE generation_id = ANY ($1::uuid[])`
	deleteRuns        = `DELETE FROM runs WHERE generation_id = ANY ($1::uuid[])`
	deleteGenerations = `DELETE FROM generations WHERE id = ANY ($1::uuid[])`
)

func (t *tx) queueInsertGenerations(rows []*generation) {
	if len(rows) == 0 {
		return
	}
	args := []any{
		uuids(rows, func(g *generation) aigen.ID { return g.value().ID }),
		uuids(rows, func(g *generation) aigen.ID { return g.value().UserID }),
		uuids(rows, func(g *generation) aigen.ID { return g.value().ProjectID }),
		times(rows, func(g *generation) time.Time { return g.value().CreatedAt }),
	}
	args = append(args, changing(rows)...)
	t.queue(insertGenerations, append(args,
		optional(rows, func(g *generation) string { return g.latest.options }),
		optional(rows, func(g *generation) string { return textArg(g.value().Options.ExternalID) }),
		uuids(rows, func(g *generation) aigen.ID { return g.value().Options.BatchID }))...)
}

func (t *tx) queueUpdateGenerations(rows []*generation) {
	if len(rows) == 0 {
		return
	}
	args := []any{
		uuids(rows, func(g *generation) aigen.ID { return g.value().ID }),
		integers(rows, func(g *generation) int64 { return g.stored }),
	}
	t.queue(updateGenerations, append(args, changing(rows)...)...)
}

// changing are the columns that change, in the order of both statements.
func changing(rows []*generation) []any {
	return []any{
		integers(rows, func(g *generation) int64 { return g.version }),
		texts(rows, func(g *generation) string { return g.value().Input.Prompt }),
		texts(rows, func(g *generation) string { return g.value().Input.StyleGuidance }),
		texts(rows, func(g *generation) string { return g.latest.parameters }),
		texts(rows, func(g *generation) string { return string(g.value().Status) }),
		optional(rows, func(g *generation) string { return g.latest.samples }),
		texts(rows, func(g *generation) string { return g.value().SelectedSampleID }),
		texts(rows, func(g *generation) string { return g.value().FinalAssetID }),
		optional(rows, func(g *generation) string { return g.latest.finalAsset }),
		texts(rows, func(g *generation) string { return g.value().AIModelUsed }),
		optional(rows, func(g *generation) string { return g.latest.failure }),
		times(rows, func(g *generation) time.Time { return g.value().SelectBy }),
		times(rows, func(g *generation) time.Time { return g.value().DueAt }),
		times(rows, func(g *generation) time.Time { return g.value().UpdatedAt }),
		times(rows, func(g *generation) time.Time { return g.value().StatusSince }),
		integers(rows, func(g *generation) int64 { return g.value().LastEvent }),
		optional(rows, func(g *generation) string { return g.latest.refs }),
	}
}

const (
	insertRuns = `INSERT INTO runs (generation_id, number, id, user_id, stage, input, sample_id, resolution, amount,
	reservation, ask_at, jobs, deadline, created_at)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::text[]), unnest($6::json[]),
	unnest($7::text[]), unnest($8::text[]), unnest($9::bigint[]), unnest($10::text[]), unnest($11::timestamptz[]), unnest($12::text[]),
	unnest($13::timestamptz[]), unnest($14::timestamptz[])`
	upsertRuns = insertRuns + `
ON CONFLICT (generation_id, number) DO UPDATE SET
	reservation = excluded.reservation, ask_at = excluded.ask_at, jobs = excluded.jobs, deadline = excluded.deadline`
)

// runRow is a run with its JSON made.
type runRow struct {
	*aigen.Run

	of    *aigen.Generation
	input string
	jobs  string
}

func newRunRow(g *aigen.Generation, r *aigen.Run) (row runRow, err error) {
	row = runRow{Run: r, of: g}
	if row.input, err = rowjson.Input(r.Input); err != nil {
		return row, fmt.Errorf("input of run %s: %w", r.ID, err)
	}
	if len(r.Jobs) > 0 {
		row.jobs = rowjson.Jobs(r.Jobs)
	}
	return row, nil
}

// queueRuns queues insertRuns or upsertRuns.
func (t *tx) queueRuns(sql string, rows []runRow) {
	if len(rows) == 0 {
		return
	}
	t.queue(sql,
		uuids(rows, func(r runRow) aigen.ID { return r.of.ID }),
		integers(rows, func(r runRow) int64 { return int64(r.Number) }),
		uuids(rows, func(r runRow) aigen.ID { return r.ID }),
		uuids(rows, func(r runRow) aigen.ID { return r.of.UserID }),
		texts(rows, func(r runRow) string { return string(r.Stage) }),
		optional(rows, func(r runRow) string { return r.input }),
		texts(rows, func(r runRow) string { return r.SampleID }),
		texts(rows, func(r runRow) string { return r.Resolution.String() }),
		integers(rows, func(r runRow) int64 { return int64(r.Amount) }),
		texts(rows, func(r runRow) string { return string(r.Reservation) }),
		times(rows, func(r runRow) time.Time { return r.ReservationRetryAt }),
		optional(rows, func(r runRow) string { return r.jobs }),
		times(rows, func(r runRow) time.Time { return r.Deadline }),
		times(rows, func(r runRow) time.Time { return r.CreatedAt }))
}

// writeTrail writes events, deliveries and what operators did, in the order of the
// changes.
func (b *batch) writeTrail(t *tx) {
	events := make([]eventRow, 0, len(b.encoded))
	deliveries := make([]*outbox.Delivery, 0, len(b.encoded))
	var withdrawn []aigen.ID
	var assets []*aigen.StoredAsset
	var uses []assetUse
	var removals []app.AssetRemoval
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
		for k := range d.change.Assets {
			assets = append(assets, &d.change.Assets[k])
		}
		uses = appendUses(uses, d.change.Generation)
		removals = append(removals, d.change.AssetRemovals...)
		actions = append(actions, d.change.Actions...)
	}
	t.queueEvents(events)
	t.queueDeliveries(deliveries)
	if len(withdrawn) > 0 {
		t.queue(withdrawJobs, ids(withdrawn))
	}
	t.queueAssets(assets)
	t.queueUses(uses)
	t.queueRemovals(removals)
	t.queueActions(actions)
}

const insertEvents = `INSERT INTO events (generation_id, seq, user_id, position, type, at, data, change_id)
SELECT unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::uuid[]), unnest($4::bigint[]), unnest($5::text[]), unnest($6::timestamptz[]),
	unnest($7::text[]), unnest($8::bigint[])`

// eventRow is an event with its JSON made and its position given.
type eventRow struct {
	*aigen.Event

	position int64
	change   int64 // see encoded
	data     string
}

func (t *tx) queueEvents(rows []eventRow) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertEvents,
		uuids(rows, func(e eventRow) aigen.ID { return e.GenerationID }),
		integers(rows, func(e eventRow) int64 { return e.Seq }),
		uuids(rows, func(e eventRow) aigen.ID { return e.UserID }),
		integers(rows, func(e eventRow) int64 { return e.position }),
		texts(rows, func(e eventRow) string { return string(e.Type) }),
		times(rows, func(e eventRow) time.Time { return e.At }),
		texts(rows, func(e eventRow) string { return e.data }),
		integers(rows, func(e eventRow) int64 { return e.change }))
}

const insertEntries = `INSERT INTO ledger_entries
	(user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::bigint[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::text[]),
	unnest($7::bigint[]), unnest($8::bigint[]), unnest($9::timestamptz[])`

// reference is the column of an entry: "" but for a grant.
func reference(e ledger.Entry) string {
	if e.Kind == ledger.Grant {
		return e.GrantReference()
	}
	return ""
}

func (t *tx) queueEntries(rows []ledger.Entry) {
	if len(rows) == 0 {
		return
	}
	t.queue(insertEntries,
		uuids(rows, func(e ledger.Entry) aigen.ID { return e.UserID }),
		texts(rows, func(e ledger.Entry) string { return string(e.Kind) }),
		integers(rows, func(e ledger.Entry) int64 { return int64(e.Amount) }),
		uuids(rows, func(e ledger.Entry) aigen.ID {
			if e.OfRun() {
				return e.RunID
			}
			return aigen.ID{}
		}),
		uuids(rows, func(e ledger.Entry) aigen.ID { return e.GenerationID }),
		optional(rows, reference),
		integers(rows, func(e ledger.Entry) int64 { return int64(e.Balance) }),
		integers(rows, func(e ledger.Entry) int64 { return int64(e.Held) }),
		times(rows, func(e ledger.Entry) time.Time { return e.At }))
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

func sorted[V any](rows map[aigen.ID]V) []aigen.ID {
	return slices.SortedFunc(maps.Keys(rows), func(a, b aigen.ID) int { return bytes.Compare(a[:], b[:]) })
}

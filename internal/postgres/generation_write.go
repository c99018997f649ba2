package postgres

import (
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// generation is a row of the table generations as the changes so far have left it.
type generation struct {
	stored  int64        // its version in the table, 0 if it is not there
	status  aigen.Status // in the table
	version int64
	latest  *encodedChange // the last change, nil if there was none
	open    []int          // numbers of the runs whose reservation is not decided
	runs    []runRow
}

func (b *batch) generation(id aigen.ID) *generation {
	g, ok := b.generations[id]
	if !ok {
		g = new(generation)
		b.generations[id] = g
	}
	return g
}

// touched returns the runs that may have changed: a run whose reservation was
// decided before this step never changes again, so that a generation with many of
// them costs no more than one with few.
func (g *generation) touched(ch *app.Change) ([]runRow, error) {
	last := len(ch.Generation.Runs) - 1
	rows := make([]runRow, 0, 1)
	for i := range ch.Generation.Runs {
		r := &ch.Generation.Runs[i]
		if ch.From > 0 && i < last && r.Reservation.Ended() && !slices.Contains(g.open, r.Number) {
			continue
		}
		row, err := newRunRow(ch.Generation, r)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// replace takes over what a change has made of g.
func (g *generation) replace(d *encodedChange, runs []runRow) {
	g.latest, g.version = d, d.change.From+1
	for _, row := range runs {
		same := func(other runRow) bool { return other.Number == row.Number }
		if i := slices.IndexFunc(g.runs, same); i >= 0 {
			g.runs[i] = row
		} else {
			g.runs = append(g.runs, row)
		}
		if !row.Reservation.Ended() && !slices.Contains(g.open, row.Number) {
			g.open = append(g.open, row.Number)
		}
	}
}

func (g *generation) discard(d *encodedChange) { g.latest, g.version, g.runs = d, 0, nil }

// lockGenerations comes after the accounts. NO KEY: what refers to a generation may
// be written meanwhile.
const lockGenerations = `SELECT id, version, status FROM generations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`

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

// value is what the last change has made of g.
func (g *generation) value() *aigen.Generation { return g.latest.change.Generation }

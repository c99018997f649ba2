package postgres

import (
	"slices"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// generation is a row of the table generations as the changes so far have left it.
type generation struct {
	stored  int64 // its version in the table, 0 if it is not there
	version int64
	latest  *draft // the last change, nil if there was none
	open    []int  // numbers of the runs whose reservation is not decided
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
func (g *generation) replace(d *draft, runs []runRow) {
	g.latest, g.version = d, d.change.From+1
	for _, row := range runs {
		same := func(other runRow) bool { return other.run.Number == row.run.Number }
		if i := slices.IndexFunc(g.runs, same); i >= 0 {
			g.runs[i] = row
		} else {
			g.runs = append(g.runs, row)
		}
		if !row.run.Reservation.Ended() && !slices.Contains(g.open, row.run.Number) {
			g.open = append(g.open, row.run.Number)
		}
	}
}

func (g *generation) discard(d *draft) { g.latest, g.version, g.runs = d, 0, nil }

// lockGenerations comes after the accounts. NO KEY: what refers to a generation may
// be written meanwhile.
const lockGenerations = `SELECT id, version FROM generations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE`

const insertGenerations = `INSERT INTO generations (` + generationColumns + `)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::json[], $7::text[], $8::json[], $9::text[],
	$10::text[], $11::json[], $12::text[], $13::json[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[], $17::timestamptz[],
	$18::timestamptz[], $19::bigint[], $20::bigint[])`

// What a generation was made with does not change, except its input: that of a
// regeneration replaces it. The version is that of the locked row; it is asked for
// once more because nothing may ever be written over another.
const updateGenerations = `UPDATE generations g SET prompt = n.prompt, style = n.style, parameters = n.parameters, status = n.status,
	samples = n.samples, selected_sample_id = n.selected_sample_id, final_asset_id = n.final_asset_id, final_asset = n.final_asset,
	ai_model = n.ai_model, failure = n.failure, select_by = n.select_by, due_at = n.due_at, updated_at = n.updated_at,
	status_since = n.status_since, version = n.version, last_event = n.last_event
FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::json[], $6::text[], $7::json[], $8::text[],
	$9::text[], $10::json[], $11::text[], $12::json[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
	$17::bigint[], $18::bigint[])
	AS n (id, stored, prompt, style, parameters, status, samples, selected_sample_id, final_asset_id, final_asset, ai_model, failure,
		select_by, due_at, updated_at, status_since, version, last_event)
WHERE g.id = n.id AND g.version = n.stored`

// The runs go with it. A generation with events is not removed: a foreign key
// refuses.
const deleteGenerations = `DELETE FROM generations WHERE id = ANY ($1::uuid[])`

// generationChanges are the arguments of updateGenerations.
type generationChanges struct {
	ids                                                   ids
	stored, versions, lastEvents                          numbers
	prompts, styles, statuses, selected, finalIDs, models texts
	parameters, samples, finals, failures                 documents
	selectBy, dueAt, updatedAt, statusSince               times
}

func (r *generationChanges) add(of *generation) {
	g, d := of.latest.change.Generation, of.latest
	r.ids = append(r.ids, g.ID)
	r.stored = append(r.stored, of.stored)
	r.prompts = append(r.prompts, g.Input.Prompt)
	r.styles = append(r.styles, g.Input.StyleGuidance)
	r.parameters = append(r.parameters, d.parameters)
	r.statuses = append(r.statuses, string(g.Status))
	r.samples = append(r.samples, d.samples)
	r.selected = append(r.selected, g.SelectedSampleID)
	r.finalIDs = append(r.finalIDs, g.FinalAssetID)
	r.finals = append(r.finals, d.finalAsset)
	r.models = append(r.models, g.AIModelUsed)
	r.failures = append(r.failures, d.failure)
	r.selectBy = append(r.selectBy, g.SelectBy)
	r.dueAt = append(r.dueAt, g.DueAt)
	r.updatedAt = append(r.updatedAt, g.UpdatedAt)
	r.statusSince = append(r.statusSince, g.StatusSince)
	r.versions = append(r.versions, of.version)
	r.lastEvents = append(r.lastEvents, g.LastEvent)
}

func (r *generationChanges) queue(t *tx) {
	if len(r.ids) > 0 {
		t.queue(updateGenerations, r.ids, r.stored, r.prompts, r.styles, r.parameters, r.statuses, r.samples, r.selected,
			r.finalIDs, r.finals, r.models, r.failures, r.selectBy, r.dueAt, r.updatedAt, r.statusSince, r.versions, r.lastEvents)
	}
}

// generationRows are the arguments of insertGenerations.
type generationRows struct {
	generationChanges

	users, projects ids
	createdAt       times
}

func (r *generationRows) add(of *generation) {
	g := of.latest.change.Generation
	r.generationChanges.add(of)
	r.users = append(r.users, g.UserID)
	r.projects = append(r.projects, g.ProjectID)
	r.createdAt = append(r.createdAt, g.CreatedAt)
}

func (r *generationRows) queue(t *tx) {
	if len(r.ids) > 0 {
		t.queue(insertGenerations, r.ids, r.users, r.projects, r.prompts, r.styles, r.parameters, r.statuses, r.samples, r.selected,
			r.finalIDs, r.finals, r.models, r.failures, r.selectBy, r.dueAt, r.createdAt, r.updatedAt, r.statusSince, r.versions, r.lastEvents)
	}
}

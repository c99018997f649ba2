package postgres

import (
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

const runColumns = `generation_id, number, id, stage, input, sample_id, resolution, amount, reservation,
	ask_at, jobs, deadline, created_at`

const runsOfGeneration = `SELECT ` + runColumns + ` FROM runs WHERE generation_id = $1::uuid ORDER BY number`

// runsOfList is the query for the runs of the generations that where selects.
func runsOfList(where string) string {
	return `SELECT ` + runColumns + ` FROM runs WHERE generation_id = ANY (ARRAY(SELECT id FROM generations ` + where + `))
ORDER BY generation_id, number`
}

// loadRun gives each generation of the list its runs, oldest first.
func loadRun(list *[]*aigen.Generation) func(pgx.Rows) error {
	var owners map[aigen.ID]*aigen.Generation
	return func(rows pgx.Rows) error {
		if owners == nil {
			owners = make(map[aigen.ID]*aigen.Generation, len(*list))
			for _, g := range *list {
				owners[g.ID] = g
			}
		}
		var generation aigen.ID
		var r aigen.Run
		err := rows.Scan((*idColumn)(&generation), &r.Number, (*idColumn)(&r.ID), (*string)(&r.Stage), inputColumn(&r.Input),
			&r.SampleID, (*resolutionColumn)(&r.Resolution), (*int64)(&r.Amount), (*string)(&r.Reservation),
			(*timeColumn)(&r.AskAt), jsonColumn(&r.Jobs), (*timeColumn)(&r.Deadline), (*timeColumn)(&r.CreatedAt))
		if err != nil {
			return err
		}
		g := owners[generation]
		g.Runs = append(g.Runs, r)
		return nil
	}
}

// inputRow is an aigen.Input as a column holds it.
type inputRow struct {
	Prompt     string          `json:"inputPrompt"`
	Style      string          `json:"styleGuidance,omitempty"`
	Parameters json.RawMessage `json:"inputParameters"`
}

func inputArg(in *aigen.Input) (string, error) {
	if in == nil {
		return "", nil
	}
	parameters, err := in.Parameters.MarshalJSON()
	if err != nil {
		return "", err
	}
	return jsonArg(inputRow{in.Prompt, in.StyleGuidance, parameters})
}

func inputColumn(dst **aigen.Input) column {
	return func(text []byte) error {
		if text == nil {
			return nil
		}
		var row inputRow
		if err := json.Unmarshal(text, &row); err != nil {
			return err
		}
		*dst = &aigen.Input{Prompt: row.Prompt, StyleGuidance: row.Style}
		return (*dst).Parameters.UnmarshalJSON(row.Parameters)
	}
}

// selectOpenRuns finds the runs that may still change.
const selectOpenRuns = `SELECT generation_id, number FROM runs
WHERE generation_id = ANY ($1::uuid[]) AND reservation IN ('pending', 'held', 'releasing')`

const (
	insertRuns = `INSERT INTO runs (generation_id, number, id, user_id, stage, input, sample_id, resolution, amount,
	reservation, ask_at, jobs, deadline, created_at)
SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::text[], $6::json[], $7::text[], $8::text[], $9::bigint[],
	$10::text[], $11::timestamptz[], $12::json[], $13::timestamptz[], $14::timestamptz[])`
	upsertRuns = insertRuns + `
ON CONFLICT (generation_id, number) DO UPDATE SET
	reservation = excluded.reservation, ask_at = excluded.ask_at, jobs = excluded.jobs, deadline = excluded.deadline`
)

// runRow is a run with its JSON made.
type runRow struct {
	generation *aigen.Generation
	run        *aigen.Run
	input      string
	jobs       string
}

func newRunRow(g *aigen.Generation, r *aigen.Run) (row runRow, err error) {
	row = runRow{generation: g, run: r}
	if row.input, err = inputArg(r.Input); err != nil {
		return row, fmt.Errorf("input of run %s: %w", r.ID, err)
	}
	if len(r.Jobs) > 0 {
		if row.jobs, err = jsonArg(r.Jobs); err != nil {
			return row, fmt.Errorf("jobs of run %s: %w", r.ID, err)
		}
	}
	return row, nil
}

// runRows are the arguments of insertRuns and upsertRuns.
type runRows struct {
	generations, ids, users                    ids
	numbers, amounts                           numbers
	stages, samples, resolutions, reservations texts
	inputs, jobs                               documents
	askAt, deadlines, createdAt                times
}

func (r *runRows) add(of *generation) {
	for _, row := range of.runs {
		r.generations = append(r.generations, row.generation.ID)
		r.numbers = append(r.numbers, int64(row.run.Number))
		r.ids = append(r.ids, row.run.ID)
		r.users = append(r.users, row.generation.UserID)
		r.stages = append(r.stages, string(row.run.Stage))
		r.inputs = append(r.inputs, row.input)
		r.samples = append(r.samples, row.run.SampleID)
		r.resolutions = append(r.resolutions, row.run.Resolution.String())
		r.amounts = append(r.amounts, int64(row.run.Amount))
		r.reservations = append(r.reservations, string(row.run.Reservation))
		r.askAt = append(r.askAt, row.run.AskAt)
		r.jobs = append(r.jobs, row.jobs)
		r.deadlines = append(r.deadlines, row.run.Deadline)
		r.createdAt = append(r.createdAt, row.run.CreatedAt)
	}
}

func (r *runRows) queue(t *tx, sql string) {
	if len(r.ids) > 0 {
		t.queue(sql, r.generations, r.numbers, r.ids, r.users, r.stages, r.inputs, r.samples, r.resolutions, r.amounts,
			r.reservations, r.askAt, r.jobs, r.deadlines, r.createdAt)
	}
}

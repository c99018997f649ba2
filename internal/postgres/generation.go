package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/reconcile"
	"github.com/creativeflow/aigen/internal/rowjson"
)

const generationColumns = `id, user_id, project_id, prompt, style, parameters, status, samples, selected_sample_id,
	final_asset_id, final_asset, ai_model, failure, select_by, due_at, created_at, updated_at, status_since, version, last_event,
	refs, options, external_id, batch_id`

const (
	selectGeneration = `SELECT ` + generationColumns + ` FROM generations WHERE id = $1::uuid`
	dueGenerations   = `SELECT id FROM generations WHERE due_at <= $1::timestamptz ORDER BY due_at, id LIMIT $2::bigint`
)

// Get implements app.GenerationRepository. It is one round trip.
func (s *Store) Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error) {
	var found []*aigen.Generation
	err := s.snapshot(ctx, "get generation", func(b *pgx.Batch) {
		found = nil
		b.Queue(selectGeneration, idArg(id)).Query(each(loadGeneration(&found)))
		b.Queue(runsOfGeneration, idArg(id)).Query(each(loadRun(&found)))
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &aigen.Error{Code: aigen.CodeNotFound, Message: "There is no generation with this id."}
	}
	return found[0], nil
}

const (
	selectGenerations = `SELECT ` + generationColumns + ` FROM generations WHERE id = ANY ($1::uuid[])`
	runsOfGenerations = `SELECT ` + runColumns + ` FROM runs WHERE generation_id = ANY ($1::uuid[]) ORDER BY generation_id, number`
)

// GetMany loads generations as Get does, in one round trip. Those that are not there
// are missing from the map.
func (s *Store) GetMany(ctx context.Context, wanted []aigen.ID) (map[aigen.ID]*aigen.Generation, error) {
	found := make([]*aigen.Generation, 0, len(wanted))
	err := s.snapshot(ctx, "get generations", func(b *pgx.Batch) {
		found = found[:0]
		if len(wanted) == 1 { // nobody else came: the cheaper way
			b.Queue(selectGeneration, idArg(wanted[0])).Query(each(loadGeneration(&found)))
			b.Queue(runsOfGeneration, idArg(wanted[0])).Query(each(loadRun(&found)))
			return
		}
		b.Queue(s.settings)
		b.Queue(selectGenerations, ids(wanted)).Query(each(loadGeneration(&found)))
		b.Queue(runsOfGenerations, ids(wanted)).Query(each(loadRun(&found)))
	})
	if err != nil {
		return nil, err
	}
	byID := make(map[aigen.ID]*aigen.Generation, len(found))
	for _, g := range found {
		byID[g.ID] = g
	}
	return byID, nil
}

// List implements app.GenerationRepository. It is one round trip, whatever the length.
func (s *Store) List(ctx context.Context, q app.ListQuery) ([]*aigen.Generation, error) {
	where, args := listFilter(q)
	var list []*aigen.Generation
	err := s.snapshot(ctx, "list generations", func(b *pgx.Batch) {
		list = nil
		b.Queue(`SELECT `+generationColumns+` FROM generations `+where, args...).Query(each(loadGeneration(&list)))
		b.Queue(runsOfList(where), args...).Query(each(loadRun(&list)))
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// listFilter selects one page. Both queries of List use it: in one snapshot it
// selects the same rows twice, and the second needs not wait for the first.
func listFilter(q app.ListQuery) (where string, args []any) {
	var b strings.Builder
	param := func(v any, cast string) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args)) + "::" + cast
	}
	b.WriteString(`WHERE user_id = ` + param(idArg(q.UserID), "uuid"))
	if q.Status != "" {
		b.WriteString(` AND status = ` + param(string(q.Status), "text"))
	}
	if !q.ProjectID.IsZero() {
		b.WriteString(` AND project_id = ` + param(idArg(q.ProjectID), "uuid"))
	}
	if !q.BatchID.IsZero() {
		b.WriteString(` AND batch_id = ` + param(idArg(q.BatchID), "uuid"))
	}
	if q.ExternalID != "" {
		b.WriteString(` AND external_id = ` + param(textArg(q.ExternalID), "text"))
	}
	if q.Before != nil {
		b.WriteString(` AND (created_at, id) < (` + param(q.Before.CreatedAt, "timestamptz") + `, ` + param(idArg(q.Before.ID), "uuid") + `)`)
	}
	b.WriteString(` ORDER BY created_at DESC, id DESC LIMIT ` + param(max(q.Limit, 1), "bigint"))
	return b.String(), args
}

// Due implements app.GenerationRepository.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]aigen.ID, error) {
	var due []aigen.ID
	err := s.snapshot(ctx, "due generations", func(b *pgx.Batch) {
		due = nil
		b.Queue(s.settings)
		b.Queue(dueGenerations, now, limit).Query(each(func(r pgx.Rows) error {
			var id aigen.ID
			err := r.Scan((*idColumn)(&id))
			due = append(due, id)
			return err
		}))
	})
	if err != nil {
		return nil, err
	}
	return due, nil
}

func loadGeneration(list *[]*aigen.Generation) func(pgx.Rows) error {
	return func(r pgx.Rows) error {
		g := new(aigen.Generation)
		*list = append(*list, g)
		return r.Scan(
			(*idColumn)(&g.ID), (*idColumn)(&g.UserID), (*idColumn)(&g.ProjectID),
			&g.Input.Prompt, &g.Input.StyleGuidance, parametersColumn(&g.Input.Parameters),
			(*string)(&g.Status), jsonColumn(&g.Samples), &g.SelectedSampleID,
			&g.FinalAssetID, jsonColumn(&g.FinalAsset), &g.AIModelUsed, jsonColumn(&g.Failure),
			(*timeColumn)(&g.SelectBy), (*timeColumn)(&g.DueAt), (*timeColumn)(&g.CreatedAt), (*timeColumn)(&g.UpdatedAt),
			(*timeColumn)(&g.StatusSince), &g.Version, &g.LastEvent,
			jsonColumn(&g.Input.References), optionsColumn(&g.Options), textColumn(&g.Options.ExternalID), (*idColumn)(&g.Options.BatchID))
	}
}

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
			(*timeColumn)(&r.ReservationRetryAt), jsonColumn(&r.Jobs), (*timeColumn)(&r.Deadline), (*timeColumn)(&r.CreatedAt))
		if err != nil {
			return err
		}
		g := owners[generation]
		g.Runs = append(g.Runs, r)
		return nil
	}
}

func inputColumn(dst **aigen.Input) column {
	return func(text []byte) (err error) {
		if text != nil {
			*dst, err = rowjson.ReadInput(text)
		}
		return err
	}
}

const bookedRuns = `SELECT generation_id, number, id, user_id, amount, reservation, created_at FROM runs
WHERE (generation_id, number) > ($1::uuid, $2::bigint) ORDER BY generation_id, number LIMIT $3::bigint`

// Runs implements app.RunBook.
func (s *Store) Runs(ctx context.Context, after reconcile.RunPlace, limit int) ([]reconcile.BookedRun, error) {
	// The nil UUID as a value: idArg makes NULL of it, and nothing is greater than that.
	return query(ctx, s, "list runs", func(rows pgx.Rows) (r reconcile.BookedRun, err error) {
		err = rows.Scan((*idColumn)(&r.GenerationID), &r.Number, (*idColumn)(&r.ID), (*idColumn)(&r.UserID),
			(*int64)(&r.Amount), (*string)(&r.Reservation), (*timeColumn)(&r.CreatedAt))
		return r, err
	}, bookedRuns, after.GenerationID.String(), after.Number, limit)
}

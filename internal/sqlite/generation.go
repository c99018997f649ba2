package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/reconcile"
	"github.com/creativeflow/aigen/internal/rowjson"
)

const generationColumns = `id, user_id, project_id, prompt, style, parameters, status, samples, selected_sample_id,
	final_asset_id, final_asset, ai_model, failure, select_by, due_at, created_at, updated_at, status_since, version, last_event,
	refs, options, external_id, batch_id`

// Get implements app.GenerationRepository.
func (s *Store) Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error) {
	const query = `SELECT ` + generationColumns + ` FROM generations WHERE id = ?`
	var found []*aigen.Generation
	err := s.view(ctx, "get generation", func(ctx context.Context, c *session) (err error) {
		if found, err = loadGenerations(ctx, c, query, id[:]); err != nil || len(found) == 0 {
			return err
		}
		return loadRuns(ctx, c, found, `WHERE generation_id = ?`, id[:])
	})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, &aigen.Error{Code: aigen.CodeNotFound, Message: "There is no generation with this id."}
	}
	return found[0], nil
}

// List implements app.GenerationRepository. It is two queries, whatever the length.
func (s *Store) List(ctx context.Context, q app.ListQuery) ([]*aigen.Generation, error) {
	where, args := listFilter(q)
	var list []*aigen.Generation
	err := s.view(ctx, "list generations", func(ctx context.Context, c *session) (err error) {
		list, err = loadGenerations(ctx, c, `SELECT `+generationColumns+` FROM generations `+where, args...)
		if err != nil || len(list) == 0 {
			return err
		}
		return loadRuns(ctx, c, list, `WHERE generation_id IN (SELECT id FROM generations `+where+`)`, args...)
	})
	return list, err
}

// listFilter selects one page. Both queries of List use it: in one transaction it
// selects the same rows twice, and no list of ids has to be bound.
func listFilter(q app.ListQuery) (where string, args []any) {
	var b strings.Builder
	b.WriteString(`WHERE user_id = ?`)
	args = append(args, q.UserID[:])
	if q.Status != "" {
		b.WriteString(` AND status = ?`)
		args = append(args, string(q.Status))
	}
	if !q.ProjectID.IsZero() {
		b.WriteString(` AND project_id = ?`)
		args = append(args, q.ProjectID[:])
	}
	if !q.BatchID.IsZero() {
		b.WriteString(` AND batch_id = ?`)
		args = append(args, q.BatchID[:])
	}
	if q.ExternalID != "" {
		b.WriteString(` AND external_id = ?`)
		args = append(args, q.ExternalID)
	}
	if q.Before != nil {
		b.WriteString(` AND (created_at, id) < (?, ?)`)
		args = append(args, q.Before.CreatedAt.UnixMicro(), q.Before.ID[:])
	}
	b.WriteString(` ORDER BY created_at DESC, id DESC LIMIT ?`)
	return b.String(), append(args, max(q.Limit, 1))
}

// Due implements app.GenerationRepository.
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]aigen.ID, error) {
	const query = `SELECT id FROM generations WHERE due_at <= ? ORDER BY due_at, id LIMIT ?`
	var ids []aigen.ID
	err := s.view(ctx, "due generations", func(ctx context.Context, c *session) error {
		return c.each(ctx, func(r *sql.Rows) error {
			var id aigen.ID
			err := r.Scan(idColumn(&id))
			ids = append(ids, id)
			return err
		}, query, now.UnixMicro(), limit)
	})
	return ids, err
}

func loadGenerations(ctx context.Context, c *session, query string, args ...any) ([]*aigen.Generation, error) {
	var list []*aigen.Generation
	err := c.each(ctx, func(r *sql.Rows) error {
		g := new(aigen.Generation)
		list = append(list, g)
		return r.Scan(
			idColumn(&g.ID), idColumn(&g.UserID), idColumn(&g.ProjectID),
			&g.Input.Prompt, &g.Input.StyleGuidance, parametersColumn(&g.Input.Parameters),
			(*string)(&g.Status), jsonColumn(&g.Samples), &g.SelectedSampleID,
			&g.FinalAssetID, jsonColumn(&g.FinalAsset), &g.AIModelUsed, jsonColumn(&g.Failure),
			timeColumn(&g.SelectBy), timeColumn(&g.DueAt), timeColumn(&g.CreatedAt), timeColumn(&g.UpdatedAt), timeColumn(&g.StatusSince),
			&g.Version, &g.LastEvent,
			jsonColumn(&g.Input.References), optionsColumn(&g.Options), textColumn(&g.Options.ExternalID), idColumn(&g.Options.BatchID))
	}, query, args...)
	return list, err
}

// loadRuns gives each generation of the list its runs, oldest first.
func loadRuns(ctx context.Context, c *session, list []*aigen.Generation, where string, args ...any) error {
	query := `SELECT generation_id, number, id, stage, input, sample_id, resolution, amount, reservation,
	ask_at, jobs, deadline, created_at
FROM runs ` + where + ` ORDER BY generation_id, number`
	owner := make(map[aigen.ID]*aigen.Generation, len(list))
	for _, g := range list {
		owner[g.ID] = g
	}
	return c.each(ctx, func(rows *sql.Rows) error {
		var generation aigen.ID
		var r aigen.Run
		err := rows.Scan(idColumn(&generation), &r.Number, idColumn(&r.ID), (*string)(&r.Stage), inputColumn(&r.Input),
			&r.SampleID, resolutionColumn(&r.Resolution), (*int64)(&r.Amount), (*string)(&r.Reservation),
			timeColumn(&r.ReservationRetryAt), jsonColumn(&r.Jobs), timeColumn(&r.Deadline), timeColumn(&r.CreatedAt))
		if err != nil {
			return err
		}
		g := owner[generation]
		g.Runs = append(g.Runs, r)
		return nil
	}, query, args...)
}

func inputColumn(dst **aigen.Input) column {
	return func(src any) error {
		text, err := textOf(src)
		if text != nil {
			*dst, err = rowjson.ReadInput(text)
		}
		return err
	}
}

// Runs implements app.RunBook.
func (s *Store) Runs(ctx context.Context, after reconcile.RunPlace, limit int) (list []reconcile.BookedRun, err error) {
	const query = `SELECT generation_id, number, id, user_id, amount, reservation, created_at FROM runs
WHERE (generation_id, number) > (?, ?) ORDER BY generation_id, number LIMIT ?`
	err = s.view(ctx, "list runs", func(ctx context.Context, c *session) error {
		list = nil
		return c.each(ctx, func(rows *sql.Rows) error {
			var r reconcile.BookedRun
			err := rows.Scan(idColumn(&r.GenerationID), &r.Number, idColumn(&r.ID), idColumn(&r.UserID),
				(*int64)(&r.Amount), (*string)(&r.Reservation), timeColumn(&r.CreatedAt))
			list = append(list, r)
			return err
		}, query, after.GenerationID[:], after.Number, limit)
	})
	return list, err
}

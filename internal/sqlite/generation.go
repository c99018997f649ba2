package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
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

const insertGeneration = `INSERT INTO generations (` + generationColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

// What a generation was made with does not change, except its input: that of a
// regeneration replaces it.
const updateGeneration = `UPDATE generations SET prompt = ?, style = ?, parameters = ?, status = ?, samples = ?,
	selected_sample_id = ?, final_asset_id = ?, final_asset = ?, ai_model = ?, failure = ?, select_by = ?, due_at = ?,
	updated_at = ?, status_since = ?, version = ?, last_event = ?, refs = ?
WHERE id = ? AND version = ?`

// countGenerations adds new generations to the count of their status.
func countGenerations(ctx context.Context, c *session, statuses []aigen.Status) error {
	counts := map[aigen.Status]int64{}
	for _, status := range statuses {
		counts[status]++
	}
	for status, n := range counts {
		if _, err := c.exec(ctx, `UPDATE generation_counts SET n = n + ? WHERE status = ?`, n, string(status)); err != nil {
			return fmt.Errorf("count generations: %w", err)
		}
	}
	return nil
}

// generationRow is a row for insertGeneration. The caller's g keeps its Version until
// the commit.
func generationRow(g *aigen.Generation) ([]any, error) {
	parameters, samples, asset, failure, err := generationJSON(g)
	if err != nil {
		return nil, fmt.Errorf("generation %s: %w", g.ID, err)
	}
	refs, err := rowjson.References(g.Input.References)
	if err != nil {
		return nil, fmt.Errorf("generation %s: %w", g.ID, err)
	}
	options, err := rowjson.Options(&g.Options)
	if err != nil {
		return nil, fmt.Errorf("generation %s: %w", g.ID, err)
	}
	return []any{
		g.ID[:], g.UserID[:], g.ProjectID[:], g.Input.Prompt, g.Input.StyleGuidance, parameters, string(g.Status), samples,
		g.SelectedSampleID, g.FinalAssetID, asset, g.AIModelUsed, failure, timeArg(g.SelectBy), timeArg(g.DueAt),
		g.CreatedAt.UnixMicro(), g.UpdatedAt.UnixMicro(), g.StatusSince.UnixMicro(), int64(1), g.LastEvent,
		orNull(refs), orNull(options), orNull(g.Options.ExternalID), idArg(g.Options.BatchID),
	}, nil
}

// replaceGeneration writes g over version from; false if that is not the version in
// the table.
func replaceGeneration(ctx context.Context, c *session, g *aigen.Generation, from int64) (bool, error) {
	parameters, samples, asset, failure, err := generationJSON(g)
	if err != nil {
		return false, fmt.Errorf("generation %s: %w", g.ID, err)
	}
	refs, err := rowjson.References(g.Input.References)
	if err != nil {
		return false, fmt.Errorf("generation %s: %w", g.ID, err)
	}
	n, err := c.exec(ctx, updateGeneration,
		g.Input.Prompt, g.Input.StyleGuidance, parameters, string(g.Status), samples,
		g.SelectedSampleID, g.FinalAssetID, asset, g.AIModelUsed, failure, timeArg(g.SelectBy), timeArg(g.DueAt),
		g.UpdatedAt.UnixMicro(), g.StatusSince.UnixMicro(), from+1, g.LastEvent, orNull(refs), g.ID[:], from)
	return n == 1, err
}

// generationJSON returns the columns that hold JSON, nil for NULL.
func generationJSON(g *aigen.Generation) (parameters string, samples, asset, failure any, err error) {
	text, err := g.Input.Parameters.MarshalJSON()
	if err == nil && len(g.Samples) > 0 {
		samples, err = rowjson.Marshal(g.Samples)
	}
	if err == nil && g.FinalAsset != nil {
		asset, err = rowjson.Marshal(g.FinalAsset)
	}
	if err == nil && g.Failure != nil {
		failure, err = rowjson.Marshal(g.Failure)
	}
	return string(text), samples, asset, failure, err
}

// removeGeneration removes g with its runs; false if its version is not from. A
// generation with events is not removed: the foreign key refuses.
func removeGeneration(ctx context.Context, c *session, id aigen.ID, from int64) (bool, error) {
	n, err := c.exec(ctx, `DELETE FROM generations WHERE id = ? AND version = ?`, id[:], from)
	return n == 1, err
}

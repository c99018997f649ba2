package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/rowjson"
)

// errNotNew is returned when a generation or a run that was taken for new is in the
// database already.
var errNotNew = errors.New("what was taken for new is there already")

// pending holds rows that a batch has decided on and not written yet: written
// together they share statements. What it holds is not seen by queries; who is about
// to ask for it writes first.
type pending struct {
	c        *session
	ids      []aigen.ID     // of the generations that have rows here
	statuses []aigen.Status // of those that are new

	generations, runs, events, deliveries, assets, uses []any // columns, one row after the other
	entries                                             []ledger.Entry
	removals                                            []app.AssetRemoval
}

// full is a bound on what is looked through for each change.
func (p *pending) full() bool { return len(p.ids) >= 64 }

func (p *pending) has(generation aigen.ID) bool {
	for _, id := range p.ids {
		if id == generation {
			return true
		}
	}
	return false
}

// save writes the rows, those first that others refer to. A table's rows are written
// in the order in which they came.
func (p *pending) save(ctx context.Context) error {
	n, err := p.c.execRows(ctx, insertGeneration, p.generations)
	if err != nil {
		return fmt.Errorf("generations: %w", err)
	}
	if n != int64(len(p.statuses)) {
		return errNotNew
	}
	if err := countGenerations(ctx, p.c, p.statuses); err != nil {
		return err
	}
	for _, table := range []struct {
		of    string
		query string
		rows  []any
	}{
		{"runs", insertRun, p.runs},
		{"events", insertEvent, p.events},
		{"deliveries", insertDelivery, p.deliveries},
		{"assets", insertAsset, p.assets},
		{"uses of assets", insertUse, p.uses},
		{"ledger entries", insertEntry, entryRows(p.entries)},
	} {
		if _, err := p.c.execRows(ctx, table.query, table.rows); err != nil {
			return fmt.Errorf("%s: %w", table.of, err)
		}
	}
	for _, r := range p.removals { // after the rows of pictures
		if err := scheduleRemoval(ctx, p.c, r); err != nil {
			return fmt.Errorf("removals of assets: %w", err)
		}
	}
	p.drop()
	return nil
}

// drop forgets the rows and keeps the room they took.
func (p *pending) drop() {
	p.ids, p.statuses, p.entries = p.ids[:0], p.statuses[:0], p.entries[:0]
	p.generations, p.runs, p.events, p.deliveries = p.generations[:0], p.runs[:0], p.events[:0], p.deliveries[:0]
	p.assets, p.uses, p.removals = p.assets[:0], p.uses[:0], p.removals[:0]
}

const insertGeneration = `INSERT INTO generations (` + generationColumns + `)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`

// What a generation was made with does not change, except its input: that of a
// regeneration replaces it.
const updateGeneration = `UPDATE generations SET prompt = ?, style = ?, parameters = ?, status = ?, samples = ?,
	selected_sample_id = ?, final_asset_id = ?, final_asset = ?, ai_model = ?, failure = ?, select_by = ?, due_at = ?,
	updated_at = ?, status_since = ?, version = ?, last_event = ?, refs = ?
WHERE id = ? AND version = ?`

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

const insertRun = `INSERT INTO runs (generation_id, number, id, user_id, stage, input, sample_id, resolution, amount,
	reservation, ask_at, jobs, deadline, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (generation_id, number) DO UPDATE SET
	reservation = excluded.reservation, ask_at = excluded.ask_at, jobs = excluded.jobs, deadline = excluded.deadline`

// changedRuns adds the runs that may have changed to rows: a run whose reservation was
// decided before this step never changes again, so that a generation with many of
// them costs no more than one with few.
func changedRuns(ctx context.Context, c *session, rows []any, g *aigen.Generation, from int64) ([]any, error) {
	open, err := openRuns(ctx, c, g, from)
	if err != nil {
		return nil, err
	}
	last := len(g.Runs) - 1
	for i := range g.Runs {
		r := &g.Runs[i]
		if from > 0 && i < last && r.Reservation.Ended() && !slices.Contains(open, r.Number) {
			continue
		}
		row, err := runRow(g, r)
		if err != nil {
			return nil, fmt.Errorf("run %s: %w", r.ID, err)
		}
		rows = append(rows, row...)
	}
	return rows, nil
}

// openRuns returns the numbers of the runs whose reservation is not decided, as they
// were before this step.
func openRuns(ctx context.Context, c *session, g *aigen.Generation, from int64) (open []int, err error) {
	if from == 0 || len(g.Runs) <= 1 {
		return nil, nil // nothing to look for
	}
	const query = `SELECT number FROM runs WHERE generation_id = ? AND (reservation = 'pending' OR reservation = 'held' OR reservation = 'releasing')`
	err = c.each(ctx, func(r *sql.Rows) error {
		var number int
		err := r.Scan(&number)
		open = append(open, number)
		return err
	}, query, g.ID[:])
	return open, err
}

// runRow is a row for insertRun.
func runRow(g *aigen.Generation, r *aigen.Run) ([]any, error) {
	input, err := rowjson.Input(r.Input)
	if err != nil {
		return nil, err
	}
	jobs := ""
	if len(r.Jobs) > 0 {
		jobs = rowjson.Jobs(r.Jobs)
	}
	return []any{
		g.ID[:], r.Number, r.ID[:], g.UserID[:], string(r.Stage), orNull(input), r.SampleID, r.Resolution.String(),
		int64(r.Amount), string(r.Reservation), timeArg(r.ReservationRetryAt), orNull(jobs), timeArg(r.Deadline), r.CreatedAt.UnixMicro(),
	}, nil
}

const insertEvent = `INSERT INTO events (generation_id, seq, user_id, position, type, at, data) VALUES (?, ?, ?, ?, ?, ?, ?)`

// eventRows adds events of one user to rows, and returns the position of the first.
// Positions have no gaps and grow in the order of commits, since there is one
// writer: who has seen position n will see nothing before it later.
func eventRows(rows []any, a *account, events []aigen.Event) (_ []any, first int64, err error) {
	first = a.position + 1
	for i := range events {
		e := &events[i]
		data, err := rowjson.Event(e)
		if err != nil {
			return nil, 0, fmt.Errorf("event %d of generation %s: %w", e.Seq, e.GenerationID, err)
		}
		a.position++
		rows = append(rows, e.GenerationID[:], e.Seq, e.UserID[:], a.position, string(e.Type), e.At.UnixMicro(), data)
	}
	return rows, first, nil
}

const insertEntry = `INSERT INTO ledger_entries
	(user_id, kind, amount, run_id, generation_id, reference, balance_after, held_after, at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// entryRows makes rows for insertEntry.
func entryRows(entries []ledger.Entry) []any {
	rows := make([]any, 0, 9*len(entries))
	for i := range entries {
		e := &entries[i]
		var run, reference any
		if e.Kind == ledger.Grant {
			reference = e.GrantReference()
		} else {
			run = idArg(e.RunID)
		}
		rows = append(rows, e.UserID[:], string(e.Kind), int64(e.Amount), run, idArg(e.GenerationID), reference,
			int64(e.Balance), int64(e.Held), e.At.UnixMicro())
	}
	return rows
}

// saveKey comes after keyTaken has found the key free or expired.
func saveKey(ctx context.Context, c *session, ch *app.Change) error {
	if ch.ForgetKey != "" {
		const forget = `DELETE FROM idempotency_keys WHERE user_id = ? AND key = ? AND run_id IS ?`
		if _, err := c.exec(ctx, forget, ch.Generation.UserID[:], ch.ForgetKey, idArg(ch.ForgetRun)); err != nil {
			return err
		}
	}
	rec := ch.Record
	if rec == nil {
		return nil
	}
	var answer any
	if rec.Answer != nil {
		var err error
		if answer, err = rowjson.Marshal(rec.Answer); err != nil {
			return fmt.Errorf("answer of an idempotency key: %w", err)
		}
	}
	const query = `INSERT OR REPLACE INTO idempotency_keys
	(user_id, key, request_hash, generation_id, run_id, answer, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
	_, err := c.exec(ctx, query, rec.UserID[:], rec.Key, rec.RequestHash[:], rec.GenerationID[:], idArg(rec.RunID),
		answer, rec.CreatedAt.UnixMicro(), rec.ExpiresAt.UnixMicro())
	return err
}

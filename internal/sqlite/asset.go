package sqlite

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
)

var _ assets.Repository = (*Store)(nil)

const assetColumns = `name, asset_id, kind, user_id, generation_id, job_id, model, source_url, state, format, width, height, size,
	sha256, source_hash, source_type, created_at, stored_at, remove_at`

const insertAsset = `INSERT INTO assets (` + assetColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// assetRow is a row for insertAsset.
func assetRow(a *aigen.StoredAsset) []any {
	return []any{
		a.Name[:], a.AssetID, string(a.Kind), a.UserID[:], idArg(a.GenerationID), idArg(a.JobID), a.Model, a.SourceURL, string(a.State),
		a.Format, a.Width, a.Height, a.Size, a.SHA256[:], a.SourceHash[:], string(a.SourceType),
		a.CreatedAt.UnixMicro(), timeArg(a.StoredAt), timeArg(a.RemoveAt),
	}
}

func (s *Store) assets(ctx context.Context, op, where string, args ...any) (list []aigen.StoredAsset, err error) {
	err = s.view(ctx, op, func(ctx context.Context, c *session) (err error) {
		list, err = loadAssets(ctx, c, where, args...)
		return err
	})
	return list, err
}

func loadAssets(ctx context.Context, c *session, where string, args ...any) (list []aigen.StoredAsset, err error) {
	err = c.each(ctx, func(r *sql.Rows) error {
		var a aigen.StoredAsset
		err := r.Scan(
			idColumn((*aigen.ID)(&a.Name)), &a.AssetID, (*string)(&a.Kind), idColumn(&a.UserID), idColumn(&a.GenerationID), idColumn(&a.JobID),
			&a.Model, &a.SourceURL, (*string)(&a.State), &a.Format, &a.Width, &a.Height, &a.Size, hashColumn(&a.SHA256), hashColumn(&a.SourceHash),
			(*string)(&a.SourceType), timeColumn(&a.CreatedAt), timeColumn(&a.StoredAt), timeColumn(&a.RemoveAt))
		list = append(list, a)
		return err
	}, `SELECT `+assetColumns+` FROM assets `+where, args...)
	return list, err
}

// Asset implements assets.Repository.
func (s *Store) Asset(ctx context.Context, name aigen.AssetName) (aigen.StoredAsset, error) {
	return oneAsset(s.assets(ctx, "get asset", `WHERE name = ?`, name[:]))
}

func oneAsset(list []aigen.StoredAsset, err error) (aigen.StoredAsset, error) {
	switch {
	case err != nil:
		return aigen.StoredAsset{}, err
	case len(list) == 0:
		return aigen.StoredAsset{}, assets.ErrNoAsset
	}
	return list[0], nil
}

// AssetsOf implements assets.Repository.
func (s *Store) AssetsOf(ctx context.Context, names []aigen.AssetName) ([]aigen.StoredAsset, error) {
	args := make([]any, len(names))
	for i := range names {
		args[i] = names[i][:]
	}
	return s.assets(ctx, "get assets", `WHERE name IN (`+marks(len(names))+`)`, args...)
}

// marks are n question marks.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// AssetsHandedOver implements app.GenerationRepository.
func (s *Store) AssetsHandedOver(ctx context.Context, generation aigen.ID, ids []string) ([]aigen.StoredAsset, error) {
	args := []any{generation[:]}
	for _, id := range ids {
		args = append(args, id)
	}
	return s.assets(ctx, "get assets of a generation",
		`WHERE generation_id = ? AND state = 'stored' AND asset_id IN (`+marks(len(ids))+`)`, args...)
}

// OwnAssets implements app.GenerationRepository.
func (s *Store) OwnAssets(ctx context.Context, user aigen.ID, ids []string) ([]aigen.StoredAsset, error) {
	args := []any{user[:]}
	for _, id := range ids {
		args = append(args, id)
	}
	list, err := s.assets(ctx, "get assets of a user",
		`WHERE user_id = ? AND state = 'stored' AND asset_id IN (`+marks(len(ids))+`) ORDER BY created_at DESC`, args...)
	return app.NewestAssets(list), err
}

// Uploads implements assets.Repository.
func (s *Store) Uploads(ctx context.Context, q assets.UploadQuery) ([]aigen.StoredAsset, error) {
	where, args := `WHERE user_id = ? AND generation_id IS NULL AND state = 'stored'`, []any{q.UserID[:]}
	if q.Before != nil {
		where += ` AND (created_at, name) < (?, ?)`
		args = append(args, q.Before.CreatedAt.UnixMicro(), q.Before.Name[:])
	}
	return s.assets(ctx, "list uploads", where+` ORDER BY created_at DESC, name DESC LIMIT ?`, append(args, q.Limit)...)
}

// UploadedFor implements assets.Repository.
func (s *Store) UploadedFor(ctx context.Context, job aigen.ID, generation aigen.ID, source [32]byte) (aigen.StoredAsset, error) {
	return oneAsset(s.assets(ctx, "find an uploaded asset",
		`WHERE generation_id = ? AND job_id = ? AND source_hash = ? AND state = 'stored'`, generation[:], job[:], source[:]))
}

// AddAsset implements assets.Repository.
func (s *Store) AddAsset(ctx context.Context, a aigen.StoredAsset) error {
	return s.write(ctx, "add asset", func(ctx context.Context, c *session) error {
		_, err := c.exec(ctx, insertAsset, assetRow(&a)...)
		return err
	})
}

// FinishAsset implements assets.Repository.
func (s *Store) FinishAsset(ctx context.Context, name aigen.AssetName, f aigen.AssetFacts, removeAt time.Time) (bool, error) {
	return s.changeAsset(ctx, "finish asset", `UPDATE assets SET state = 'stored', source_url = '', format = ?, width = ?, height = ?,
	size = ?, sha256 = ?, source_hash = ?, source_type = ?, stored_at = ?, remove_at = coalesce(?, remove_at) WHERE name = ? AND (state <> 'stored' OR sha256 = ?)`,
		f.Format, f.Width, f.Height, f.Size, f.SHA256[:], f.SourceHash[:], string(f.SourceType), f.StoredAt.UnixMicro(), timeArg(removeAt), name[:], f.SHA256[:])
}

// LoseAsset implements assets.Repository.
func (s *Store) LoseAsset(ctx context.Context, name aigen.AssetName) (bool, error) {
	return s.changeAsset(ctx, "lose asset", `UPDATE assets SET state = 'lost' WHERE name = ? AND state = 'waiting'`, name[:])
}

// assetBusy reports, of a row of assets, whether a generation that has not ended was given it.
const assetBusy = `EXISTS (SELECT 1 FROM asset_uses u JOIN generations g ON g.id = u.generation_id
	WHERE u.name = assets.name AND g.due_at IS NOT NULL)`

// RemoveUpload implements assets.Repository.
func (s *Store) RemoveUpload(ctx context.Context, user aigen.ID, name aigen.AssetName, now time.Time) error {
	changed, err := s.changeAsset(ctx, "remove upload",
		`UPDATE assets SET remove_at = ? WHERE name = ? AND user_id = ? AND NOT `+assetBusy, now.UnixMicro(), name[:], user[:])
	if err == nil && !changed {
		return assets.ErrInUse
	}
	return err
}

// RemoveAssets implements assets.Repository.
func (s *Store) RemoveAssets(ctx context.Context, names []aigen.AssetName, at time.Time) error {
	return s.write(ctx, "remove assets", func(ctx context.Context, c *session) error {
		for i := range names {
			if _, err := c.exec(ctx, `UPDATE assets SET remove_at = ? WHERE name = ?`, at.UnixMicro(), names[i][:]); err != nil {
				return err
			}
		}
		return nil
	})
}

// ClaimRemovals implements assets.Repository.
func (s *Store) ClaimRemovals(ctx context.Context, now, until time.Time, limit int) (list []aigen.StoredAsset, err error) {
	const due = `WHERE remove_at <= ? AND NOT ` + assetBusy + ` ORDER BY remove_at LIMIT ?`
	found, err := s.assets(ctx, "look for assets to remove", due, now.UnixMicro(), 1)
	if err != nil || len(found) == 0 {
		return nil, err // whoever finds nothing does not hold up the writer
	}
	err = s.write(ctx, "claim assets to remove", func(ctx context.Context, c *session) (err error) {
		if list, err = loadAssets(ctx, c, due, now.UnixMicro(), limit); err != nil {
			return err
		}
		for i := range list {
			if _, err := c.exec(ctx, `UPDATE assets SET remove_at = ? WHERE name = ?`, until.UnixMicro(), list[i].Name[:]); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

// ForgetAssets implements assets.Repository.
func (s *Store) ForgetAssets(ctx context.Context, names []aigen.AssetName) error {
	return s.write(ctx, "forget assets", func(ctx context.Context, c *session) error {
		for i := range names {
			for _, query := range []string{`DELETE FROM asset_uses WHERE name = ?`, `DELETE FROM assets WHERE name = ?`} {
				if _, err := c.exec(ctx, query, names[i][:]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// EachAsset implements assets.Repository.
func (s *Store) EachAsset(ctx context.Context, after aigen.AssetName, limit int) ([]aigen.StoredAsset, error) {
	return s.assets(ctx, "walk assets", `WHERE name > ? ORDER BY name LIMIT ?`, after[:], limit)
}

func (s *Store) changeAsset(ctx context.Context, op, query string, args ...any) (bool, error) {
	var n int64
	err := s.write(ctx, op, func(ctx context.Context, c *session) (err error) {
		n, err = c.exec(ctx, query, args...)
		return err
	})
	return n > 0, err
}

// externalIDTaken reports whether another generation of the user has the external id of a
// new one.
func externalIDTaken(ctx context.Context, c *session, ch *app.Change) (bool, error) {
	g := ch.Generation
	if ch.From != 0 || g.Options.ExternalID == "" {
		return false, nil
	}
	var one int
	return c.one(ctx, []any{&one}, `SELECT 1 FROM generations WHERE user_id = ? AND external_id = ? AND id <> ?`,
		g.UserID[:], g.Options.ExternalID, g.ID[:])
}

// useRows are rows for insertUse: the references of a new generation.
func useRows(rows []any, g *aigen.Generation) []any {
	for i := range g.Input.References {
		if r := &g.Input.References[i]; !r.Name.IsZero() {
			rows = append(rows, r.Name[:], g.ID[:])
		}
	}
	return rows
}

const insertUse = `INSERT INTO asset_uses (name, generation_id) VALUES (?, ?) ON CONFLICT DO NOTHING`

// scheduleRemoval sets when a picture is to be removed.
func scheduleRemoval(ctx context.Context, c *session, r app.AssetRemoval) error {
	query := `UPDATE assets SET remove_at = ? WHERE name = ?`
	if r.Upload {
		query = `UPDATE assets SET remove_at = max(remove_at, ?) WHERE name = ? AND generation_id IS NULL`
	}
	_, err := c.exec(ctx, query, timeArg(r.At), r.Name[:])
	return err
}

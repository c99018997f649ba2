package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/assets"
)

var _ assets.Repository = (*Store)(nil)

const assetColumns = `name, asset_id, kind, user_id, generation_id, job_id, model, source_url, state, format, width, height, size,
	sha256, source_hash, source_type, created_at, stored_at, remove_at`

const insertAssets = `INSERT INTO assets (` + assetColumns + `)
SELECT unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[]), unnest($4::uuid[]), unnest($5::uuid[]), unnest($6::uuid[]),
	unnest($7::text[]), unnest($8::text[]), unnest($9::text[]), unnest($10::text[]), unnest($11::bigint[]), unnest($12::bigint[]),
	unnest($13::bigint[]), unnest($14::bytea[]), unnest($15::bytea[]), unnest($16::text[]), unnest($17::timestamptz[]),
	unnest($18::timestamptz[]), unnest($19::timestamptz[])`

func (t *tx) queueAssets(rows []*aigen.StoredAsset) {
	if len(rows) == 0 {
		return
	}
	type asset = *aigen.StoredAsset
	t.queue(insertAssets,
		uuids(rows, func(a asset) aigen.ID { return aigen.ID(a.Name) }),
		texts(rows, func(a asset) string { return textArg(a.AssetID) }),
		texts(rows, func(a asset) string { return string(a.Kind) }),
		uuids(rows, func(a asset) aigen.ID { return a.UserID }),
		uuids(rows, func(a asset) aigen.ID { return a.GenerationID }),
		uuids(rows, func(a asset) aigen.ID { return a.JobID }),
		texts(rows, func(a asset) string { return textArg(a.Model) }),
		texts(rows, func(a asset) string { return textArg(a.SourceURL) }),
		texts(rows, func(a asset) string { return string(a.State) }),
		texts(rows, func(a asset) string { return a.Format }),
		integers(rows, func(a asset) int64 { return int64(a.Width) }),
		integers(rows, func(a asset) int64 { return int64(a.Height) }),
		integers(rows, func(a asset) int64 { return a.Size }),
		hashes(rows, func(a asset) [32]byte { return a.SHA256 }),
		hashes(rows, func(a asset) [32]byte { return a.SourceHash }),
		texts(rows, func(a asset) string { return string(a.SourceType) }),
		times(rows, func(a asset) time.Time { return a.CreatedAt }),
		times(rows, func(a asset) time.Time { return a.StoredAt }),
		times(rows, func(a asset) time.Time { return a.RemoveAt }))
}

// assetUse is a row of asset_uses.
type assetUse struct{ name, generation aigen.ID }

const insertUses = `INSERT INTO asset_uses (name, generation_id) SELECT unnest($1::uuid[]), unnest($2::uuid[]) ON CONFLICT DO NOTHING`

// appendUses adds the references of g.
func appendUses(rows []assetUse, g *aigen.Generation) []assetUse {
	for i := range g.Input.References {
		if r := &g.Input.References[i]; !r.Name.IsZero() {
			rows = append(rows, assetUse{aigen.ID(r.Name), g.ID})
		}
	}
	return rows
}

func (t *tx) queueUses(rows []assetUse) {
	if len(rows) > 0 {
		t.queue(insertUses, uuids(rows, func(u assetUse) aigen.ID { return u.name }),
			uuids(rows, func(u assetUse) aigen.ID { return u.generation }))
	}
}

const scheduleRemovals = `UPDATE assets a SET remove_at = CASE n.upload WHEN 1 THEN greatest(a.remove_at, n.at) ELSE n.at END
FROM (SELECT unnest($1::uuid[]) AS name, unnest($2::timestamptz[]) AS at, unnest($3::bigint[]) AS upload) n
WHERE a.name = n.name AND (n.upload = 0 OR a.generation_id IS NULL)`

func (t *tx) queueRemovals(rows []app.AssetRemoval) {
	if len(rows) == 0 {
		return
	}
	t.queue(scheduleRemovals,
		uuids(rows, func(r app.AssetRemoval) aigen.ID { return aigen.ID(r.Name) }),
		times(rows, func(r app.AssetRemoval) time.Time { return r.At }),
		integers(rows, func(r app.AssetRemoval) int64 {
			if r.Upload {
				return 1
			}
			return 0
		}))
}

const selectExternals = `SELECT g.user_id, g.external_id, g.id FROM (SELECT unnest($1::uuid[]) AS user_id, unnest($2::text[]) AS external_id) n
JOIN generations g ON g.user_id = n.user_id AND g.external_id = n.external_id`

func (s *Store) assets(ctx context.Context, op, where string, args ...any) ([]aigen.StoredAsset, error) {
	return query(ctx, s, op, scanAsset, `SELECT `+assetColumns+` FROM assets `+where, args...)
}

func scanAsset(r pgx.Rows) (a aigen.StoredAsset, err error) {
	err = r.Scan((*idColumn)(&a.Name), &a.AssetID, (*string)(&a.Kind), (*idColumn)(&a.UserID), (*idColumn)(&a.GenerationID),
		(*idColumn)(&a.JobID), &a.Model, &a.SourceURL, (*string)(&a.State), &a.Format, &a.Width, &a.Height, &a.Size,
		hashColumn(&a.SHA256), hashColumn(&a.SourceHash), (*string)(&a.SourceType),
		(*timeColumn)(&a.CreatedAt), (*timeColumn)(&a.StoredAt), (*timeColumn)(&a.RemoveAt))
	return a, err
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

// assetNames is a uuid[] of names.
func assetNames(names []aigen.AssetName) *arrayParam {
	return uuids(names, func(n aigen.AssetName) aigen.ID { return aigen.ID(n) })
}

// Asset implements assets.Repository.
func (s *Store) Asset(ctx context.Context, name aigen.AssetName) (aigen.StoredAsset, error) {
	return oneAsset(s.assets(ctx, "get asset", `WHERE name = $1::uuid`, idArg(name)))
}

// AssetsOf implements assets.Repository.
func (s *Store) AssetsOf(ctx context.Context, names []aigen.AssetName) ([]aigen.StoredAsset, error) {
	return s.assets(ctx, "get assets", `WHERE name = ANY ($1::uuid[])`, assetNames(names))
}

func assetIDs(list []string) *arrayParam { return texts(list, textArg) }

// AssetsHandedOver implements app.GenerationRepository.
func (s *Store) AssetsHandedOver(ctx context.Context, generation aigen.ID, wanted []string) ([]aigen.StoredAsset, error) {
	return s.assets(ctx, "get assets of a generation",
		`WHERE generation_id = $1::uuid AND state = 'stored' AND asset_id = ANY ($2::text[])`, idArg(generation), assetIDs(wanted))
}

// OwnAssets implements app.GenerationRepository.
func (s *Store) OwnAssets(ctx context.Context, user aigen.ID, wanted []string) ([]aigen.StoredAsset, error) {
	list, err := s.assets(ctx, "get assets of a user",
		`WHERE user_id = $1::uuid AND state = 'stored' AND asset_id = ANY ($2::text[]) ORDER BY created_at DESC`, idArg(user), assetIDs(wanted))
	return app.NewestAssets(list), err
}

// Uploads implements assets.Repository.
func (s *Store) Uploads(ctx context.Context, q assets.UploadQuery) ([]aigen.StoredAsset, error) {
	const uploads = `WHERE user_id = $1::uuid AND generation_id IS NULL AND state = 'stored'`
	const order = ` ORDER BY created_at DESC, name DESC LIMIT $2::bigint`
	if q.Before == nil {
		return s.assets(ctx, "list uploads", uploads+order, idArg(q.UserID), q.Limit)
	}
	return s.assets(ctx, "list uploads", uploads+` AND (created_at, name) < ($3::timestamptz, $4::uuid)`+order,
		idArg(q.UserID), q.Limit, q.Before.CreatedAt, idArg(q.Before.Name))
}

// UploadedFor implements assets.Repository.
func (s *Store) UploadedFor(ctx context.Context, job, generation aigen.ID, source [32]byte) (aigen.StoredAsset, error) {
	return oneAsset(s.assets(ctx, "find an uploaded asset",
		`WHERE generation_id = $1::uuid AND job_id = $2::uuid AND source_hash = $3::bytea AND state = 'stored'`,
		idArg(generation), idArg(job), source[:]))
}

// AddAsset implements assets.Repository.
func (s *Store) AddAsset(ctx context.Context, a aigen.StoredAsset) error {
	return s.write(ctx, "add asset", func(ctx context.Context, t *tx) error {
		t.queueAssets([]*aigen.StoredAsset{&a})
		return t.commit(ctx)
	})
}

// FinishAsset implements assets.Repository. Of a commit whose answer was lost the second
// try finds a row that is finished, by this very call if the hash is the same.
func (s *Store) FinishAsset(ctx context.Context, name aigen.AssetName, f aigen.AssetFacts, removeAt time.Time) (bool, error) {
	n, err := s.execOne(ctx, "finish asset", `UPDATE assets SET state = 'stored', source_url = '', format = $2::text, width = $3::bigint,
	height = $4::bigint, size = $5::bigint, sha256 = $6::bytea, source_hash = $7::bytea, source_type = $8::text, stored_at = $9::timestamptz,
	remove_at = coalesce($10::timestamptz, remove_at) WHERE name = $1::uuid AND (state <> 'stored' OR sha256 = $6::bytea)`,
		idArg(name), f.Format, f.Width, f.Height, f.Size, f.SHA256[:], f.SourceHash[:], string(f.SourceType), f.StoredAt, timeOrNull(removeAt))
	return n > 0, err
}

// timeOrNull is NULL for the zero time.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// LoseAsset implements assets.Repository.
func (s *Store) LoseAsset(ctx context.Context, name aigen.AssetName) (bool, error) {
	n, err := s.execOne(ctx, "lose asset", `UPDATE assets SET state = 'lost' WHERE name = $1::uuid AND state = 'waiting'`, idArg(name))
	return n > 0, err
}

// assetBusy reports, of a row a of assets, whether a generation that has not ended was
// given it.
const assetBusy = `EXISTS (SELECT FROM asset_uses u JOIN generations g ON g.id = u.generation_id
	WHERE u.name = a.name AND g.due_at IS NOT NULL)`

// RemoveUpload implements assets.Repository.
func (s *Store) RemoveUpload(ctx context.Context, user aigen.ID, name aigen.AssetName, now time.Time) error {
	n, err := s.execOne(ctx, "remove upload",
		`UPDATE assets a SET remove_at = $3::timestamptz WHERE name = $1::uuid AND user_id = $2::uuid AND NOT `+assetBusy,
		idArg(name), idArg(user), now)
	if err == nil && n == 0 {
		return assets.ErrInUse
	}
	return err
}

const removeAssetsOf = `UPDATE assets SET remove_at = to_timestamp(0) WHERE generation_id = ANY ($1::uuid[])`

// RemoveAssets implements assets.Repository.
func (s *Store) RemoveAssets(ctx context.Context, names []aigen.AssetName, at time.Time) error {
	_, err := s.execOne(ctx, "remove assets", `UPDATE assets SET remove_at = $2::timestamptz WHERE name = ANY ($1::uuid[])`, assetNames(names), at)
	return err
}

// ClaimRemovals implements assets.Repository.
func (s *Store) ClaimRemovals(ctx context.Context, now, until time.Time, limit int) (list []aigen.StoredAsset, err error) {
	const claim = `UPDATE assets SET remove_at = $2::timestamptz WHERE name = ANY (ARRAY(
	SELECT name FROM assets a WHERE remove_at <= $1::timestamptz AND NOT ` + assetBusy + `
	ORDER BY remove_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED))
RETURNING ` + assetColumns
	err = s.write(ctx, "claim assets to remove", func(ctx context.Context, t *tx) error {
		list = nil
		t.queue(claim, now, until, limit).Query(each(func(r pgx.Rows) error {
			a, err := scanAsset(r)
			list = append(list, a)
			return err
		}))
		return t.commit(ctx)
	})
	return list, err
}

// ForgetAssets implements assets.Repository.
func (s *Store) ForgetAssets(ctx context.Context, names []aigen.AssetName) error {
	return s.write(ctx, "forget assets", func(ctx context.Context, t *tx) error {
		t.queue(`DELETE FROM asset_uses WHERE name = ANY ($1::uuid[])`, assetNames(names))
		t.queue(`DELETE FROM assets WHERE name = ANY ($1::uuid[])`, assetNames(names))
		return t.commit(ctx)
	})
}

// EachAsset implements assets.Repository.
func (s *Store) EachAsset(ctx context.Context, after aigen.AssetName, limit int) ([]aigen.StoredAsset, error) {
	// The nil UUID as a value: idArg makes NULL of it, and nothing is greater than that.
	return s.assets(ctx, "walk assets", `WHERE name > $1::uuid ORDER BY name LIMIT $2::bigint`, aigen.ID(after).String(), limit)
}

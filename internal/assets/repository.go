package assets

import (
	"context"
	"errors"
	"time"

	"github.com/creativeflow/aigen"
)

// Errors of a Repository.
var (
	// ErrNoAsset is returned where there is no row for the picture.
	ErrNoAsset = errors.New("there is no such asset")
	// ErrInUse is returned for an upload that a generation works with.
	ErrInUse = errors.New("a generation works with the asset")
)

// Repository keeps what is known of stored pictures. The bytes are in Objects.
//
// A row is written before its bytes, and removed after them, so that no bytes are without a
// row: whatever happens in between, the row says where to look.
type Repository interface {
	// Asset returns a picture; ErrNoAsset if there is none.
	Asset(ctx context.Context, name aigen.AssetName) (aigen.StoredAsset, error)
	// AssetsOf returns those of the pictures that are there, in no order.
	AssetsOf(ctx context.Context, names []aigen.AssetName) ([]aigen.StoredAsset, error)
	// OwnAssets returns the user's stored pictures with these ids, uploads and results.
	// Where several have the same id, it returns the newest.
	OwnAssets(ctx context.Context, user aigen.ID, ids []string) ([]aigen.StoredAsset, error)
	// Uploads lists the stored uploads of a user, newest first.
	Uploads(ctx context.Context, q UploadQuery) ([]aigen.StoredAsset, error)
	// UploadedFor returns the stored picture of a job that came as bytes with this hash;
	// ErrNoAsset if there is none.
	UploadedFor(ctx context.Context, job, generation aigen.ID, source [32]byte) (aigen.StoredAsset, error)

	// AddAsset inserts a row.
	AddAsset(ctx context.Context, a aigen.StoredAsset) error
	// FinishAsset records that the bytes are stored. It reports false, and changes nothing,
	// where the row is gone, or was finished with other bytes. A zero removeAt leaves
	// the time of removal as it is.
	FinishAsset(ctx context.Context, name aigen.AssetName, f aigen.AssetFacts, removeAt time.Time) (bool, error)
	// LoseAsset records that the bytes cannot be had; false if that is not awaited any more.
	LoseAsset(ctx context.Context, name aigen.AssetName) (bool, error)

	// RemoveUpload makes an upload of a user due for removal; ErrInUse while a generation
	// that has not ended was given it.
	RemoveUpload(ctx context.Context, user aigen.ID, name aigen.AssetName, now time.Time) error
	// RemoveAssets makes pictures due for removal at a time.
	RemoveAssets(ctx context.Context, names []aigen.AssetName, at time.Time) error
	// ClaimRemovals returns pictures that are due for removal, and no one else gets them
	// before until. Those that a generation works with are left.
	ClaimRemovals(ctx context.Context, now, until time.Time, limit int) ([]aigen.StoredAsset, error)
	// ForgetAssets removes the rows of pictures whose bytes are gone.
	ForgetAssets(ctx context.Context, names []aigen.AssetName) error
	// EachAsset returns rows in order of their names, after one of them.
	EachAsset(ctx context.Context, after aigen.AssetName, limit int) ([]aigen.StoredAsset, error)
}

// UploadQuery selects uploads of one user.
type UploadQuery struct {
	UserID aigen.ID
	Limit  int     // at least 1
	Before *Cursor // only those that come after it in the order of the list
}

// Cursor is a place in a list of uploads.
type Cursor struct {
	CreatedAt time.Time
	Name      aigen.AssetName
}

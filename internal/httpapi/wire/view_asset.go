package wire

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/assets"
)

// Views makes the wire forms of what has pictures.
type Views struct {
	// Stored says what is stored of pictures; nil: no picture is stored.
	Stored func(ctx context.Context, names []aigen.AssetName) (map[aigen.AssetName]aigen.StoredAsset, error)
	Links  *assets.Links
}

// Facts are what is stored of the pictures of some generations.
type Facts map[aigen.AssetName]aigen.StoredAsset

// Look looks the pictures of generations up, all in one query.
func (vs *Views) Look(ctx context.Context, generations ...*aigen.Generation) (Facts, error) {
	var names []aigen.AssetName
	for _, g := range generations {
		names = append(names, g.Assets()...)
	}
	if len(names) == 0 || vs.Stored == nil {
		return nil, nil //nolint:nilnil // nothing is known
	}
	return vs.Stored(ctx, names)
}

// Stored counts the pictures of g that are stored.
func (f Facts) Stored(g *aigen.Generation) (n int) {
	for _, name := range g.Assets() {
		if f[name].State == aigen.AssetStored {
			n++
		}
	}
	return n
}

func (vs *Views) asset(s aigen.Asset, known Facts) AssetView {
	stored, ok := known[s.Name]
	shown := vs.Links.Show(s)
	v := AssetView{AssetID: s.AssetID, URL: shown.URL, Width: s.Width, Height: s.Height, Format: s.Format, Metadata: s.Metadata}
	if !s.Name.IsZero() {
		is := stored.State == aigen.AssetStored
		v.Stored = &is
	}
	if !ok {
		return v
	}
	v.DigitalSourceType = OrNull(string(stored.SourceType))
	if stored.State == aigen.AssetStored {
		sum := hex.EncodeToString(stored.SHA256[:])
		v.Size, v.SHA256 = &stored.Size, &sum
		v.Width, v.Height, v.Format = stored.Width, stored.Height, stored.Format
	}
	return v
}

// UploadView is a picture that a user or an engine brought.
type UploadView struct {
	AssetID   string     `json:"assetId" format:"uuid"`
	URL       string     `json:"url" doc:"Where the picture is."`
	Width     int        `json:"width" doc:"Pixels, as shown."`
	Height    int        `json:"height" doc:"Pixels, as shown."`
	Format    string     `json:"format" enum:"png,jpeg,webp"`
	Size      int64      `json:"size" doc:"Bytes."`
	SHA256    string     `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the bytes behind the URL."`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt" doc:"When it is removed, unless a generation uses it before; null: with its generation."`
}

// UploadPage is a page of them.
type UploadPage struct {
	Items      []UploadView `json:"items" nullable:"false"`
	NextCursor *string      `json:"nextCursor" doc:"For the next page; null on the last."`
}

// Upload is the wire form of s.
func (vs *Views) Upload(s aigen.StoredAsset) UploadView {
	v := UploadView{
		AssetID: s.AssetID, URL: vs.Links.URL(s.Name), Width: s.Width, Height: s.Height, Format: s.Format, Size: s.Size,
		SHA256: hex.EncodeToString(s.SHA256[:]), CreatedAt: s.CreatedAt.UTC(),
	}
	if !s.RemoveAt.IsZero() {
		at := s.RemoveAt.UTC()
		v.ExpiresAt = &at
	}
	return v
}

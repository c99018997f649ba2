package assets

import (
	"context"
	"crypto/sha256"
	"fmt"
	"image"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/picture"
)

// keep marks a picture that was decoded, and puts it into the store with a thumbnail, which
// every list shows. The row is not touched.
func (s *Service) keep(ctx context.Context, a aigen.StoredAsset, data []byte, info picture.Info, img image.Image) (aigen.AssetFacts, error) {
	stored := data
	if a.SourceType != "" {
		var err error
		if stored, err = picture.Marked(data, markOf(a)); err != nil {
			return aigen.AssetFacts{}, errUnusable(err)
		}
	}
	if err := s.c.Objects.Put(ctx, s.originalKey(a.Name), stored, info.Format.MediaType()); err != nil {
		return aigen.AssetFacts{}, err
	}
	if err := s.derive(ctx, a, info, img, Thumb, picture.WebP); err != nil {
		return aigen.AssetFacts{}, err
	}
	return aigen.AssetFacts{
		Format: string(info.Format), Width: info.Width, Height: info.Height, Size: int64(len(stored)),
		SHA256: sha256.Sum256(stored), SourceHash: sha256.Sum256(data), SourceType: a.SourceType,
		StoredAt: s.now(),
	}, nil
}

func (s *Service) now() time.Time { return s.c.Policy.Now().UTC().Truncate(time.Microsecond) }

func markOf(a aigen.StoredAsset) picture.Mark {
	m := picture.Mark{Source: picture.SourceType(a.SourceType), Model: a.Model}
	if !a.GenerationID.IsZero() {
		m.Generation = a.GenerationID.String()
	}
	return m
}

// decode decodes the whole picture, which shows that it is whole. done must be called when
// the picture is not needed any more.
func (s *Service) decode(ctx context.Context, data []byte) (info picture.Info, img image.Image, done func(), err error) {
	if info, err = picture.Inspect(data); err != nil {
		return info, nil, nil, errUnusable(err)
	}
	if info.Pixels() > MaxPixels {
		return info, nil, nil, errTooManyPixels
	}
	if err := s.pixels.Acquire(ctx, info.Pixels()); err != nil {
		return info, nil, nil, err
	}
	done = func() { s.pixels.Release(info.Pixels()) }
	if img, err = picture.Decode(data); err != nil {
		done()
		return info, nil, nil, errUnusable(err)
	}
	return info, img, done, nil
}

// derive makes a smaller picture and puts it into the store.
func (s *Service) derive(
	ctx context.Context, a aigen.StoredAsset, info picture.Info, img image.Image, size Size, f picture.Format,
) error {
	small, err := picture.Encode(picture.Within(img, info.Orientation, size.side()), f)
	if err == nil && a.SourceType != "" {
		small, err = picture.Marked(small, markOf(a))
	}
	if err != nil {
		return fmt.Errorf("make %s of asset %s: %w", size, a.Name, err)
	}
	return s.c.Objects.Put(ctx, derivedKey(a.Name, size, f), small, f.MediaType())
}

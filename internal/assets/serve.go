package assets

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/picture"
)

// Size is a size that pictures are served in.
type Size string

// The sizes (contract section 8).
const (
	Original Size = "original"
	Preview  Size = "preview"
	Thumb    Size = "thumb"
)

// ParseSize reads a size; "" is Original.
func ParseSize(s string) (Size, bool) {
	switch Size(s) {
	case "", Original:
		return Original, true
	case Preview, Thumb:
		return Size(s), true
	}
	return "", false
}

// side is the longer side of the size, in pixels.
func (s Size) side() int {
	if s == Thumb {
		return 320
	}
	return 1024
}

// Picture is what a request for a picture gets: an address to go to, or the bytes.
type Picture struct {
	Redirect string // where the picture is for now
	Object   Object // to be closed
	Format   picture.Format
	ETag     string // quoted; "" for a picture that is about to be copied, which nobody may keep
	StoredAt time.Time
}

// presignedFor is how long the address of a redirect works.
const presignedFor = 15 * time.Minute

// Open returns a picture. webp is whether the caller takes WebP; an original has the format
// that it came in. disposition is the Content-Disposition for a redirect, "" for none. The
// error is ErrNoAsset if there is no such picture, or not any more.
func (s *Service) Open(ctx context.Context, name aigen.AssetName, size Size, webp bool, disposition string) (Picture, error) {
	a, ok := s.known.get(name)
	if !ok {
		var err error
		if a, err = s.c.Repository.Asset(ctx, name); err != nil {
			return Picture{}, err
		}
		if a.State == aigen.AssetStored {
			s.known.put(a)
		}
	}
	switch {
	case s.gone(a):
		return Picture{}, ErrNoAsset
	case a.State != aigen.AssetStored:
		return s.notStored(a)
	}
	format, key := picture.Format(a.Format), s.originalKey(name)
	etag := `"` + hex.EncodeToString(a.SHA256[:])
	if size != Original {
		format = derivedFormat(format, webp)
		key = derivedKey(name, size, format)
		etag += "-" + string(size) + "-" + string(format)
	}
	p := Picture{Format: format, ETag: etag + `"`, StoredAt: a.StoredAt}
	presigner, ok := s.c.Objects.(Presigner)
	redirect := s.c.Redirect && ok
	if redirect && size == Original {
		var err error
		p.Redirect, err = presigner.Presign(ctx, key, presignedFor, disposition)
		return p, err
	}
	o, err := s.c.Objects.Open(ctx, key)
	if errors.Is(err, ErrNoObject) && size != Original {
		o, err = s.openDerived(ctx, a, size, format, key)
	}
	switch {
	case errors.Is(err, ErrNoObject):
		s.known.forget(name)
		return Picture{}, ErrNoAsset
	case err != nil:
		return Picture{}, err
	case redirect:
		_ = o.Close()
		p.Redirect, err = presigner.Presign(ctx, key, presignedFor, disposition)
		return p, err
	}
	p.Object = o
	return p, nil
}

// derivedFormat is the format of a smaller size: JPEG has no transparency, so that only a
// JPEG becomes one.
func derivedFormat(original picture.Format, webp bool) picture.Format {
	switch {
	case webp:
		return picture.WebP
	case original == picture.JPEG:
		return picture.JPEG
	}
	return picture.PNG
}

// inMemory is a picture that an engine in this process has made.
type inMemory struct{ *bytes.Reader }

// Close implements io.Closer.
func (inMemory) Close() error { return nil }

// notStored is the answer for a picture that the engine alone has.
func (s *Service) notStored(a aigen.StoredAsset) (Picture, error) {
	if s.c.Local != nil && s.c.Local.Owns(a.SourceURL) {
		data, err := s.c.Local.Read(a.SourceURL)
		if err != nil {
			return Picture{}, ErrNoAsset
		}
		f, err := picture.Sniff(data)
		return Picture{Object: inMemory{bytes.NewReader(data)}, Format: f}, err
	}
	for _, scheme := range []string{"http://", "https://", "/"} {
		if strings.HasPrefix(strings.ToLower(a.SourceURL), scheme) {
			return Picture{Redirect: a.SourceURL}, nil
		}
	}
	return Picture{}, ErrNoAsset
}

// openDerived makes a size that was not asked for before, and keeps it.
func (s *Service) openDerived(ctx context.Context, a aigen.StoredAsset, size Size, f picture.Format, key string) (Object, error) {
	o, err := s.c.Objects.Open(ctx, s.originalKey(a.Name))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(o)
	_ = o.Close()
	if err != nil {
		return nil, err
	}
	info, img, done, err := s.decode(ctx, data)
	if err != nil {
		return nil, err
	}
	defer done()
	if err := s.derive(ctx, a, info, img, size, f); err != nil {
		return nil, err
	}
	return s.c.Objects.Open(ctx, key)
}

// Facts returns what is stored of pictures, in one query.
func (s *Service) Facts(ctx context.Context, names []aigen.AssetName) (map[aigen.AssetName]aigen.StoredAsset, error) {
	list, err := s.c.Repository.AssetsOf(ctx, names)
	if err != nil {
		return nil, err
	}
	found := make(map[aigen.AssetName]aigen.StoredAsset, len(list))
	for _, a := range list {
		found[a.Name] = a
	}
	return found, nil
}

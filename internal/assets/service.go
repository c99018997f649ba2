package assets

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/picture"
)

// Bounds of pictures (contract section 8).
const (
	MaxPixels     = 100_000_000
	MaxUpload     = 20 << 20 // bytes that a user may upload
	decodedPixels = 120_000_000
)

// Fetcher gets files from addresses of others.
type Fetcher interface {
	Get(ctx context.Context, address, accept string) ([]byte, error)
}

// LocalSource is an engine in this process, whose pictures are read without HTTP.
type LocalSource interface {
	// Owns reports whether an address is one of the engine's.
	Owns(address string) bool
	// Read returns the picture at such an address.
	Read(address string) ([]byte, error)
	// Release tells that the picture was copied.
	Release(address string)
}

// Changer changes generations: app.Service.
type Changer interface {
	Change(ctx context.Context, id aigen.ID, v app.Verb) (*aigen.Generation, error)
	GetGeneration(ctx context.Context, user, id aigen.ID) (*aigen.Generation, error)
}

// Config is what a Service is made of. All but Local and Log are required.
type Config struct {
	Policy      *aigen.Policy
	Repository  Repository
	Objects     Objects
	Fetcher     Fetcher
	Generations Changer
	Local       LocalSource // nil: no engine in this process
	Links       *Links
	Log         *slog.Logger

	UploadRetention time.Duration // how long an upload is kept after its last use
	Redirect        bool          // redirect to presigned URLs, where the store has such
}

// Service holds the use-cases of pictures. Its methods may be called from many goroutines.
type Service struct {
	c      Config
	pixels *semaphore.Weighted // of pictures that are decoded at a time: bounds the memory
	known  cache
}

// New builds a Service.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{c: c, pixels: semaphore.NewWeighted(decodedPixels), known: cache{clock: c.Policy.Now}}
}

// Errors of uploads, which may be shown to the caller.
var (
	errUnusable = func(err error) error {
		if errors.Is(err, picture.ErrFormat) {
			return &aigen.Error{Code: aigen.CodeUnsupportedPicture, Message: "The file is neither PNG nor JPEG nor WebP.", Err: err}
		}
		return &aigen.Error{Code: aigen.CodeUnusablePicture, Message: "The picture is cut off or damaged.", Err: err}
	}
	errTooManyPixels = &aigen.Error{Code: aigen.CodeUnusablePicture, Message: "The picture has more than 100 megapixels."}
)

// keys of the objects of a picture. The first two letters spread the folders.
func (s *Service) originalKey(name aigen.AssetName) string { return folderOf(name) + "original" }

func folderOf(name aigen.AssetName) string {
	text := name.String()
	return text[:2] + "/" + text + "/"
}

// allKeys lists every key that a picture may have.
func allKeys(name aigen.AssetName) []string {
	keys := []string{folderOf(name) + "original"}
	for _, size := range []Size{Thumb, Preview} {
		for _, f := range []picture.Format{picture.WebP, picture.JPEG, picture.PNG} {
			keys = append(keys, derivedKey(name, size, f))
		}
	}
	return keys
}

func derivedKey(name aigen.AssetName, size Size, f picture.Format) string {
	return folderOf(name) + string(size) + "." + string(f)
}

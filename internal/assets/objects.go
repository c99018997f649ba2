package assets

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// ErrNoObject is returned by Objects for a key that has none.
var ErrNoObject = errors.New("there is no such object")

// Objects keeps the bytes of pictures: a folder or a bucket. Keys are made by this package:
// lower-case letters, digits, "/", "." and "-".
type Objects interface {
	// Put writes an object as a whole or not at all, over one that is there. When it
	// returns, the object outlives a loss of power.
	Put(ctx context.Context, key string, data []byte, mediaType string) error
	// Open opens an object for reading; ErrNoObject if there is none.
	Open(ctx context.Context, key string) (Object, error)
	// Delete removes objects. One that is not there is no error.
	Delete(ctx context.Context, keys ...string) error
	// Each yields all objects, in no order. An error is the last that it yields.
	Each(ctx context.Context) iter.Seq2[ObjectInfo, error]
	// Check reports whether objects can be written and read.
	Check(ctx context.Context) error
}

// Object is an object that is being read.
type Object interface {
	io.ReadSeekCloser
	Size() int64
}

// ObjectInfo describes an object.
type ObjectInfo struct {
	Key      string
	Size     int64
	Modified time.Time
}

// Presigner is implemented by an Objects that can make URLs for others.
type Presigner interface {
	// Presign returns a URL that reads the object for the time ttl. disposition is the
	// Content-Disposition of the answer, "" for none.
	Presign(ctx context.Context, key string, ttl time.Duration, disposition string) (string, error)
}

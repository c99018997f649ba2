// Package filestore keeps pictures as files below one folder.
package filestore

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"

	"github.com/creativeflow/aigen/internal/assets"
)

// Store is an assets.Objects. Several processes may share the folder, by a network file
// system too: a file is renamed into its place when it is whole.
type Store struct {
	dir  string
	root *os.Root
}

const partSuffix = ".part"

// Open opens the folder, which is made with mode 0700 where it is missing.
func Open(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("folder of pictures: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("folder of pictures: %w", err)
	}
	return &Store{dir: dir, root: root}, nil
}

// Close closes the folder.
func (s *Store) Close() error { return s.root.Close() }

// Put implements assets.Objects.
func (s *Store) Put(_ context.Context, key string, data []byte, _ string) error {
	dir := path.Dir(key)
	if err := s.root.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	part := key + "." + rand.Text() + partSuffix
	if err := s.writeFile(part, data); err != nil {
		return fmt.Errorf("write picture: %w", errors.Join(err, ignoreMissing(s.root.Remove(part))))
	}
	if err := s.root.Rename(part, key); err != nil {
		return fmt.Errorf("write picture: %w", errors.Join(err, ignoreMissing(s.root.Remove(part))))
	}
	// The new name must outlive a loss of power, as the bytes do, and so must the folders
	// that were made for it.
	for ; ; dir = path.Dir(dir) {
		if err := s.syncFolder(dir); err != nil {
			return fmt.Errorf("write picture: %w", err)
		}
		if dir == "." {
			return nil
		}
	}
}

func (s *Store) writeFile(name string, data []byte) error {
	f, err := s.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (s *Store) syncFolder(name string) error {
	d, err := s.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// file is an open file that knows its size.
type file struct {
	*os.File
	size int64
}

// Size implements assets.Object.
func (f *file) Size() int64 { return f.size }

// Open implements assets.Objects.
func (s *Store) Open(_ context.Context, key string) (assets.Object, error) {
	f, err := s.root.Open(key)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, assets.ErrNoObject
		}
		return nil, fmt.Errorf("read picture: %w", err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = assets.ErrNoObject
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &file{f, info.Size()}, nil
}

// Delete implements assets.Objects. A folder that becomes empty goes too.
func (s *Store) Delete(_ context.Context, keys ...string) error {
	var errs []error
	for _, key := range keys {
		errs = append(errs, ignoreMissing(s.root.Remove(key)))
		for dir := path.Dir(key); dir != "."; dir = path.Dir(dir) {
			if s.root.Remove(dir) != nil {
				break // it has other files
			}
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove picture: %w", err)
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// Each implements assets.Objects.
func (s *Store) Each(ctx context.Context) iter.Seq2[assets.ObjectInfo, error] {
	return func(yield func(assets.ObjectInfo, error) bool) {
		stop := errors.New("stop")
		err := fs.WalkDir(s.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, fs.ErrNotExist):
				return nil // removed meanwhile
			case err != nil:
				return err
			case d.IsDir() || !strings.Contains(name, "/"):
				return nil // files of the embedded engine lie at the top
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			} else if err != nil {
				return err
			}
			if !yield(assets.ObjectInfo{Key: name, Size: info.Size(), Modified: info.ModTime()}, nil) {
				return stop
			}
			return nil
		})
		if err != nil && !errors.Is(err, stop) {
			yield(assets.ObjectInfo{}, fmt.Errorf("list pictures: %w", err))
		}
	}
}

// Check implements assets.Objects: a folder that was removed or replaced while it is open
// takes files that nobody finds again.
func (s *Store) Check(ctx context.Context) error {
	there, err := os.Stat(s.dir)
	if err != nil {
		return fmt.Errorf("folder of pictures: %w", err)
	}
	here, err := s.root.Stat(".")
	if err != nil {
		return fmt.Errorf("folder of pictures: %w", err)
	}
	if !os.SameFile(there, here) {
		return errors.New("folder of pictures: it was replaced while the service runs")
	}
	const key = "check/write"
	if err := s.Put(ctx, key, []byte("x"), ""); err != nil {
		return err
	}
	return s.Delete(ctx, key)
}

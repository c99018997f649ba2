// Package sqlite keeps generations, the outbox and the embedded ledger in one
// SQLite file: the store of an installation that has no PostgreSQL.
//
// One connection writes, a few read. SQLite allows a single writer anyway; with one
// connection the others wait in Go, in order and with their contexts, instead of
// in SQLite's busy handler, which is neither fair nor quick.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Options of a store. The zero value is usable.
type Options struct {
	InitialCredits aigen.Credits // what the ledger opens an account with
	Exclusive      bool          // refuse the file while another store holds it exclusively
	Existing       bool          // make no file and migrate nothing: ErrNoDatabase, ErrOlderSchema
	BusyTimeout    time.Duration // how long to wait for another process that writes; 10s if zero
	Readers        int           // connections that read; 4 if zero
	Logger         *slog.Logger  // slog.Default if nil
}

// Store is a SQLite file. Its methods may be called from many goroutines.
type Store struct {
	path    string
	initial aigen.Credits
	log     *slog.Logger
	lock    *fileLock   // nil: not exclusive
	file    os.FileInfo // of the file that was opened
	writer  *pool
	readers *pool
	health  health
}

var (
	_ app.GenerationRepository = (*Store)(nil)
	_ outbox.Store             = (*Store)(nil)
	_ app.Ledger               = (*Store)(nil)
)

// Open opens the database at path, makes it if there is none, and brings its
// schema up to date. The directory must exist. ErrLocked if another process has the
// file open exclusively, and this one wants the same or has to migrate; ErrNewerSchema
// if a later version of the program has written it.
func Open(ctx context.Context, path string, o Options) (_ *Store, err error) {
	if o.InitialCredits < 0 {
		return nil, fmt.Errorf("sqlite: initial credits must not be negative, not %s", o.InitialCredits)
	}
	if path, err = databasePath(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	s := &Store{path: path, initial: o.InitialCredits, log: o.Logger}
	if s.log == nil {
		s.log = slog.Default()
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if o.Exclusive {
		if s.lock, err = lockFile(path); err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
	}
	if !o.Existing {
		if err := createFile(path); err != nil {
			return nil, fmt.Errorf("sqlite: %w", err)
		}
	}
	if s.file, err = examineFile(path); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	busy := orDefault(o.BusyTimeout, 10*time.Second)
	if s.writer, err = newPool(writerDSN(path, busy), 1); err != nil {
		return nil, translate("open "+path, err)
	}
	if s.readers, err = newPool(readerDSN(path, busy), orDefault(o.Readers, 4)); err != nil {
		return nil, translate("open "+path, err)
	}
	if err := s.migrate(ctx, o.Existing); err != nil {
		return nil, err
	}
	s.log.DebugContext(ctx, "sqlite: open", "path", path)
	return s, nil
}

// Close waits for the calls that are under way, then closes the file. Calls that
// come later fail.
func (s *Store) Close() error {
	var errs []error
	// Readers first: the last connection to close writes the log back into the file,
	// which one that may only read cannot do.
	for _, p := range []*pool{s.readers, s.writer} {
		if p != nil {
			errs = append(errs, p.close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.release())
	}
	if err := errors.Join(errs...); err != nil {
		return translate("close "+s.path, err)
	}
	return nil
}

// Path is the absolute path of the database file.
func (s *Store) Path() string { return s.path }

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

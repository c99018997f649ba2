package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// ErrMoved says that what is open is not what the path leads to any more. SQLite would go on
// with the file it has, and all that it writes would be lost at the next start.
var ErrMoved = unavailable("the database file was moved, removed or replaced while it was in use: put it back, or stop the service first")

// moved is asked before each transaction; it costs a system call.
func (s *Store) moved() error {
	now, err := os.Stat(s.path)
	if err != nil || !os.SameFile(now, s.file) {
		return fmt.Errorf("%w (%s)", ErrMoved, s.path)
	}
	return nil
}

// movedLog does the same for the log, in a transaction, in which there is one. A session
// has the one that it began with.
func (s *Store) movedLog(c *session) error {
	now, err := os.Stat(s.path + "-wal")
	if err == nil && c.log == nil {
		c.log = now
	}
	if err != nil || !os.SameFile(now, c.log) {
		return fmt.Errorf("%w (%s-wal)", ErrMoved, s.path)
	}
	return nil
}

// health remembers what failed. The write of a probe may fit where that of a request
// did not, into old pages of the log say, and a probe does not read what is damaged.
type health struct {
	mu    sync.Mutex
	fault error
	at    time.Time
}

const (
	spaceWanted = 1 << 20 // bytes that can be written where the disk was full
	ioRemains   = time.Minute
)

// note passes err through.
func (h *health) note(err error) error {
	if err == nil || !errors.Is(err, ErrDiskFull) && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrIO) {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !errors.Is(h.fault, ErrDamaged) { // which does not pass
		h.fault, h.at = err, time.Now()
	}
	return err
}

// check is what is still to be said of the last fault.
func (h *health) check(dir string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.fault == nil:
		return nil
	case errors.Is(h.fault, ErrDamaged), errors.Is(h.fault, ErrIO) && time.Since(h.at) < ioRemains:
		return h.fault
	}
	if err := tryToWrite(dir); err != nil {
		return fmt.Errorf("%w; %w", h.fault, err)
	}
	h.fault = nil
	return nil
}

// tryToWrite finds out whether there is space again. Free blocks are not asked for, since
// quotas may count too.
func tryToWrite(dir string) (err error) {
	f, err := os.CreateTemp(dir, ".aigen-space-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, spaceWanted)); err != nil {
		return err
	}
	return f.Sync()
}

// Ping checks that the store can be written to, by writing: only that finds a full
// disk or a file system that was remounted read-only. It also says what failed lately.
func (s *Store) Ping(ctx context.Context) error {
	const touch = `UPDATE schema_migrations SET applied_at = applied_at WHERE version = 1`
	err := s.write(ctx, "ping", func(ctx context.Context, c *session) error {
		_, err := c.exec(ctx, touch)
		return err
	})
	if err != nil {
		return err
	}
	return s.health.check(filepath.Dir(s.path))
}

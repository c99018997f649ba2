package sqlite

import (
	"context"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/creativeflow/aigen/internal/app"
)

// What the file or the machine did to us, for errors.Is. The driver's own error is
// in the chain, for the log.
var (
	ErrBusy     = unavailable("another process is writing to the database")              // for longer than Options.BusyTimeout
	ErrDiskFull = unavailable("the disk is full")                                        // nothing of the transaction was written
	ErrReadOnly = unavailable("the database file or its directory cannot be written to") // permissions or a read-only file system
	ErrUnusable = errors.New("the database file cannot be opened or is no SQLite database")
	ErrDamaged  = errors.New("the database file is damaged: stop the service, and restore a backup") // or never was one
	ErrIO       = errors.New("reading or writing the database file failed")                          // see the system's log

	errConstraint = errors.New("a rule of the schema was broken") // a defect of ours
)

// translate is the one place that knows the driver's errors. It names the operation
// that failed. Errors of ours pass through it as they are, but for that name.
func translate(op string, err error) error {
	var e *driver.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.DeadlineExceeded): // of whom ever
		return fmt.Errorf("sqlite: %s: %w: %w", op, ErrBusy, err)
	case errors.Is(err, context.Canceled), !errors.As(err, &e):
		return fmt.Errorf("sqlite: %s: %w", op, err)
	}
	kind := ErrIO
	code := e.Code() & 0xff // the rest is detail
	if e.Code() == lib.SQLITE_IOERR_SHMSIZE {
		code = lib.SQLITE_FULL // the index of a long log (-shm) cannot grow: there is no other reason
	}
	switch code {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		kind = ErrBusy
	case lib.SQLITE_FULL:
		kind = ErrDiskFull
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		kind = ErrReadOnly
	case lib.SQLITE_CANTOPEN:
		kind = ErrUnusable
	case lib.SQLITE_NOTADB:
		return fmt.Errorf("sqlite: %s: %w: %w: %w", op, ErrUnusable, ErrDamaged, err)
	case lib.SQLITE_CORRUPT:
		kind = ErrDamaged
	case lib.SQLITE_CONSTRAINT:
		kind = errConstraint
	case lib.SQLITE_ERROR, lib.SQLITE_MISUSE, lib.SQLITE_RANGE, lib.SQLITE_MISMATCH:
		return fmt.Errorf("sqlite: %s: %w", op, err) // a query of ours is wrong
	case lib.SQLITE_INTERRUPT:
		kind = context.Canceled // the driver interrupts for no other reason
	}
	return fmt.Errorf("sqlite: %s: %w: %w", op, kind, err)
}

// breaksConstraint reports whether the driver refused a row, so that the
// transaction can go on without it.
func breaksConstraint(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_CONSTRAINT
}

// unavailable makes an error that the callers of a store can tell (errors.Is) to be
// one that passes.
func unavailable(text string) error { return &passing{text} }

type passing struct{ text string }

// Error implements error.
func (p *passing) Error() string { return p.text }

// Is says that it is app.ErrStoreUnavailable too.
func (p *passing) Is(target error) bool { return target == app.ErrStoreUnavailable }

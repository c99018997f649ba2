package sqlite

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/creativeflow/aigen/internal/migrate"
)

var (
	// ErrNewerSchema is returned by Open for a file that a later version of the program
	// has migrated.
	ErrNewerSchema = migrate.ErrNewerSchema
	// ErrOlderSchema is returned by Open with Options.Existing for a file that has to be
	// migrated first.
	ErrOlderSchema = migrate.ErrOlderSchema
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate applies what is missing, each migration in a transaction of its own.
// Processes that start at the same time wait for each other at the lock.
func (s *Store) migrate(ctx context.Context, existing bool) error {
	known, err := migrate.Load(migrationFiles)
	if err != nil {
		return fmt.Errorf("sqlite: migrations: %w", err)
	}
	done, err := known.Count(ctx, schema{s, s.view})
	switch {
	case errors.Is(err, ErrBusy) && !existing: // somebody else makes the file just now
	case err != nil || done == len(known):
		return err
	case existing && done == 0:
		return fmt.Errorf("sqlite: %w (%s)", ErrNoDatabase, s.path)
	case existing:
		return fmt.Errorf("sqlite: %s: %w", s.path, known.Older(done))
	}
	if s.lock != nil {
		return s.migrateTo(ctx, known)
	}
	return s.migrateLocked(ctx, known)
}

// schema is the store as migrations see it. look is view or write: the latter waits where
// another process makes the file.
type schema struct {
	s    *Store
	look func(ctx context.Context, op string, f func(context.Context, *session) error) error
}

// Look implements migrate.Database.
func (db schema) Look(ctx context.Context, f func(context.Context, migrate.Find) error) error {
	return db.look(ctx, "look at the schema of "+db.s.path, func(ctx context.Context, c *session) error { return f(ctx, finder(c)) })
}

// migrateLocked migrates with the lock of the service, which it waits for: another
// command that migrates is done soon. A service is not, and must not have its schema
// changed under it.
func (s *Store) migrateLocked(ctx context.Context, known migrate.List) error {
	for deadline := time.Now().Add(patience); ; {
		lock, err := lockFile(s.path)
		switch {
		case err == nil:
			return errors.Join(s.migrateTo(ctx, known), lock.release())
		case !errors.Is(err, ErrLocked):
			return fmt.Errorf("sqlite: %w", err)
		case ctx.Err() != nil || time.Now().After(deadline):
			return fmt.Errorf("sqlite: the schema has to be brought up to date, which needs the service to be stopped: %w", err)
		}
		select {
		case <-ctx.Done():
			continue
		case <-time.After(10 * time.Millisecond):
		}
		if done, err := known.Count(ctx, schema{s, s.view}); !errors.Is(err, ErrBusy) && (err != nil || done == len(known)) {
			return err
		}
	}
}

func (s *Store) migrateTo(ctx context.Context, known migrate.List) error {
	if err := s.initialize(ctx); err != nil {
		return err
	}
	return known.Run(ctx, schema{s, s.write})
}

// patience is for a new file that several processes open at the same moment: while one
// of them turns it to WAL, SQLite tells the others that it is busy at once, however long
// they were to wait.
const patience = 10 * time.Second

func (s *Store) initialize(ctx context.Context) error {
	for deadline := time.Now().Add(patience); ; {
		err := s.write(ctx, "migrate "+s.path, initSchema)
		if !errors.Is(err, ErrBusy) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// fresh reports whether the file holds nothing yet; an error if it is somebody else's
// database.
func fresh(ctx context.Context, c *session) (bool, error) {
	const lookForTables = `SELECT count(*), count(*) FILTER (WHERE name = 'schema_migrations') FROM sqlite_schema WHERE type = 'table'`
	var tables, ours int
	if _, err := c.one(ctx, []any{&tables, &ours}, lookForTables); err != nil {
		return false, err
	}
	if tables > 0 && ours == 0 {
		return false, fmt.Errorf("%w: it holds the tables of another program", ErrUnusable)
	}
	return tables == 0, nil
}

// initSchema makes the table of applied migrations.
func initSchema(ctx context.Context, c *session) error {
	if empty, err := fresh(ctx, c); err != nil || !empty {
		return err
	}
	_, err := c.exec(ctx, `CREATE TABLE schema_migrations (
		version    INTEGER PRIMARY KEY,
		name       TEXT    NOT NULL,
		checksum   TEXT    NOT NULL,
		applied_at INTEGER NOT NULL
	) STRICT`)
	return err
}

// finder reads the table of applied migrations.
func finder(c *session) migrate.Find {
	return func(ctx context.Context, version int) (newest int, checksum string, err error) {
		if empty, err := fresh(ctx, c); err != nil || empty {
			return 0, "", err
		}
		const find = `SELECT coalesce(max(version), 0), coalesce(max(checksum) FILTER (WHERE version = ?), '') FROM schema_migrations`
		_, err = c.one(ctx, []any{&newest, &checksum}, find, version)
		return newest, checksum, err
	}
}

// Apply implements migrate.Database.
func (db schema) Apply(ctx context.Context, m migrate.Migration, applied func(context.Context, migrate.Find) (bool, error)) error {
	op := fmt.Sprintf("migrate %s to version %d", db.s.path, m.Version)
	return db.s.write(ctx, op, func(ctx context.Context, c *session) error {
		if done, err := applied(ctx, finder(c)); err != nil || done {
			return err
		}
		// Not prepared: a script is many statements, used once.
		if _, err := c.conn.ExecContext(ctx, m.Script); err != nil {
			return err
		}
		_, err := c.exec(ctx, `INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)`,
			m.Version, m.Name, m.Checksum, time.Now().UnixMicro())
		return err
	})
}

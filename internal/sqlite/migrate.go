package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// ErrNewerSchema is returned by Open for a file that a later version of the program
// has migrated. This one must not write to it: it does not know the rules.
var ErrNewerSchema = errors.New("the database was made by a newer version of aigen")

// ErrOlderSchema is returned by Open with Options.Existing for a file that has to be
// migrated first: a service of the older version may be at work on it.
var ErrOlderSchema = errors.New("the database's schema is older than this program: run `aigen migrate`")

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one file of migrations, "0001_init.sql".
type migration struct {
	version  int
	name     string
	script   string
	checksum string
}

// migrations lists the files in order. The numbers run 1, 2, 3 …
func migrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // sorted
	if err != nil {
		return nil, err
	}
	list := make([]migration, 0, len(names))
	for i, name := range names {
		number, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		version, err := strconv.Atoi(number)
		if err != nil || version != i+1 {
			return nil, fmt.Errorf("%s: want number %04d", name, i+1)
		}
		script, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(script)
		list = append(list, migration{version, name, string(script), hex.EncodeToString(sum[:])})
	}
	return list, nil
}

// migrate applies what is missing, each migration in a transaction of its own.
// Processes that start at the same time wait for each other at the lock.
func (s *Store) migrate(ctx context.Context, existing bool) error {
	known, err := migrations(migrationFiles)
	if err != nil {
		return fmt.Errorf("sqlite: migrations: %w", err)
	}
	done, err := s.migrated(ctx, known)
	switch {
	case errors.Is(err, ErrBusy) && !existing: // somebody else makes the file just now
	case err != nil || done == len(known):
		return err
	case existing && done == 0:
		return fmt.Errorf("sqlite: %w (%s)", ErrNoDatabase, s.path)
	case existing:
		return fmt.Errorf("sqlite: %w (%s has version %d, this program knows %d)", ErrOlderSchema, s.path, done, len(known))
	}
	if s.lock != nil {
		return s.migrateTo(ctx, known)
	}
	return s.migrateLocked(ctx, known)
}

// migrated counts the migrations that the file has. It writes nothing.
func (s *Store) migrated(ctx context.Context, known []migration) (done int, err error) {
	op := "look at the schema of " + s.path
	err = s.view(ctx, op, func(ctx context.Context, c *session) error {
		if empty, err := fresh(ctx, c); err != nil || empty {
			return err
		}
		for _, m := range known {
			ok, err := m.applied(ctx, c, len(known))
			if err != nil || !ok {
				return err
			}
			done++
		}
		return nil
	})
	return done, err
}

// migrateLocked migrates with the lock of the service, which it waits for: another
// command that migrates is done soon. A service is not, and must not have its schema
// changed under it.
func (s *Store) migrateLocked(ctx context.Context, known []migration) error {
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
		if done, err := s.migrated(ctx, known); !errors.Is(err, ErrBusy) && (err != nil || done == len(known)) {
			return err
		}
	}
}

func (s *Store) migrateTo(ctx context.Context, known []migration) error {
	if err := s.initialize(ctx); err != nil {
		return err
	}
	for _, m := range known {
		err := s.write(ctx, fmt.Sprintf("migrate %s to version %d", s.path, m.version), func(ctx context.Context, c *session) error {
			return m.apply(ctx, c, len(known))
		})
		if err != nil {
			return err
		}
	}
	return nil
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

// applied reports whether the file has m; an error if it has one that is not ours to
// go on from.
func (m migration) applied(ctx context.Context, c *session, newest int) (bool, error) {
	var version int
	if _, err := c.one(ctx, []any{&version}, `SELECT coalesce(max(version), 0) FROM schema_migrations`); err != nil {
		return false, err
	}
	if version > newest {
		return false, fmt.Errorf("%w: its schema has version %d, this program knows %d", ErrNewerSchema, version, newest)
	}
	if version >= m.version {
		return true, m.verify(ctx, c)
	}
	return false, nil
}

func (m migration) apply(ctx context.Context, c *session, newest int) error {
	if done, err := m.applied(ctx, c, newest); err != nil || done {
		return err
	}
	// Not prepared: a script is many statements, used once.
	if _, err := c.conn.ExecContext(ctx, m.script); err != nil {
		return err
	}
	_, err := c.exec(ctx, `INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?, ?, ?, ?)`,
		m.version, m.name, m.checksum, time.Now().UnixMicro())
	return err
}

// verify finds a migration that was edited after a release: the schema of this
// file would differ from that of a new one.
func (m migration) verify(ctx context.Context, c *session) error {
	var checksum sql.NullString
	if _, err := c.one(ctx, []any{&checksum}, `SELECT checksum FROM schema_migrations WHERE version = ?`, m.version); err != nil {
		return err
	}
	if checksum.String != m.checksum {
		return fmt.Errorf("%s is not the one that was applied to this database", m.name)
	}
	return nil
}

package postgres

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrNewerSchema is returned by Open for a database that a later version of the
	// program has migrated. This one must not write to it: it does not know the rules.
	ErrNewerSchema = errors.New("the database was made by a newer version of aigen")
	// ErrOlderSchema is returned by Open with Options.Existing for a database that has to
	// be migrated first: services of the older version may be at work on it.
	ErrOlderSchema = errors.New("the database's schema is older than this program: run `aigen migrate`")
	// ErrNoDatabase is returned by Open with Options.Existing for a database without our
	// tables.
	ErrNoDatabase = errors.New("the database holds no tables of aigen yet: `aigen serve` or `aigen migrate` makes them; is DATABASE_URL another one?")
	// ErrForeign is returned by Open for a database, or a schema, in which another
	// program has tables of the same names.
	ErrForeign = errors.New("the database holds tables of another program: give aigen a database or a schema (search_path) of its own")
)

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
// Replicas that start at the same time wait for each other at the first.
func (s *Store) migrate(ctx context.Context, existing bool) error {
	known, err := migrations(migrationFiles)
	if err != nil {
		return fmt.Errorf("postgres: migrations: %w", err)
	}
	if existing {
		return s.checkSchema(ctx, known)
	}
	return s.migrateTo(ctx, known)
}

// checkSchema refuses a schema that is not up to date.
func (s *Store) checkSchema(ctx context.Context, known []migration) error {
	return s.read(ctx, "look at the schema", func(ctx context.Context, c *pgx.Conn) error {
		for i, m := range known {
			done, err := m.applied(ctx, c, len(known))
			switch {
			case err != nil:
				return err
			case !done && i == 0:
				return ErrNoDatabase
			case !done:
				return fmt.Errorf("%w (it has version %d, this program knows %d)", ErrOlderSchema, i, len(known))
			}
		}
		return nil
	})
}

func (s *Store) migrateTo(ctx context.Context, known []migration) error {
	for _, m := range known {
		op := fmt.Sprintf("migrate to version %d", m.version)
		// A user who may not change the schema can serve with one that is up to date.
		done := false
		err := s.read(ctx, op, func(ctx context.Context, c *pgx.Conn) (err error) {
			done, err = m.applied(ctx, c, len(known))
			return err
		})
		if err == nil && !done {
			err = s.applyMigration(ctx, op, m, len(known))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A migration changes tables that are in use: it gets its locks within lockWait or
// gives way, since those who come later wait behind it.
const (
	lockWait  = 3 * time.Second
	lockTries = 10
)

func (s *Store) applyMigration(ctx context.Context, op string, m migration, newest int) error {
	for try := 1; ; try++ {
		// Also after the loss of a connection: if it was committed, that is seen.
		err := s.retry(ctx, func() error { return s.applyOnce(ctx, m, newest) })
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "55P03" || try == lockTries {
			return translate(op, err)
		}
		s.log.WarnContext(ctx, "postgres: a migration waits for tables that are in use", "migration", m.name, "try", try)
		if err := pause(ctx, 10); err != nil {
			return translate(op, err)
		}
	}
}

// advisoryLock is the one at which replicas that migrate wait for each other: any
// number that other programs in the same database are not likely to use ("aigen").
const advisoryLock = 0x616967656e

func (s *Store) applyOnce(ctx context.Context, m migration, newest int) (err error) {
	conn, err := s.acquireWithin(ctx, s.patience)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && conn.Conn().IsClosed() {
			err = fmt.Errorf("%w: %w", errLost, err)
		}
		conn.Release() // closes it if a transaction is left open
	}()
	// As one simple query: a script is many statements, used once.
	exec := func(script string) error {
		_, err := conn.Conn().PgConn().Exec(ctx, script).ReadAll()
		return err
	}
	// The lock is the transaction's, not the session's: behind a pooler sessions are
	// everybody's.
	if err := exec(fmt.Sprintf(`BEGIN; SET LOCAL lock_timeout = 0; SET LOCAL statement_timeout = 0;
SELECT pg_advisory_xact_lock(%d); SET LOCAL lock_timeout = %d`, advisoryLock, lockWait.Milliseconds())); err != nil {
		return err
	}
	if done, err := m.applied(ctx, conn.Conn(), newest); err != nil || done {
		return errors.Join(err, exec(`ROLLBACK`))
	}
	if m.version == 1 {
		if err := exec(createMigrations); err != nil {
			return err
		}
	}
	if err := exec(m.script); err != nil {
		return err
	}
	const note = `INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::bigint, $2::text, $3::text)`
	if _, err := conn.Exec(ctx, note, m.version, m.name, m.checksum); err != nil {
		return err
	}
	return exec(`COMMIT`)
}

const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
	version    integer     NOT NULL PRIMARY KEY,
	name       text        NOT NULL,
	checksum   text        NOT NULL,
	applied_at timestamptz NOT NULL DEFAULT now()
)`

// applied reports whether the database has m; an error if it has one that is not
// ours to go on from.
func (m migration) applied(ctx context.Context, c *pgx.Conn, newest int) (bool, error) {
	const look = `SELECT to_regclass('schema_migrations') IS NOT NULL, to_regclass('generations') IS NOT NULL OR to_regclass('runs') IS NOT NULL OR
	to_regclass('events') IS NOT NULL OR to_regclass('deliveries') IS NOT NULL OR to_regclass('accounts') IS NOT NULL,
	(SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') AND attname = 'checksum' AND NOT attisdropped) = 1`
	var migrated, tables, ours bool
	if err := c.QueryRow(ctx, look).Scan(&migrated, &tables, &ours); err != nil {
		return false, err
	}
	if !migrated && !tables {
		return false, nil
	}
	if !ours {
		return false, ErrForeign
	}
	var version int
	var checksum *string
	const find = `SELECT coalesce(max(version), 0), max(checksum) FILTER (WHERE version = $1::bigint) FROM schema_migrations`
	if err := c.QueryRow(ctx, find, m.version).Scan(&version, &checksum); err != nil {
		return false, err
	}
	switch {
	case version > newest:
		return false, fmt.Errorf("%w: its schema has version %d, this program knows %d", ErrNewerSchema, version, newest)
	case version < m.version:
		return false, nil
	case checksum == nil || *checksum != m.checksum:
		// One that was edited after a release: the schema would differ from a new one.
		return false, fmt.Errorf("%s is not the one that was applied to this database", m.name)
	}
	return true, nil
}

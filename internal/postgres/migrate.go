package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/creativeflow/aigen/internal/migrate"
)

var (
	// ErrNewerSchema is returned by Open for a database that a later version of the
	// program has migrated.
	ErrNewerSchema = migrate.ErrNewerSchema
	// ErrOlderSchema is returned by Open with Options.Existing for a database that has to
	// be migrated first.
	ErrOlderSchema = migrate.ErrOlderSchema
	// ErrNoDatabase is returned by Open with Options.Existing for a database without our
	// tables.
	ErrNoDatabase = errors.New("the database holds no tables of aigen yet: `aigen serve` or `aigen migrate` makes them; is DATABASE_URL another one?")
	// ErrForeign is returned by Open for a database, or a schema, in which another
	// program has tables of the same names.
	ErrForeign = errors.New("the database holds tables of another program: give aigen a database or a schema (search_path) of its own")
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate brings the schema up to date, each migration in a transaction of its own.
// Replicas that start at the same time wait for each other at the first.
func (s *Store) migrate(ctx context.Context, existing bool) error {
	known, err := migrate.Load(migrationFiles)
	if err != nil {
		return fmt.Errorf("postgres: migrations: %w", err)
	}
	if existing {
		return s.checkSchema(ctx, known)
	}
	return known.Run(ctx, schema{s})
}

// checkSchema refuses a schema that is not up to date.
func (s *Store) checkSchema(ctx context.Context, known migrate.List) error {
	switch done, err := known.Count(ctx, schema{s}); {
	case err != nil:
		return err
	case done == 0:
		return translate(lookAtSchema, ErrNoDatabase)
	case done < len(known):
		return translate(lookAtSchema, known.Older(done))
	}
	return nil
}

const lookAtSchema = "look at the schema"

// schema is the store as migrations see it.
type schema struct{ s *Store }

// Look implements migrate.Database.
func (db schema) Look(ctx context.Context, f func(context.Context, migrate.Find) error) error {
	return db.s.read(ctx, lookAtSchema, func(ctx context.Context, c *pgx.Conn) error { return f(ctx, finder(c)) })
}

// A migration changes tables that are in use: it gets its locks within lockWait or
// gives way, since those who come later wait behind it.
const (
	lockWait  = 3 * time.Second
	lockTries = 10
)

// Apply implements migrate.Database.
func (db schema) Apply(ctx context.Context, m migrate.Migration, applied func(context.Context, migrate.Find) (bool, error)) error {
	op := fmt.Sprintf("migrate to version %d", m.Version)
	for try := 1; ; try++ {
		// Also after the loss of a connection: if it was committed, that is seen.
		err := db.s.retry(ctx, func() error { return db.applyOnce(ctx, m, applied) })
		var e *pgconn.PgError
		if !errors.As(err, &e) || e.Code != "55P03" || try == lockTries {
			return translate(op, err)
		}
		db.s.log.WarnContext(ctx, "postgres: a migration waits for tables that are in use", "migration", m.Name, "try", try)
		if err := pause(ctx, 10); err != nil {
			return translate(op, err)
		}
	}
}

// advisoryLock is the one at which replicas that migrate wait for each other: any
// number that other programs in the same database are not likely to use ("aigen").
const advisoryLock = 0x616967656e

func (db schema) applyOnce(
	ctx context.Context, m migrate.Migration, applied func(context.Context, migrate.Find) (bool, error),
) (err error) {
	conn, err := db.s.acquireWithin(ctx, db.s.patience)
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
	if done, err := applied(ctx, finder(conn.Conn())); err != nil || done {
		return errors.Join(err, exec(`ROLLBACK`))
	}
	if m.Version == 1 {
		if err := exec(createMigrations); err != nil {
			return err
		}
	}
	if err := exec(m.Script); err != nil {
		return err
	}
	const note = `INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::bigint, $2::text, $3::text)`
	if _, err := conn.Exec(ctx, note, m.Version, m.Name, m.Checksum); err != nil {
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

// finder reads the table of applied migrations, if it is ours.
func finder(c *pgx.Conn) migrate.Find {
	return func(ctx context.Context, version int) (newest int, checksum string, err error) {
		const look = `SELECT to_regclass('schema_migrations') IS NOT NULL, to_regclass('generations') IS NOT NULL OR to_regclass('runs') IS NOT NULL OR
	to_regclass('events') IS NOT NULL OR to_regclass('deliveries') IS NOT NULL OR to_regclass('accounts') IS NOT NULL,
	(SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') AND attname = 'checksum' AND NOT attisdropped) = 1`
		var migrated, tables, ours bool
		if err := c.QueryRow(ctx, look).Scan(&migrated, &tables, &ours); err != nil {
			return 0, "", err
		}
		if !migrated && !tables {
			return 0, "", nil
		}
		if !ours {
			return 0, "", ErrForeign
		}
		const find = `SELECT coalesce(max(version), 0), coalesce(max(checksum) FILTER (WHERE version = $1::bigint), '') FROM schema_migrations`
		err = c.QueryRow(ctx, find, version).Scan(&newest, &checksum)
		return newest, checksum, err
	}
}

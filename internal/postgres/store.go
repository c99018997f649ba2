package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// Options of a store. The zero value is usable.
type Options struct {
	InitialCredits aigen.Credits // what the ledger opens an account with
	Existing       bool          // make no tables and migrate nothing: ErrNoDatabase, ErrOlderSchema
	PoolSize       int           // connections at most; 10 if zero. pool_max_conns in the URL goes before it
	// LockTimeout is how long a statement waits for a row that somebody else holds;
	// 5s if zero.
	LockTimeout time.Duration
	// StatementTimeout is how long the server works on one statement; 15s if zero.
	// An answer that takes longer than that by 5s is given up, with its connection.
	StatementTimeout time.Duration
	Logger           *slog.Logger // slog.Default if nil
}

// Store is a database. Its methods may be called from many goroutines.
type Store struct {
	pool     *pgxpool.Pool
	initial  aigen.Credits
	log      *slog.Logger
	patience time.Duration // for an answer
	settings string        // SQL that begins each transaction, see tx.go
	claims   claimCursor

	unanswered unanswered
	look       time.Duration // how often it is asked whether a commit without an answer waits
	pingAfter  time.Duration // a connection that was idle for longer is tried before it is used
}

var (
	_ app.GenerationRepository = (*Store)(nil)
	_ outbox.Store             = (*Store)(nil)
	_ app.Ledger               = (*Store)(nil)
)

// Open connects to the database at url (postgres://user:password@host:port/database)
// and brings its schema up to date. ErrNewerSchema if a later version of the program
// has migrated it; ErrForeign if its tables are another program's; ErrUnfit for a
// server that cannot serve. No error holds the password.
func Open(ctx context.Context, url string, o Options) (_ *Store, err error) {
	if o.InitialCredits < 0 {
		return nil, fmt.Errorf("postgres: initial credits must not be negative, not %s", o.InitialCredits)
	}
	o.LockTimeout = orDefault(o.LockTimeout, 5*time.Second)
	o.StatementTimeout = orDefault(o.StatementTimeout, 15*time.Second)
	config, err := poolConfig(url, o)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	s := &Store{
		initial: o.InitialCredits, log: o.Logger, patience: o.StatementTimeout + 5*time.Second,
		settings: settings(o.LockTimeout, o.StatementTimeout), look: unansweredLook, pingAfter: time.Second,
	}
	config.ShouldPing = s.alive
	s.unanswered.open()
	if s.log == nil {
		s.log = slog.Default()
	}
	// The pool outlives ctx, which is that of the start.
	if s.pool, err = pgxpool.NewWithConfig(context.WithoutCancel(ctx), config); err != nil {
		return nil, translate("connect", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	if err := s.examine(ctx); err != nil {
		return nil, err
	}
	if err := s.migrate(ctx, o.Existing); err != nil {
		return nil, err
	}
	s.log.DebugContext(ctx, "postgres: open", "host", config.ConnConfig.Host, "database", config.ConnConfig.Database,
		"connections", config.MaxConns, "mode", config.ConnConfig.DefaultQueryExecMode.String())
	return s, nil
}

// Close waits for the calls that are under way, then closes the connections. Calls
// that come later fail. Commits that have no answer are left to the server.
func (s *Store) Close() error {
	s.unanswered.end()
	s.pool.Close()
	s.unanswered.close()
	return nil
}

// Ping checks that the store can be written to, by writing: only that finds a full
// disk or a server that has become a standby.
func (s *Store) Ping(ctx context.Context) error {
	const touch = `UPDATE schema_migrations SET applied_at = applied_at WHERE version = 1`
	err := s.write(ctx, "ping", func(ctx context.Context, t *tx) error {
		t.queue(touch)
		return t.commit(ctx)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		s.pool.Reset() // a server that stands still: see view
	}
	return err
}

// examine refuses a server that is too old, or a database that cannot hold every
// text.
func (s *Store) examine(ctx context.Context) error {
	const query = `SELECT current_setting('server_version_num')::bigint, current_setting('server_version'), current_setting('server_encoding')`
	var number int64
	var version, encoding string
	err := s.read(ctx, "look at the server", func(ctx context.Context, c *pgx.Conn) error {
		return c.QueryRow(ctx, query).Scan(&number, &version, &encoding)
	})
	if err != nil {
		return err
	}
	return fit(number, version, encoding)
}

// minServer is the oldest PostgreSQL that is tested, as server_version_num.
const minServer = 15_00_00

func fit(number int64, version, encoding string) error {
	switch {
	case number < minServer:
		return fmt.Errorf("postgres: %w: it is PostgreSQL %s; use version %d or later", ErrUnfit, version, minServer/10000)
	case encoding != "UTF8":
		return fmt.Errorf("postgres: %w: the database has encoding %s; make one WITH ENCODING 'UTF8'", ErrUnfit, encoding)
	}
	return nil
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}

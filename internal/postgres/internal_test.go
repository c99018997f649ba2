package postgres

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/migrate"
)

// Internals are tests of what is not exported. The external tests call them, since they
// know how to make a database.
type Internals struct{}

// SetPatience bounds how long s waits for an answer.
func (s *Store) SetPatience(d time.Duration) { s.patience = d }

// SetLook sets how often s looks whether a commit without an answer still waits.
func (s *Store) SetLook(d time.Duration) { s.look = d }

// SetPingAfter sets how long a connection may be idle before it is tried.
func (s *Store) SetPingAfter(d time.Duration) { s.pingAfter = d }

// Unanswered is how many commits have no answer.
func (s *Store) Unanswered() int { return s.unanswered.count() }

// Hold lends a connection of the pool to f.
func (Internals) Hold(ctx context.Context, s *Store, f func(*pgx.Conn)) error {
	return s.pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error { f(c.Conn()); return nil })
}

// Connections is how many the pool has.
func (Internals) Connections(s *Store) int { return int(s.pool.Stat().TotalConns()) }

// TryMigrations applies scripts after those there are.
func (Internals) TryMigrations(t *testing.T, url string) {
	t.Helper()
	_, err := Open(t.Context(), url, Options{Existing: true})
	require.ErrorIs(t, err, ErrNoDatabase)
	s, err := Open(t.Context(), url, Options{})
	require.NoError(t, err)
	defer s.Close()
	known, err := migrate.Load(migrationFiles)
	require.NoError(t, err)

	look := func() error { // a command that migrates nothing
		s, err := Open(t.Context(), url, Options{Existing: true})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	require.NoError(t, look())
	newest := known[len(known)-1].Version
	_, err = s.execOne(t.Context(), "test", `DELETE FROM schema_migrations WHERE version = $1::bigint`, newest)
	require.NoError(t, err)
	require.ErrorIs(t, look(), ErrOlderSchema)
	require.ErrorIs(t, look(), ErrOlderSchema, "nothing was migrated")
	_, err = s.execOne(t.Context(), "test", `INSERT INTO schema_migrations (version, name, checksum) VALUES ($1::bigint, 'x', $2::text)`, newest, known[newest-1].Checksum)
	require.NoError(t, err)

	next := migrate.Migration{Version: len(known) + 1, Name: "next.sql", Script: `CREATE TABLE next (a int); CREATE TABLE more (b int)`, Checksum: "x"}
	broken := next
	broken.Script = `CREATE TABLE next (a int); CREATE TABLE next (a int)`
	require.Error(t, append(known, broken).Run(t.Context(), schema{s}))
	require.NoError(t, append(known, next).Run(t.Context(), schema{s}), "nothing of the broken one was left")
	require.NoError(t, append(known, next).Run(t.Context(), schema{s}), "applied once")

	_, err = Open(t.Context(), url, Options{})
	require.ErrorIs(t, err, ErrNewerSchema)

	next.Checksum = "y"
	require.ErrorContains(t, append(known, next).Run(t.Context(), schema{s}), "next.sql is not the one that was applied")
}

// MigrateInUse applies a migration to a table that somebody has locked; release is
// called when the migration was seen to give way.
func (Internals) MigrateInUse(t *testing.T, url string, release func()) {
	t.Helper()
	s, err := Open(t.Context(), url, Options{Logger: slog.New(&onWarning{Handler: slog.DiscardHandler, do: release})})
	require.NoError(t, err)
	defer s.Close()
	known, err := migrate.Load(migrationFiles)
	require.NoError(t, err)
	next := migrate.Migration{Version: len(known) + 1, Name: "next.sql", Script: `ALTER TABLE runs ADD COLUMN note text`, Checksum: "x"}
	require.NoError(t, append(known, next).Run(t.Context(), schema{s}))
}

// onWarning calls do at the first warning.
type onWarning struct {
	slog.Handler

	once sync.Once
	do   func()
}

func (h *onWarning) Enabled(context.Context, slog.Level) bool { return true }

func (h *onWarning) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelWarn {
		h.once.Do(h.do)
	}
	return nil
}

// Panics runs a transaction that panics, and one whose caller hangs up before the
// commit. Neither leaves anything.
func (Internals) Panics(t *testing.T, s *Store) {
	t.Helper()
	const insert = `INSERT INTO accounts VALUES (gen_random_uuid(), NULL, 0, 0, 0)`
	require.Panics(t, func() {
		_ = s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
			t.queue(insert)
			if err := t.send(ctx); err != nil {
				return err
			}
			panic("a defect")
		})
	})
	boom := errors.New("boom")
	require.ErrorIs(t, s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
		t.queue(insert)
		return errors.Join(t.send(ctx), boom)
	}), boom)
	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, s.write(ctx, "test", func(ctx context.Context, t *tx) error {
		t.queue(insert)
		if err := t.send(ctx); err != nil {
			return err
		}
		cancel()
		return t.commit(ctx)
	}), context.Canceled)
	require.NoError(t, s.write(t.Context(), "test", func(ctx context.Context, t *tx) error {
		t.queue(insert)
		return t.commit(ctx)
	}))
}

func TestFit(t *testing.T) {
	t.Parallel()
	require.NoError(t, fit(15_00_18, "15.18", "UTF8"))
	require.NoError(t, fit(18_00_01, "18.1", "UTF8"))
	err := fit(14_00_19, "14.19", "UTF8")
	require.ErrorIs(t, err, ErrUnfit)
	require.ErrorContains(t, err, "14.19; use version 15 or later")
}

func TestTranslate(t *testing.T) {
	t.Parallel()
	require.NoError(t, translate("x", nil))
	for code, kind := range map[string]error{
		"40001": errContended, "40P01": errContended, "55P03": ErrBusy, "57014": ErrBusy, "25006": ErrReadOnly, "53100": ErrDiskFull,
		"3D000": ErrRefused, "28P01": ErrRefused, "28000": ErrRefused, "23505": errConstraint, "22021": errConstraint, "54000": errConstraint,
		"53300": ErrUnavailable, "57P01": ErrUnavailable, "26000": ErrPooler, "42P05": ErrPooler, "57P03": ErrUnavailable, "08006": ErrUnavailable, "58030": ErrUnavailable,
	} {
		cause := &pgconn.PgError{Code: code, Message: "says the server", InternalQuery: "DELETE"}
		err := translate("delete", cause)
		require.ErrorIs(t, err, kind, code)
		require.ErrorIs(t, err, cause, code)
		require.NotContains(t, err.Error(), "DELETE", "no SQL in errors")
	}
	require.ErrorIs(t, translate("x", io.ErrUnexpectedEOF), ErrUnavailable)
	for _, err := range []error{context.Canceled, &pgconn.PgError{Code: "42601"}, pgx.ErrNoRows} {
		require.NoError(t, kindOf(err))
		require.ErrorIs(t, translate("x", err), err)
	}
}

func TestDefinite(t *testing.T) {
	t.Parallel()
	require.True(t, definite(&pgconn.PgError{Code: "23505", SeverityUnlocalized: "ERROR"}))
	require.False(t, definite(&pgconn.PgError{Code: "57P01", SeverityUnlocalized: "FATAL"}), "it may have waited for a replica")
	require.False(t, definite(&pgconn.PgError{Code: "08P01", SeverityUnlocalized: "ERROR"}), "a pooler's")
	require.False(t, definite(io.EOF))
}

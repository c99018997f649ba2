package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	driver "modernc.org/sqlite"

	"github.com/creativeflow/aigen/internal/migrate"
)

// RawDSN is how the tests open a file behind the store's back.
func RawDSN(path string) string {
	return strings.Replace(writerDSN(path, time.Second), "mode=rw", "mode=rwc", 1)
}

// LimitPages stands in for a disk that is full.
func (s *Store) LimitPages(t *testing.T, n int) {
	t.Helper()
	require.NoError(t, s.writer.with(t.Context(), func(c *session) error {
		_, err := c.conn.ExecContext(t.Context(), fmt.Sprintf("PRAGMA max_page_count = %d", n))
		return err
	}))
}

func opened(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestMigrations(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aigen.db")
	s := opened(t, path)
	known, err := migrate.Load(migrationFiles)
	require.NoError(t, err)

	next := migrate.Migration{Version: len(known) + 1, Name: "next.sql", Script: `CREATE TABLE next (a) ; CREATE TABLE more (b)`, Checksum: "x"}
	broken := next
	broken.Script = `CREATE TABLE next (a); CREATE TABLE next (a)`
	require.Error(t, s.migrateTo(t.Context(), append(known, broken)))
	require.NoError(t, s.migrateTo(t.Context(), append(known, next)), "nothing of the broken one was left")
	require.NoError(t, s.migrateTo(t.Context(), append(known, next)), "applied once")

	_, err = Open(t.Context(), path, Options{})
	require.ErrorIs(t, err, ErrNewerSchema)
	require.ErrorContains(t, err, path)

	next.Checksum = "y"
	require.ErrorContains(t, s.migrateTo(t.Context(), append(known, next)), "next.sql is not the one that was applied")
}

func TestMigrationsAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aigen.db")
	errs := make(chan error, 8)
	for range cap(errs) {
		go func() {
			s, err := Open(context.WithoutCancel(t.Context()), path, Options{})
			if err == nil {
				err = s.Close()
			}
			errs <- err
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s := opened(t, filepath.Join(t.TempDir(), "aigen.db"))
	check := func(p *pool, want map[string]string) {
		require.NoError(t, p.with(t.Context(), func(c *session) error {
			for pragma, value := range want {
				var got string
				if _, err := c.one(t.Context(), []any{&got}, "PRAGMA "+pragma); err != nil {
					return err
				}
				require.Equal(t, value, got, pragma)
			}
			return nil
		}))
	}
	check(s.writer, map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "10000"})
	check(s.readers, map[string]string{"journal_mode": "wal", "query_only": "1", "busy_timeout": "10000"})
}

// A transaction that panics or whose connection breaks leaves a store that works.
func TestSessionRecovers(t *testing.T) {
	t.Parallel()
	s := opened(t, filepath.Join(t.TempDir(), "aigen.db"))
	insert := func(ctx context.Context, c *session) error {
		_, err := c.exec(ctx, `INSERT INTO accounts VALUES (randomblob(16), NULL, 0, 0, 0)`)
		return err
	}
	require.Panics(t, func() {
		_ = s.write(t.Context(), "test", func(ctx context.Context, c *session) error {
			require.NoError(t, insert(ctx, c))
			panic("a defect")
		})
	})
	boom := errors.New("boom")
	require.ErrorIs(t, s.write(t.Context(), "test", func(ctx context.Context, c *session) error {
		require.NoError(t, insert(ctx, c))
		_, err := c.exec(ctx, "ROLLBACK") // as SQLite does by itself when the disk is full
		require.NoError(t, err)
		return boom
	}), boom)
	ctx, cancel := context.WithCancel(t.Context())
	require.ErrorIs(t, s.write(ctx, "test", func(ctx context.Context, c *session) error {
		cancel() // between the last statement and the commit
		return insert(ctx, c)
	}), context.Canceled)
	rows, _, err := s.Audit(t.Context())
	require.NoError(t, err)
	require.Zero(t, rows["accounts"])
	require.NoError(t, s.write(t.Context(), "test", insert))
}

func TestTranslateKeepsTheCause(t *testing.T) {
	t.Parallel()
	require.NoError(t, translate("x", nil))
	s := opened(t, filepath.Join(t.TempDir(), "aigen.db"))
	err := s.view(t.Context(), "read", func(ctx context.Context, c *session) error {
		_, err := c.exec(ctx, `DELETE FROM accounts`)
		return err
	})
	require.ErrorIs(t, err, ErrReadOnly, "readers cannot write")
	var cause *driver.Error
	require.ErrorAs(t, err, &cause)
	require.NotContains(t, err.Error(), "DELETE", "no SQL in errors")
}

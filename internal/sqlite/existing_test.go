package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/migrate"
)

// older makes a file as a program with one migration less has left it.
func older(t *testing.T, path string) (known migrate.List) {
	t.Helper()
	known, err := migrate.Load(migrationFiles)
	require.NoError(t, err)
	require.NoError(t, createFile(path))
	s := &Store{path: path}
	s.file, err = examineFile(path)
	require.NoError(t, err)
	s.writer, err = newPool(writerDSN(path, time.Second), 1)
	require.NoError(t, err)
	require.NoError(t, s.migrateTo(t.Context(), known[:len(known)-1]))
	require.NoError(t, s.Close())
	return known
}

// Who only looks makes no database and migrates none.
func TestExisting(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aigen.db")
	look := func() error {
		s, err := Open(t.Context(), path, Options{Existing: true})
		if err == nil {
			err = s.Close()
		}
		return err
	}
	require.ErrorIs(t, look(), ErrNoDatabase)
	require.NoFileExists(t, path)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.ErrorIs(t, look(), ErrNoDatabase)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Zero(t, info.Size())

	known := older(t, path)
	require.ErrorIs(t, look(), ErrOlderSchema)
	require.ErrorIs(t, look(), ErrOlderSchema, "nothing was migrated")
	require.NoFileExists(t, path+".lock")
	s := opened(t, path)
	require.NoError(t, look())

	next := migrate.Migration{Version: len(known) + 1, Name: "next.sql", Script: `CREATE TABLE next (a)`, Checksum: "x"}
	require.NoError(t, s.migrateTo(t.Context(), append(known, next)))
	require.ErrorIs(t, look(), ErrNewerSchema)
}

// A newer program's migration does not change the schema under a service.
func TestMigrationNeedsTheLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aigen.db")
	known := older(t, path)
	service, err := lockFile(path) // of the older version
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = Open(ctx, path, Options{})
	require.ErrorIs(t, err, ErrLocked)
	require.ErrorContains(t, err, "service to be stopped")
	_, err = Open(t.Context(), path, Options{Existing: true})
	require.ErrorIs(t, err, ErrOlderSchema, "nothing was migrated")

	require.NoError(t, service.release())
	s := opened(t, path)
	n, err := known.Count(t.Context(), schema{s, s.view})
	require.NoError(t, err)
	require.Equal(t, len(known), n)
	again, err := Open(t.Context(), path, Options{Exclusive: true})
	require.NoError(t, err, "the lock was given back")
	require.NoError(t, again.Close())
}

// A hard link is a second name, by which neither the lock nor SQLite's log is found.
func TestHardLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "aigen.db"), filepath.Join(dir, "copy.db")
	require.NoError(t, opened(t, path).Close())
	require.NoError(t, os.Link(path, copied))
	for _, o := range []Options{{Exclusive: true}, {}, {Existing: true}} {
		_, err := Open(t.Context(), copied, o)
		require.ErrorContains(t, err, "hard links")
	}
	require.NoError(t, os.Remove(path))
	opened(t, copied)
}

// The constraints that migration 5 rewrites hold at once, in the connection that has
// migrated and in those that were open before, and so do triggers and indexes.
func TestNullChecks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aigen.db")
	known, err := migrate.Load(migrationFiles)
	require.NoError(t, err)
	require.NoError(t, createFile(path))
	s := &Store{path: path}
	s.file, err = examineFile(path)
	require.NoError(t, err)
	s.writer, err = newPool(writerDSN(path, time.Second), 1)
	require.NoError(t, err)
	s.readers, err = newPool(readerDSN(path, time.Second), 1)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	require.NoError(t, s.migrateTo(t.Context(), known[:4]))
	schema := func() (text string) {
		require.NoError(t, s.view(t.Context(), "test", func(ctx context.Context, c *session) error {
			_, err := c.one(ctx, []any{&text}, `SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema ORDER BY name)`)
			return err
		}))
		return text
	}
	before := schema()
	require.NoError(t, s.migrateTo(t.Context(), known[:5]))
	after := schema()
	require.NotEqual(t, before, after)
	require.Equal(t, before, regexp.MustCompile(`\w+ IS NULL OR json_valid`).ReplaceAllString(after, "json_valid"))
	require.Equal(t, 7, strings.Count(after, "json_valid("))
	require.Equal(t, 6, strings.Count(after, "IS NULL OR json_valid("))

	insert := func(answer any) error {
		return s.write(t.Context(), "test", func(ctx context.Context, c *session) error {
			_, err := c.exec(ctx, `INSERT INTO idempotency_keys VALUES (randomblob(16), 'k', randomblob(32), randomblob(16), NULL, ?, 1, 2)`, answer)
			return err
		})
	}
	require.NoError(t, insert(nil))
	require.NoError(t, insert(`{}`))
	require.ErrorIs(t, insert(`{`), errConstraint)
}

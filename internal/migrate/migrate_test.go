package migrate_test

import (
	"context"
	"errors"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/migrate"
)

// database keeps in memory what a store keeps in a table.
type database struct {
	checksums []string
	looks     int
	scripts   []string
	before    func() // Apply: another process is quicker
}

func (d *database) find(_ context.Context, version int) (newest int, checksum string, err error) {
	if version <= len(d.checksums) {
		checksum = d.checksums[version-1]
	}
	return len(d.checksums), checksum, nil
}

var errLost = errors.New("the connection was lost")

// Look loses its first connection after f has run.
func (d *database) Look(ctx context.Context, f func(context.Context, migrate.Find) error) error {
	for range 2 {
		if err := f(ctx, d.find); err != nil {
			return err
		}
	}
	d.looks++
	return nil
}

func (d *database) Apply(ctx context.Context, m migrate.Migration, applied func(context.Context, migrate.Find) (bool, error)) error {
	if d.before != nil {
		d.before()
	}
	if done, err := applied(ctx, d.find); err != nil || done {
		return err
	}
	if m.Script == "broken" {
		return errLost
	}
	d.scripts, d.checksums = append(d.scripts, m.Script), append(d.checksums, m.Checksum)
	return nil
}

func load(t *testing.T, scripts ...string) migrate.List {
	t.Helper()
	files := fstest.MapFS{}
	for i, script := range scripts {
		files["migrations/000"+string(rune('1'+i))+"_x.sql"] = &fstest.MapFile{Data: []byte(script)}
	}
	list, err := migrate.Load(files)
	require.NoError(t, err)
	require.Len(t, list, len(scripts))
	return list
}

func TestLoad(t *testing.T) {
	t.Parallel()
	list := load(t, "a", "b")
	require.Equal(t, migrate.Migration{
		Version: 2, Name: "migrations/0002_x.sql", Script: "b",
		Checksum: "3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d",
	}, list[1])
	for _, name := range []string{"migrations/0002_late.sql", "migrations/init.sql"} {
		_, err := migrate.Load(fstest.MapFS{name: {}})
		require.ErrorContains(t, err, "want number 0001")
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	db, known := new(database), load(t, "a", "b")
	require.NoError(t, known.Run(t.Context(), db))
	require.Equal(t, []string{"a", "b"}, db.scripts)

	next := load(t, "a", "b", "c")
	done, err := next.Count(t.Context(), db)
	require.NoError(t, err)
	require.Equal(t, 2, done, "counted once, although it was looked at twice")
	require.ErrorIs(t, next.Older(done), migrate.ErrOlderSchema)
	require.NoError(t, next.Run(t.Context(), db))
	require.NoError(t, next.Run(t.Context(), db))
	require.Equal(t, []string{"a", "b", "c"}, db.scripts, "each once")
}

// The one that fails is the last that is tried.
func TestRunStops(t *testing.T) {
	t.Parallel()
	db := new(database)
	require.ErrorIs(t, load(t, "a", "broken", "c").Run(t.Context(), db), errLost)
	require.Equal(t, []string{"a"}, db.scripts)
}

// Another process applies a migration after it was looked for.
func TestRunIsNotAlone(t *testing.T) {
	t.Parallel()
	known := load(t, "a", "b")
	db := new(database)
	db.before = func() {
		db.before = nil
		require.NoError(t, known.Run(t.Context(), db))
	}
	require.NoError(t, known.Run(t.Context(), db))
	require.Equal(t, []string{"a", "b"}, db.scripts)
}

func TestForeignSchema(t *testing.T) {
	t.Parallel()
	db := new(database)
	require.NoError(t, load(t, "a", "b").Run(t.Context(), db))
	_, err := load(t, "a").Count(t.Context(), db)
	require.ErrorIs(t, err, migrate.ErrNewerSchema)
	require.ErrorContains(t, err, "has version 2, this program knows 1")
	require.ErrorContains(t, load(t, "a", "edited", "c").Run(t.Context(), db), "0002_x.sql is not the one that was applied")
	require.Equal(t, []string{"a", "b"}, db.scripts)
}

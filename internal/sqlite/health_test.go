package sqlite_test

import (
	"crypto/rand"
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// A file that goes away takes with it what is written to it: so nothing is.
func TestFileMoved(t *testing.T) {
	t.Parallel()
	for name, move := range map[string]func(path string) error{
		"renamed": func(path string) error { return os.Rename(path, path+".gone") },
		"removed": os.Remove,
		"replaced": func(path string) error {
			if err := os.WriteFile(path+".new", nil, 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"its log": func(path string) error { return os.Remove(path + "-wal") },
	} {
		path := file(t)
		s := open(t, path, sqlite.Options{InitialCredits: 1000})
		c := write(t, s)
		require.NoError(t, move(path), name)
		err := s.Apply(t.Context(), []*app.Change{accept(t, policy(), aigen.ID(uuid.New()))})[0]
		require.ErrorIs(t, err, sqlite.ErrMoved, name)
		require.ErrorIs(t, err, app.ErrStoreUnavailable, name)
		require.ErrorIs(t, s.Ping(t.Context()), sqlite.ErrMoved, name)
		if name == "its log" {
			continue
		}
		_, err = s.Get(t.Context(), c.Generation.ID)
		require.ErrorIs(t, err, sqlite.ErrMoved, name)
		if name == "renamed" { // and comes back
			require.NoFileExists(t, path)
			require.NoError(t, os.Rename(path+".gone", path))
			require.NoError(t, s.Ping(t.Context()))
			write(t, s)
		}
	}
}

// Pages that were overwritten are found by whoever reads them, and told by the probe.
func TestDamagedFile(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path, sqlite.Options{InitialCredits: 1000})
	var last *app.Change
	for range 50 {
		last = write(t, s)
	}
	require.NoError(t, s.Close())
	s = open(t, path, sqlite.Options{InitialCredits: 1000})
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	require.NoError(t, err)
	info, err := f.Stat()
	require.NoError(t, err)
	rubbish := make([]byte, 4096)
	for at := int64(len(rubbish)) * 2; at < info.Size(); at += int64(len(rubbish)) { // all but the schema
		_, _ = rand.Read(rubbish)
		_, err := f.WriteAt(rubbish, at)
		require.NoError(t, err)
	}
	_, err = s.Get(t.Context(), last.Generation.ID)
	require.ErrorIs(t, err, sqlite.ErrDamaged)
	require.ErrorIs(t, s.Ping(t.Context()), sqlite.ErrDamaged)
	require.ErrorIs(t, s.Ping(t.Context()), sqlite.ErrDamaged, "and it does not pass")
	_ = f.Close()
}

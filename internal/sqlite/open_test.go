package sqlite_test

import (
	"context"
	"database/sql"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// file is the path of a new database. Its characters mean something in a URI.
func file(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "a b?c%20#d&e.db")
}

func write(t *testing.T, s *sqlite.Store) *app.Change {
	t.Helper()
	c := accept(t, policy(), aigen.ID(uuid.New()))
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
	return c
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path, sqlite.Options{InitialCredits: 1000})
	c := write(t, s)
	want, err := s.Get(t.Context(), c.Generation.ID)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is harmless")
	_, err = s.Get(t.Context(), c.Generation.ID)
	require.Error(t, err)
	require.NoFileExists(t, path+"-wal", "a clean close leaves one file")

	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode(), "prompts are nobody else's business")

	again := open(t, path, sqlite.Options{InitialCredits: 9999})
	got, err := again.Get(t.Context(), c.Generation.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	balance, err := again.Balance(t.Context(), c.Generation.UserID)
	require.NoError(t, err)
	require.EqualValues(t, 1000, balance.Balance, "opened once")
}

// What kill -9 leaves behind: the file and its log as they are in the middle of work.
func TestReopenAfterKill(t *testing.T) {
	t.Parallel()
	path, copied := file(t), file(t)
	s := open(t, path, sqlite.Options{InitialCredits: 1000})
	written := []*app.Change{write(t, s), write(t, s)}
	// By another process: this one would drop SQLite's locks when it closes the file.
	require.NoError(t, exec.CommandContext(t.Context(), "cp", path+"-wal", copied+"-wal").Run())
	require.NoError(t, exec.CommandContext(t.Context(), "cp", path, copied).Run())
	after := open(t, copied, sqlite.Options{})
	for _, c := range written {
		got, err := after.Get(t.Context(), c.Generation.ID)
		require.NoError(t, err)
		require.EqualValues(t, 1, got.Version)
	}
	_, faults, err := after.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
}

func TestExclusive(t *testing.T) {
	t.Parallel()
	path := file(t)
	first := open(t, path, sqlite.Options{Exclusive: true})
	_, err := sqlite.Open(t.Context(), path, sqlite.Options{Exclusive: true})
	require.ErrorIs(t, err, sqlite.ErrLocked)
	require.ErrorContains(t, err, path)

	// A command beside the server.
	user := aigen.ID(uuid.New())
	command := open(t, path, sqlite.Options{})
	_, err = command.Grant(t.Context(), user, 500, "by hand", time.Now())
	require.NoError(t, err)
	balance, err := first.Balance(t.Context(), user)
	require.NoError(t, err)
	require.EqualValues(t, 500, balance.Balance)

	require.NoError(t, first.Close())
	open(t, path, sqlite.Options{Exclusive: true})
}

// A second process that writes makes the others wait, not fail.
func TestTwoWriters(t *testing.T) {
	t.Parallel()
	path := file(t)
	stores := []*sqlite.Store{open(t, path, sqlite.Options{InitialCredits: 10000}), open(t, path, sqlite.Options{InitialCredits: 10000})}
	errs := make(chan error, 100)
	for i := range cap(errs) {
		change := accept(t, policy(), aigen.ID(uuid.New()))
		go func() {
			errs <- stores[i%2].Apply(context.WithoutCancel(t.Context()), []*app.Change{change})[0]
		}()
	}
	for range cap(errs) {
		require.NoError(t, <-errs)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	path := file(t)
	s := open(t, path, sqlite.Options{InitialCredits: 1000, BusyTimeout: 50 * time.Millisecond})
	patient := open(t, path, sqlite.Options{BusyTimeout: time.Hour}) // its context ends the wait
	db := raw(t, path)
	_, err := db.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	require.NoError(t, err)
	require.ErrorIs(t, s.Ping(t.Context()), sqlite.ErrBusy)

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, patient.Ping(ctx), context.DeadlineExceeded)
	_, err = db.ExecContext(t.Context(), "ROLLBACK")
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()))
	require.NoError(t, patient.Ping(t.Context()))
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte("this is not a database, but it is long enough to look at"), 0o600))
	foreign := filepath.Join(dir, "foreign.db")
	_, err := raw(t, foreign).ExecContext(t.Context(), "CREATE TABLE songs (title TEXT)")
	require.NoError(t, err)
	for name, tt := range map[string]struct{ path, says string }{
		"no directory":      {filepath.Join(dir, "missing", "aigen.db"), "directory must exist"},
		"a directory":       {dir, "is a directory"},
		"no database":       {text, "no SQLite database"},
		"somebody else's":   {foreign, "tables of another program"},
		"memory":            {":memory:", "path of a file"},
		"nothing":           {"", "path of a file"},
		"a file as its dir": {filepath.Join(text, "aigen.db"), "notes.txt"},
	} {
		_, err := sqlite.Open(t.Context(), tt.path, sqlite.Options{Exclusive: name == "no directory"})
		require.ErrorContains(t, err, tt.says, name)
	}
	_, err = sqlite.Open(t.Context(), file(t), sqlite.Options{InitialCredits: -1})
	require.Error(t, err)
}

// raw opens the file behind the store's back, on one connection.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", sqlite.RawDSN(path))
	require.NoError(t, err)
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

var quiet = slog.New(slog.DiscardHandler)

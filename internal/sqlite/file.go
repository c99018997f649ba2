package sqlite

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gofrs/flock"
)

// ErrLocked is returned by Open with Options.Exclusive while another process has
// the database open in the same way.
var ErrLocked = errors.New("the database is in use by another aigen")

// databasePath checks a path and makes it absolute, so that a later change of the
// working directory changes nothing.
func databasePath(path string) (string, error) {
	if path == "" || path == ":memory:" {
		return "", errors.New("needs the path of a file: a database in memory would lose what was accepted")
	}
	return filepath.Abs(path)
}

// ErrNoDatabase is returned by Open with Options.Existing where there is no database,
// or an empty file.
var ErrNoDatabase = errors.New("there is no database yet: `aigen serve` or `aigen migrate` makes it; is DATA_DIR or DATABASE_URL another one?")

// examineFile refuses a file that has several names (hard links, as of a backup by
// cp -al or rsnapshot). SQLite's log and our lock go by the name: two processes that
// come by two names would ruin the file without knowing of each other.
func examineFile(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("%w (%s)", ErrNoDatabase, path)
	case err != nil:
		return nil, fmt.Errorf("look for the database: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory, not a database file", path)
	case links(info) > 1:
		return nil, fmt.Errorf("%w: %s has %d names (hard links): stop what uses it, and give it one name with `cp -p aigen.db own.db && mv own.db aigen.db`", ErrUnusable, path, links(info))
	}
	return info, nil
}

// createFile makes an empty database file that only the owner can read, since it
// holds prompts. SQLite gives its log the same mode. A file that exists is not
// opened: closing it again would drop the locks that this process may hold on it.
func createFile(path string) error {
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return nil // examineFile looks at it
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // G304: the operator names the file
	if errors.Is(err, os.ErrExist) {
		return nil // another process was quicker
	}
	if err != nil {
		return fmt.Errorf("make the database (its directory must exist and be writable): %w", err)
	}
	return f.Close()
}

// The settings of every connection. foreign_keys is off in SQLite unless asked for.
// synchronous FULL makes each commit wait for the disk: a 202 must survive a loss
// of power.
func writerDSN(path string, busy time.Duration) string {
	return dsn(path, busy,
		"journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
		"temp_store(MEMORY)", "cache_size(-32000)",
		// The log is written back by the commit that fills it, 64 MB of pages: seldom, since
		// a page is written back once however often it changed. The file keeps its
		// size, which makes the next round cheaper than growing it again.
		"wal_autocheckpoint(16000)", "journal_size_limit(134217728)")
}

func readerDSN(path string, busy time.Duration) string {
	return dsn(path, busy, "query_only(ON)", "temp_store(MEMORY)", "cache_size(-8000)")
}

func dsn(path string, busy time.Duration, pragmas ...string) string {
	// mode: what is gone is not made anew.
	q := url.Values{"mode": {"rw"}, "_pragma": append([]string{"busy_timeout(" + strconv.FormatInt(busy.Milliseconds(), 10) + ")"}, pragmas...)}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}
	return u.String()
}

// fileLock is held on a file beside the database, not on the database itself,
// whose own locks are SQLite's. The file stays: removing it would let two
// processes lock two files of the same name.
type fileLock struct{ f *flock.Flock }

func lockFile(path string) (*fileLock, error) {
	f := flock.New(path+".lock", flock.SetPermissions(0o600))
	ok, err := f.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock %s (the directory must exist and be writable): %w", f.Path(), err)
	}
	if !ok {
		return nil, fmt.Errorf("%w: %s (locked: %s)", ErrLocked, path, f.Path())
	}
	return &fileLock{f}, nil
}

func (l *fileLock) release() error { return l.f.Unlock() }

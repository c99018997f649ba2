package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// A probe that fits where a request did not must not say that all is well.
func TestFullDiskIsRemembered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var h health
	full := fmt.Errorf("apply: %w", ErrDiskFull)
	require.NoError(t, h.check(dir))
	require.Equal(t, full, h.note(full))
	require.NoError(t, h.note(nil), "a small write that succeeds")
	require.ErrorIs(t, h.check(filepath.Join(dir, "missing")), ErrDiskFull, "nothing can be written there")
	require.ErrorIs(t, h.check(filepath.Join(dir, "missing")), ErrDiskFull)
	require.NoError(t, h.check(dir), "there is space again")
	require.NoError(t, h.check(filepath.Join(dir, "missing")), "and is not looked for any more")
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left)

	require.Error(t, h.note(errors.New("refused")))
	require.NoError(t, h.check(dir), "no fault of the disk")
	require.Error(t, h.note(fmt.Errorf("read: %w", ErrIO)))
	require.ErrorIs(t, h.check(dir), ErrIO)
	require.Error(t, h.note(ErrDamaged))
	require.Error(t, h.note(full))
	require.ErrorIs(t, h.check(dir), ErrDamaged)
}

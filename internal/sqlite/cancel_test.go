package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/sqlite"
)

// A caller who gives up while a transaction begins leaves none behind: the driver may
// say that it was cancelled, and have begun it.
func TestCancelledBeginLeavesNoTransaction(t *testing.T) {
	t.Parallel()
	s, err := sqlite.Open(t.Context(), t.TempDir()+"/a.db", sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	for i := range 3000 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%300)*time.Microsecond/2)
		_, _ = s.ReleaseLeases(ctx, "nobody", time.Now())
		cancel()
		_, err := s.ReleaseLeases(t.Context(), "nobody", time.Now())
		require.NoError(t, err)
	}
}

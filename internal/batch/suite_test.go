package batch_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/batch"
	"github.com/creativeflow/aigen/internal/sqlite"
	"github.com/creativeflow/aigen/internal/storetest"
)

// grouped is a store whose changes go through a batch.
type grouped struct {
	*sqlite.Store
	batch *batch.Repository
}

func (g grouped) Apply(ctx context.Context, changes []*app.Change) []error {
	return g.batch.Apply(ctx, changes)
}

// TestStore: whoever uses a store through a batch must not be able to tell.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
		t.Helper()
		s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{InitialCredits: o.InitialCredits})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		return grouped{s, batch.New(s, batch.Options{})}
	})
}

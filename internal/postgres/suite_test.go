package postgres_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/batch"
	"github.com/creativeflow/aigen/internal/postgres"
	"github.com/creativeflow/aigen/internal/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The suite, in each of the ways in which pgx can talk to the server.
func TestStore(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"cache_statement", "cache_describe", "exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && mode != "cache_statement" {
				t.Skip("the suite runs once, in the mode that is the default")
			}
			storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
				t.Helper()
				return open(t, with(t, database(t), "default_query_exec_mode", mode), options(o))
			})
		})
	}
}

// As it is used: with changes that come together in one transaction, by two writers,
// and loads that come together in one query.
func TestStoreBatched(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
		t.Helper()
		s := open(t, database(t), options(o))
		return batched{s, batch.New(s, batch.Options{Writers: 2, Crowd: 1})}
	})
}

type batched struct {
	*postgres.Store

	batch *batch.Repository
}

func (b batched) Apply(ctx context.Context, changes []*app.Change) []error {
	return b.batch.Apply(ctx, changes)
}

func (b batched) Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error) {
	return b.batch.Get(ctx, id)
}

func options(o storetest.Options) postgres.Options {
	return postgres.Options{InitialCredits: o.InitialCredits, PoolSize: 6, Logger: quiet}
}

package postgres_test

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/batch"
	"github.com/creativeflow/aigen/internal/postgres"
	"github.com/creativeflow/aigen/internal/storetest"
	"github.com/creativeflow/aigen/internal/testenv"
)

// database is the URL of a database of the test's own.
func database(t testing.TB) string {
	t.Helper()
	return testenv.PostgreSQL(t)
}

// raw opens a connection behind the store's back.
func raw(t testing.TB, server string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), server)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func open(t testing.TB, server string, o postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), server, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// with adds a parameter to a URL.
func with(t testing.TB, server, name, value string) string {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	q := u.Query()
	q.Set(name, value)
	u.RawQuery = q.Encode()
	return u.String()
}

var quiet = slog.New(slog.DiscardHandler)

// admin runs a statement on a server.
func admin(t testing.TB, server, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer c.Close(ctx)
	_, err = c.Exec(ctx, query)
	require.NoError(t, err)
}

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

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

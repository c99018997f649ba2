package postgres_test

import (
	"context"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/postgres"
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

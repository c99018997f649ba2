package postgres_test

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen-orchestrator/internal/postgres"
)

// database makes a fresh database and returns its URL. The server is that of
// TEST_DATABASE_URL, the URL of a superuser.
func database(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_DATABASE_URL")
	if server == "" {
		t.Fatal("set TEST_DATABASE_URL to the URL of a superuser of a PostgreSQL server: each test makes a database of its own there")
	}
	name := "aigen_test_" + strings.ToLower(rand.Text())
	admin(t, server, `CREATE DATABASE `+name)
	t.Cleanup(func() { admin(t, server, `DROP DATABASE `+name+` WITH (FORCE)`) })
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

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

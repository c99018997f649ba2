// Package testenv gives tests real servers: PostgreSQL, RabbitMQ and Redis.
//
// A server is, in this order: the one that TEST_DATABASE_URL, TEST_RABBITMQ_URL or
// TEST_REDIS_URL names; one that listens on its usual port of loopback and lets us
// in; one of our own, started from installed binaries on a free port in a temporary
// folder; the same after installing Debian's package, as root. A server that cannot
// be had fails the test: nothing is skipped.
//
// `go test` runs each package in a process of its own. Command withservers brings
// the servers up once for all of them. A package that is tested by itself starts
// what it needs, once; a watchdog ends it with the process, however that ends.
package testenv

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// The variables that name servers to use.
const (
	PostgreSQLVariable = "TEST_DATABASE_URL"
	RabbitMQVariable   = "TEST_RABBITMQ_URL"
	RedisVariable      = "TEST_REDIS_URL"
)

// The shared servers of this process. One that was started here lives as long as the
// process: the pipe to its watchdog is closed by nobody.
var (
	sharedPostgreSQL = sync.OnceValues(func() (*Server, error) { return Find(PostgreSQLKind()) })
	sharedRabbitMQ   = sync.OnceValues(func() (*Server, error) { return Find(RabbitMQKind()) })
	sharedRedis      = sync.OnceValues(func() (*Server, error) { return Find(RedisKind()) })
)

// PostgreSQL returns the URL of a new database of the test's own. It is dropped at
// the test's end.
func PostgreSQL(t testing.TB) string {
	t.Helper()
	shared, err := sharedPostgreSQL()
	require.NoError(t, err)
	server := shared.URL()
	name := "aigen_test_" + strings.ToLower(rand.Text())
	runSQL(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { runSQL(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	u, err := url.Parse(server)
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

func runSQL(t testing.TB, server, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	require.NoError(t, err)
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, query)
	require.NoError(t, err)
}

// RabbitMQ returns the URL of a broker that other tests use as well: see Queue.
func RabbitMQ(t testing.TB) string {
	t.Helper()
	server, err := sharedRabbitMQ()
	require.NoError(t, err)
	return server.URL()
}

// Queue returns a name that no other test uses. Queues of that name and of its dead
// letters (name.dead) are deleted at the test's end.
func Queue(t testing.TB, server string) string {
	t.Helper()
	name := "aigen.test." + strings.ToLower(rand.Text())
	t.Cleanup(func() {
		conn, err := amqp.Dial(server)
		require.NoError(t, err)
		defer conn.Close()
		for _, q := range []string{name, name + ".dead"} {
			ch, err := conn.Channel()
			require.NoError(t, err)
			_, err = ch.QueueDelete(q, false, false, false)
			require.NoError(t, err)
		}
	})
	return name
}

// Redis returns the URL of a Redis that other tests use as well: keys and channels
// that hold random ids do not meet.
func Redis(t testing.TB) string {
	t.Helper()
	server, err := sharedRedis()
	require.NoError(t, err)
	return server.URL()
}

// Start starts a server that is the test's alone, to be stopped, killed and paused.
func Start(t testing.TB, k Kind) *Server {
	t.Helper()
	s, err := Launch(k)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

// Find looks for a server of this kind, and starts one where there is none.
func Find(k Kind) (*Server, error) {
	if given := k.given(); given != "" {
		if err := wait(k, given, 10*time.Second); err != nil {
			return nil, fmt.Errorf("%s names a server that cannot be used: %w", k.Variable, err)
		}
		return &Server{kind: k, url: given}, nil
	}
	for _, usual := range k.usual {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		err := k.ready(ctx, usual)
		cancel()
		if err == nil {
			return &Server{kind: k, url: usual}, nil
		}
	}
	return Launch(k)
}

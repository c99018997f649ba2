package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen-orchestrator/internal/postgres"
	"github.com/creativeflow/aigen-orchestrator/internal/storetest"
	"github.com/creativeflow/aigen-orchestrator/internal/testenv"
)

// The suite behind a pooler that hands a server connection to each transaction, from
// fewer than we have: what a session remembers would be found missing.
func TestStoreBehindPgBouncer(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the suite runs once, without a pooler")
	}
	address := startPgBouncer(t)
	for _, mode := range []string{"exec", "simple_protocol"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T, o storetest.Options) storetest.Store {
				t.Helper()
				u, err := url.Parse(database(t))
				require.NoError(t, err)
				u.Host = address
				return open(t, with(t, with(t, u.String(), "default_query_exec_mode", mode), "sslmode", "disable"), options(o))
			})
		})
	}
}

// Prepared statements behind a pooler that does not keep them: the error names the
// remedy.
func TestPoolerWithoutPreparedStatements(t *testing.T) {
	t.Parallel()
	u, err := url.Parse(database(t))
	require.NoError(t, err)
	open(t, u.String(), postgres.Options{})
	u.Host = startPgBouncer(t)
	var wg sync.WaitGroup
	failed := make(chan error, 16)
	for range cap(failed) {
		wg.Go(func() { failed <- connectAndWork(t.Context(), with(t, u.String(), "sslmode", "disable")) })
	}
	wg.Wait()
	close(failed)
	var errs []error
	for err := range failed {
		errs = append(errs, err)
	}
	if errors.Join(errs...) == nil {
		t.Skip("this PgBouncer keeps prepared statements")
	}
	require.ErrorIs(t, errors.Join(errs...), postgres.ErrPooler)
	require.ErrorContains(t, errors.Join(errs...), "default_query_exec_mode=exec")
}

func connectAndWork(ctx context.Context, url string) error {
	s, err := postgres.Open(ctx, url, postgres.Options{Logger: quiet})
	if err != nil {
		return err
	}
	defer s.Close()
	for range 20 {
		if _, err := s.Stats(ctx); err != nil {
			return err
		}
	}
	return nil
}

// startPgBouncer starts a pooler in front of the tests' server.
func startPgBouncer(t *testing.T) (address string) {
	t.Helper()
	program := testenv.Program(t, "/usr/sbin/pgbouncer", "pgbouncer")
	server, err := url.Parse(database(t))
	require.NoError(t, err)
	dir, port := daemonDir(t), freePort(t)
	password, _ := server.User.Password()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(dir+"/"+name, []byte(text), 0o644))
	}
	write("users.txt", fmt.Sprintf("%q %q\n", server.User.Username(), password))
	write("pgbouncer.ini", fmt.Sprintf(`[databases]
* = host=%s port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s/users.txt
pool_mode = transaction
default_pool_size = 3
max_client_conn = 1000
server_idle_timeout = 1
`, server.Hostname(), orPort(server), port, dir))
	bouncer := asDaemon(program, "-q", dir+"/pgbouncer.ini")
	require.NoError(t, bouncer.Start())
	t.Cleanup(func() {
		_ = bouncer.Process.Signal(syscall.SIGTERM)
		_ = bouncer.Wait()
	})
	address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false
		}
		return c.Close() == nil
	}, time.Minute, 10*time.Millisecond)
	return address
}

func orPort(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return "5432"
}

package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/postgres"
	"github.com/creativeflow/aigen/internal/storetest"
	"github.com/creativeflow/aigen/internal/testenv"
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
	u.Host = startPgBouncer(t, keepsNone(t)...)
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

// keepsNone are the settings of a pooler that keeps no prepared statements. Versions
// before 1.21 know no other way, and not the setting.
func keepsNone(t *testing.T) []string {
	t.Helper()
	out, err := exec.Command(pgBouncer(t), "--version").Output()
	require.NoError(t, err)
	var major, minor int
	_, err = fmt.Sscanf(string(out), "PgBouncer %d.%d", &major, &minor)
	require.NoError(t, err, string(out))
	if major > 1 || minor >= 21 {
		return []string{"max_prepared_statements = 0"}
	}
	return nil
}

func pgBouncer(t *testing.T) string {
	t.Helper()
	return testenv.Program(t, "/usr/sbin/pgbouncer", "pgbouncer")
}

// startPgBouncer starts a pooler in front of the tests' server.
func startPgBouncer(t *testing.T, more ...string) (address string) {
	t.Helper()
	program := pgBouncer(t)
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
%s
`, server.Hostname(), orPort(server), port, dir, strings.Join(more, "\n")))
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

package postgres_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
)

// server is a PostgreSQL of a test's own, which it may stop.
type server struct {
	t    *testing.T
	dir  string
	port int
	more string // options of the server
}

// startServer makes a cluster and starts it. PostgreSQL does not run as root; then it
// runs as the user postgres.
func startServer(t *testing.T, options ...string) *server {
	t.Helper()
	s := &server{t: t, dir: daemonDir(t), port: freePort(t)}
	for _, o := range options {
		s.more += " -c " + o
	}
	s.run("initdb", "-D", s.dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	s.start()
	t.Cleanup(func() { s.stop("immediate") })
	return s
}

func (s *server) url() string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres", s.port)
}

func (s *server) start() {
	s.t.Helper()
	s.run("pg_ctl", "-D", s.dir+"/data", "-l", s.dir+"/log", "-w", "-t", "60", "-o",
		fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1 -c shared_buffers=16MB%s", s.port, s.dir, s.more), "start")
}

// stop ends the server: "fast" closes connections, "immediate" is a crash. A server
// that is down already is fine.
func (s *server) stop(mode string) {
	s.t.Helper()
	if _, err := os.Stat(s.dir + "/data/postmaster.pid"); err == nil {
		s.run("pg_ctl", "-D", s.dir+"/data", "-w", "-m", mode, "stop")
	}
}

func (s *server) run(program string, args ...string) {
	s.t.Helper()
	out, err := asDaemon(serverProgram(s.t, program), args...).CombinedOutput()
	require.NoError(s.t, err, "%s: %s", program, out)
}

// serverProgram finds what distributions keep out of the PATH.
func serverProgram(t *testing.T, name string) string {
	t.Helper()
	if path := testenv.PostgreSQLTool(name); path != "" {
		return path
	}
	return testenv.Program(t, "/usr/lib/postgresql/*/bin/"+name, "postgresql")
}

// asDaemon is a command that runs as the user postgres if we are root.
func asDaemon(program string, args ...string) *exec.Cmd {
	if os.Getuid() == 0 {
		args = append([]string{"--reuid=postgres", "--regid=postgres", "--init-groups", program}, args...)
		program = "setpriv"
	}
	c := exec.Command(program, args...)
	c.Dir = os.TempDir()
	return c
}

// daemonDir is a directory that belongs to that user; t.TempDir would be root's.
func daemonDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aigen-pg-") //nolint:usetesting // see above
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		require.NoError(t, err)
		uid, err := strconv.Atoi(u.Uid)
		require.NoError(t, err)
		require.NoError(t, os.Chown(dir, uid, -1))
	}
	return dir
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

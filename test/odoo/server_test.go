//go:build odoo

package odoo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver of Odoo's database
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
)

const (
	python   = "/usr/bin/python3" // Debian's own, which has Debian's packages
	database = "credits"
	apiKey   = "a-key-of-the-end-to-end-tests-0123456789"
)

// server is an Odoo with the addon, and a PostgreSQL that is its alone.
type server struct {
	dir      string // ODOO_DIR
	script   string // its odoo-bin; not `python -m odoo`, which does not survive its own fork
	tmp      string
	version  int
	port     int
	url      string
	postgres *testenv.Server
	db       *sql.DB // Odoo's database

	mu  sync.Mutex
	cmd *exec.Cmd // nil: it does not run
}

// shared is the one Odoo of all tests here: making its database takes a minute.
var shared = sync.OnceValues(launch)

// theOdoo returns the Odoo of all tests, and runs it where one has left it ended.
func theOdoo(t *testing.T) *server {
	t.Helper()
	s, err := shared()
	require.NoError(t, err)
	require.NoError(t, s.start())
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Odoo said at the end:\n%s", s.said())
		}
	})
	return s
}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	if os.Getenv("ODOO_DIR") == "" {
		fmt.Fprintln(os.Stderr, "ODOO_DIR is not set: name a source tree of Odoo 17, 18 or 19, as in make e2e-odoo ODOO_DIR=/src/odoo")
		return 2
	}
	code := mainOfProgram(m)
	if s, err := shared(); err == nil {
		s.close()
	}
	return code
}

func launch() (*server, error) {
	if err := installPackages(); err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(os.Getenv("ODOO_DIR"))
	if err != nil {
		return nil, err
	}
	s := &server{dir: dir, script: filepath.Join(dir, "odoo-bin")}
	if _, err := os.Stat(s.script); err != nil {
		s.script = filepath.Join(dir, "setup", "odoo") // of a nightly tarball
	}
	if s.version, err = s.readVersion(); err != nil {
		return nil, err
	}
	if s.tmp, err = os.MkdirTemp("", "aigen-odoo-*"); err != nil {
		return nil, err
	}
	if s.port, err = freePort(); err != nil {
		return nil, err
	}
	s.url = "http://127.0.0.1:" + strconv.Itoa(s.port)
	if s.postgres, err = testenv.Launch(testenv.PostgreSQLKind()); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// readVersion asks the tree which Odoo it is.
func (s *server) readVersion() (int, error) {
	out, err := exec.Command(python, "-c", "import runpy,sys; print(runpy.run_path(sys.argv[1])['version_info'][0])",
		filepath.Join(s.dir, "odoo", "release.py")).Output()
	if err != nil {
		return 0, fmt.Errorf("ODOO_DIR=%s is no source tree of Odoo: no usable odoo/release.py: %w", s.dir, err)
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}

// prepare makes the database with the addon and a key. Odoo refuses to work as the
// superuser of PostgreSQL, so it gets a role.
func (s *server) prepare() error {
	if _, err := s.postgresExec("CREATE ROLE odoo LOGIN CREATEDB"); err != nil {
		return err
	}
	if out, err := s.tool(15*time.Minute, nil, "-d", database, "-i", "creativeflow_credits", "--stop-after-init"); err != nil {
		return fmt.Errorf("install the addon: %w:\n%s", err, out)
	}
	script := fmt.Sprintf("env['creativeflow.credit.api.key'].issue('e2e', key=%q)\nenv.cr.commit()\n", apiKey)
	if out, err := s.shell(database, script); err != nil {
		return fmt.Errorf("make a key: %w:\n%s", err, out)
	}
	// Connections are not kept: the database is copied by tests.
	db, err := sql.Open("pgx", s.databaseURL(database))
	if err != nil {
		return err
	}
	db.SetMaxIdleConns(0)
	s.db = db
	return nil
}

func (s *server) databaseURL(name string) string {
	u, err := url.Parse(s.postgres.URL())
	if err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String()
}

// command is odoo-bin with what all calls share. Its tree is not written to.
func (s *server) command(ctx context.Context, args ...string) *exec.Cmd {
	u, err := url.Parse(s.postgres.URL())
	if err != nil {
		panic(err)
	}
	common := []string{
		"-c", os.DevNull, "--db_host", u.Hostname(), "--db_port", u.Port(), "--db_user", "odoo", "--data-dir", s.tmp + "/data",
		"--addons-path", s.addons(), "--without-demo", "all", "--http-interface", "127.0.0.1",
		"--http-port", strconv.Itoa(s.port), "--log-level", "info",
	}
	if s.version >= 19 {
		common = append(common, "--skip-auto-install")
	}
	cmd := exec.CommandContext(ctx, python, append([]string{s.script}, append(args, common...)...)...)
	cmd.Dir = s.tmp
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.tmp, "LC_ALL=C.UTF-8", "TZ=UTC", "PYTHONPATH=" + s.dir,
		"PYTHONPYCACHEPREFIX=" + s.tmp + "/pycache", "PYTHONWARNINGS=ignore",
	}
	return cmd
}

// addons is where Odoo's own are, in a checkout or a nightly tarball, and ours.
func (s *server) addons() string {
	paths := []string{filepath.Join(s.dir, "odoo", "addons")}
	if beside := filepath.Join(s.dir, "addons"); isDir(beside) {
		paths = append(paths, beside)
	}
	ours, err := filepath.Abs("../../integrations/odoo")
	if err != nil {
		panic(err)
	}
	return strings.Join(append(paths, ours), ",")
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// tool runs Odoo to an end.
func (s *server) tool(atMost time.Duration, in *strings.Reader, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), atMost)
	defer cancel()
	cmd := s.command(ctx, args...)
	if in != nil {
		cmd.Stdin = in
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// shell runs a script in Odoo's shell.
func (s *server) shell(database, script string) (string, error) {
	return s.tool(15*time.Minute, strings.NewReader(script), "shell", "-d", database)
}

// postgresExec runs a statement as PostgreSQL's superuser.
func (s *server) postgresExec(statement string) (sql.Result, error) {
	admin, err := sql.Open("pgx", s.postgres.URL())
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	return admin.Exec(statement)
}

// open opens another database of the same PostgreSQL.
func (s *server) open(t *testing.T, name string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", s.databaseURL(name))
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// start runs Odoo with two workers, as in production, and waits until it answers.
func (s *server) start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd != nil {
		return nil
	}
	gevent, err := freePort()
	if err != nil {
		return err
	}
	args := []string{"--workers", "2", "--max-cron-threads", "1", "--gevent-port", strconv.Itoa(gevent), "--db_maxconn", "16"}
	if s.version < 19 {
		// Only from 19 on does Odoo heed X-Odoo-Database.
		args = append(args, "--db-filter", "^"+database+"$")
	}
	cmd := s.command(context.Background(), args...)
	// Workers are children: all are ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	log, err := os.OpenFile(s.tmp+"/log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.cmd = cmd
	return s.wait(2 * time.Minute)
}

// wait waits for an answer of the addon: Odoo listens long before it has loaded it.
func (s *server) wait(atMost time.Duration) error {
	for end := time.Now().Add(atMost); ; time.Sleep(100 * time.Millisecond) {
		a, err := s.raw(http.MethodGet, "balance?user_id=00000000-0000-4000-8000-000000000000", nil)
		if err == nil && a.status == http.StatusOK {
			return nil
		}
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("odoo does not answer after %s: %+v; it said:\n%s", atMost, a, s.said()), err)
		}
	}
}

// kill ends Odoo and its workers as a power cut would.
func (s *server) kill() error { return s.end(syscall.SIGKILL) }

func (s *server) end(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cmd == nil {
		return nil
	}
	err := syscall.Kill(-s.cmd.Process.Pid, signal)
	_ = s.cmd.Wait() // its code tells nothing
	s.cmd = nil
	return err
}

func (s *server) close() {
	_ = s.end(syscall.SIGKILL)
	if s.db != nil {
		_ = s.db.Close()
	}
	_ = s.postgres.Close()
	_ = os.RemoveAll(s.tmp)
}

// said is the end of Odoo's log.
func (s *server) said() string {
	log, err := os.ReadFile(s.tmp + "/log")
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-8000):])
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

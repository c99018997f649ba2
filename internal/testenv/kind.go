package testenv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gofrs/flock"
	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// Kind is a kind of server.
type Kind struct {
	Name     string
	Variable string // of the environment, that names one

	pkg     string   // Debian's
	usual   []string // URLs of one that listens where it usually does
	user    string   // that it runs as where we are root
	stop    string   // name of the signal that ends it in good order
	signal  syscall.Signal
	binary  func() string // "" where it is not installed
	url     func(port int) string
	ready   func(ctx context.Context, url string) error
	prepare func(s *Server) error
	command func(s *Server) []string
	env     func(s *Server) []string
}

func (k Kind) given() string { return os.Getenv(k.Variable) }

func (k Kind) environment(s *Server) []string {
	if k.env == nil {
		return nil
	}
	return k.env(s)
}

// Install makes sure that a server of this kind could be started, where none is
// named.
func Install(k Kind) error {
	if k.given() != "" {
		return nil
	}
	return k.install()
}

// Program is the path of a program that a test needs besides the servers, installed
// from Debian's package of that name where it is missing.
func Program(t testing.TB, path, pkg string) string {
	t.Helper()
	k := Kind{Name: pkg, Variable: "PATH", pkg: pkg, binary: func() string { return installed(path, pkg) }}
	require.NoError(t, k.install())
	return k.binary()
}

// installing lets one installation run at a time in this process.
var installing sync.Mutex

// install installs Debian's package where the server is not there, as root.
func (k Kind) install() error {
	installing.Lock()
	defer installing.Unlock()
	if k.binary() != "" {
		return nil
	}
	if os.Getuid() != 0 {
		return fmt.Errorf("no %s here: set %s, start one on its usual port, or install Debian's %s", k.Name, k.Variable, k.pkg)
	}
	if err := aptInstall("apt-get", filepath.Join(os.TempDir(), "aigen-apt.lock"), k.pkg, func() bool { return k.binary() != "" }); err != nil {
		return err
	}
	if k.binary() == "" {
		return fmt.Errorf("installed Debian's %s, but found no server in it", k.pkg)
	}
	return nil
}

// aptInstall installs a package with the program apt, unless there says that somebody has
// done so meanwhile. The tests of several packages run at once, each in a process of its
// own, and apt-get fails where another one is at work: they wait for each other by the
// file lock, and at most 10 minutes for who does not know of it.
func aptInstall(apt, lock, pkg string, there func() bool) error {
	one := flock.New(lock)
	if err := one.Lock(); err != nil {
		return fmt.Errorf("install %s: %w", pkg, err)
	}
	defer func() { _ = one.Unlock() }() // ends with the process too
	if there() {
		return nil
	}
	fmt.Fprintf(os.Stderr, "testenv: installing Debian's %s\n", pkg)
	for _, args := range [][]string{{"update", "-qq"}, {"install", "-y", "-qq", "--no-install-recommends", pkg}} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
		cmd := exec.CommandContext(ctx, apt, append([]string{"-o", "DPkg::Lock::Timeout=600"}, args...)...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		out, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			return fmt.Errorf("install %s: apt-get %s: %w: %s", pkg, args[0], err, out)
		}
	}
	return nil
}

func installed(patterns ...string) string {
	for _, p := range patterns {
		if path, err := exec.LookPath(p); err == nil {
			return path
		}
		if !filepath.IsAbs(p) {
			continue
		}
		found, _ := filepath.Glob(p)
		sort.Strings(found)
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	return ""
}

// PostgreSQLTool is the path of one of PostgreSQL's programs, "initdb" say; empty if
// there is none. PATH goes first, so that it alone chooses the version; Debian keeps the
// programs out of it.
func PostgreSQLTool(name string) string {
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	return installed("/usr/lib/postgresql/*/bin/" + name)
}

// PostgreSQLKind is PostgreSQL. Our own has fsync off: what tests kill is processes,
// and the files of a process outlive it. A process may be killed between the two halves
// of a page, though: full_page_writes stays on.
func PostgreSQLKind() Kind {
	return PostgreSQLWith("fsync=off", "max_connections=300")
}

// PostgreSQLWith is PostgreSQL with settings of postgresql.conf ("name=value").
func PostgreSQLWith(settings ...string) Kind {
	tool := PostgreSQLTool
	return Kind{
		Name: "postgresql", Variable: PostgreSQLVariable, pkg: "postgresql",
		usual: []string{
			"postgres://postgres@127.0.0.1:5432/postgres?sslmode=disable",
			"postgres://postgres:postgres@127.0.0.1:5432/postgres?sslmode=disable",
		},
		user: "postgres", stop: "INT", signal: syscall.SIGINT,
		binary: func() string { return tool("postgres") },
		url: func(port int) string {
			return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
		},
		ready: readyPostgreSQL,
		prepare: func(s *Server) error {
			return s.run(tool("initdb"), "-D", s.dir+"/data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
		},
		command: func(s *Server) []string {
			args := []string{
				tool("postgres"), "-D", s.dir + "/data", "-p", strconv.Itoa(s.port), "-c", "listen_addresses=127.0.0.1",
				"-c", "unix_socket_directories=",
			}
			for _, setting := range settings {
				args = append(args, "-c", setting)
			}
			return args
		},
	}
}

func readyPostgreSQL(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	var may bool
	if err := conn.QueryRow(ctx, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user").Scan(&may); err != nil {
		return err
	}
	if !may {
		return errors.New("this user may not create databases")
	}
	return nil
}

// RabbitMQKind is RabbitMQ.
func RabbitMQKind() Kind {
	return Kind{
		Name: "rabbitmq", Variable: RabbitMQVariable, pkg: "rabbitmq-server",
		usual: []string{"amqp://guest:guest@127.0.0.1:5672/"},
		user:  "rabbitmq", stop: "TERM", signal: syscall.SIGTERM,
		// Not the one in /usr/sbin, which wants to be root or its own user.
		binary: func() string { return installed("/usr/lib/rabbitmq/bin/rabbitmq-server") },
		url:    func(port int) string { return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", port) },
		ready:  readyRabbitMQ,
		prepare: func(s *Server) error {
			return os.WriteFile(s.dir+"/plugins", []byte("[].\n"), 0o644)
		},
		// Erlang's name server is started here, in the foreground: the broker would
		// start it as a daemon, which nobody ends.
		command: func(*Server) []string {
			return []string{"sh", "-c", `
epmd & names=$!
"$0" & broker=$!
trap 'kill -s TERM $broker' TERM INT
wait $broker || wait $broker
kill $names`, installed("/usr/lib/rabbitmq/bin/rabbitmq-server")}
		},
		env: func(s *Server) []string {
			return []string{
				"RABBITMQ_NODENAME=aigen" + strconv.Itoa(s.port) + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1",
				"RABBITMQ_NODE_PORT=" + strconv.Itoa(s.port), "RABBITMQ_DIST_PORT=" + s.second(), "ERL_EPMD_PORT=" + s.third(),
				"ERL_EPMD_ADDRESS=127.0.0.1", "RABBITMQ_MNESIA_BASE=" + s.dir + "/data", "RABBITMQ_LOG_BASE=" + s.dir + "/log",
				"RABBITMQ_ENABLED_PLUGINS_FILE=" + s.dir + "/plugins", "RABBITMQ_CONFIG_FILE=" + s.dir + "/none",
				"RABBITMQ_CONF_ENV_FILE=" + s.dir + "/none", "RABBITMQ_PID_FILE=" + s.dir + "/pid", "RABBITMQ_LOGS=-",
				"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}",
			}
		},
	}
}

// second and third are further ports, made from the first: a restart finds the same.
func (s *Server) second() string { return strconv.Itoa(s.derived(1)) }
func (s *Server) third() string  { return strconv.Itoa(s.derived(2)) }

// derived is outside of the range that the kernel hands out.
func (s *Server) derived(n int) int { return 10_000 + (s.port*2+n)%20_000 }

func readyRabbitMQ(ctx context.Context, raw string) error {
	deadline, _ := ctx.Deadline()
	conn, err := amqp.DialConfig(raw, amqp.Config{Dial: amqp.DefaultDial(time.Until(deadline))})
	if err != nil {
		return err
	}
	return conn.Close()
}

// RedisKind is Redis.
func RedisKind() Kind {
	return Kind{
		Name: "redis", Variable: RedisVariable, pkg: "redis-server",
		usual: []string{"redis://127.0.0.1:6379/0"},
		stop:  "TERM", signal: syscall.SIGTERM,
		binary: func() string { return installed("redis-server") },
		url:    func(port int) string { return fmt.Sprintf("redis://127.0.0.1:%d/0", port) },
		ready:  readyRedis,
		command: func(s *Server) []string {
			return []string{
				installed("redis-server"), "--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--dir", s.dir,
				"--save", "", "--appendonly", "no",
			}
		},
	}
}

func readyRedis(ctx context.Context, raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	host := u.Host
	if u.Port() == "" {
		host = net.JoinHostPort(u.Hostname(), "6379")
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	auth := ""
	if password, ok := u.User.Password(); ok {
		auth = "AUTH " + password + "\r\n"
	}
	if _, err := fmt.Fprintf(conn, "%sPING\r\n", auth); err != nil {
		return err
	}
	answers := bufio.NewScanner(conn)
	for answers.Scan() {
		if strings.HasPrefix(answers.Text(), "+PONG") {
			return nil
		}
		if strings.HasPrefix(answers.Text(), "-") {
			return errors.New(answers.Text())
		}
	}
	return errors.Join(errors.New("no answer to PING"), answers.Err())
}

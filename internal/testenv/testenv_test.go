package testenv_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
)

const childVariable = "TESTENV_CHILD"

// TestMain is also the process that TestWatchdog kills.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	s, err := testenv.Launch(testenv.RedisKind())
	if err != nil {
		panic(err)
	}
	fmt.Println(s.URL())
	select {}
}

// A process that is killed leaves no server behind.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	child := exec.Command(os.Args[0])
	tmp := t.TempDir()
	child.Env = append(os.Environ(), childVariable+"=1", "TMPDIR="+tmp)
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	url, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	address := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(url), "redis://"), "/0")
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	require.NoError(t, conn.Close())

	require.NoError(t, child.Process.Kill())
	_ = child.Wait()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		left, globErr := filepath.Glob(tmp + "/*")
		return err != nil && globErr == nil && len(left) == 0
	}, time.Minute, 20*time.Millisecond, "the server and its folder are gone")
}

func TestShared(t *testing.T) {
	t.Parallel()
	one, two := testenv.PostgreSQL(t), testenv.PostgreSQL(t)
	require.NotEqual(t, one, two)
	for _, url := range []string{one, two} {
		conn, err := pgx.Connect(t.Context(), url)
		require.NoError(t, err)
		_, err = conn.Exec(t.Context(), "CREATE TABLE mine (a int)")
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
	}
	broker := testenv.RabbitMQ(t)
	first, second := testenv.Queue(t, broker), testenv.Queue(t, broker)
	require.NotEqual(t, first, second)
	require.NotEmpty(t, testenv.Redis(t))
}

// A server of our own goes and comes as it is told, at the same place and with its
// data.
func TestOwn(t *testing.T) {
	t.Parallel()
	s := testenv.Start(t, testenv.PostgreSQLKind())
	query := func(sql string) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		conn, err := pgx.Connect(ctx, s.URL())
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, sql)
		return err
	}
	require.NoError(t, query("CREATE TABLE kept (a int)"))
	for _, end := range []func() error{s.Stop, s.Kill} {
		require.NoError(t, end())
		require.Error(t, query("SELECT 1"))
		require.NoError(t, s.Start())
		require.NoError(t, query("INSERT INTO kept VALUES (1)"))
	}
	require.NoError(t, s.Pause())
	require.Error(t, query("SELECT 1"))
	require.NoError(t, s.Resume())
	require.NoError(t, query("SELECT 1"))
}

func TestOwnBroker(t *testing.T) {
	t.Parallel()
	s := testenv.Start(t, testenv.RabbitMQKind())
	declare := func() error {
		conn, err := amqp.DialConfig(s.URL(), amqp.Config{Dial: amqp.DefaultDial(time.Second)})
		if err != nil {
			return err
		}
		defer conn.Close()
		ch, err := conn.Channel()
		if err != nil {
			return err
		}
		_, err = ch.QueueDeclare("kept", true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
		return err
	}
	require.NoError(t, declare())
	require.NoError(t, s.Kill())
	require.Error(t, declare())
	require.NoError(t, s.Start())
	require.NoError(t, declare())
}

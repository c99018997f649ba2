package redis_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/redis"
)

// cluster starts a Cluster of three, which ends with the test.
func cluster(t *testing.T) []*redisServer {
	t.Helper()
	nodes := make([]*redisServer, 3)
	create := []string{"--cluster", "create"}
	for i := range nodes {
		// The bus's usual port, 10,000 above the other, may be none at all.
		nodes[i] = server(t, "--cluster-enabled", "yes", "--cluster-port", freePort(t))
		create = append(create, fmt.Sprintf("127.0.0.1:%d", nodes[i].port))
	}
	out, err := exec.Command("redis-cli", append(create, "--cluster-replicas", "0", "--cluster-yes")...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, n := range nodes {
		require.Eventually(t, func() bool {
			info, err := admin(t, n.URL()).ClusterInfo(t.Context()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		}, time.Minute, 50*time.Millisecond, "the Cluster is whole")
	}
	return nodes
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return fmt.Sprint(l.Addr().(*net.TCPAddr).Port)
}

// slow brings nothing back while a test runs.
var slow = app.Rate{Requests: 10, Per: 1000 * time.Hour}

// patient is a client that waits for a count however busy the machine is.
func patient(t *testing.T, url string) *redis.Client {
	t.Helper()
	c, err := redis.New(url, redis.Options{Timeout: timely, LimitTimeout: timely})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	require.NoError(t, c.Check(t.Context()), url)
	return c
}

// A Cluster shares limits and events, however it is named: by the one address that
// providers give, whichever node that is, or by several.
func TestCluster(t *testing.T) {
	t.Parallel()
	nodes := cluster(t)
	all := fmt.Sprintf("redis://127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", nodes[0].port, nodes[1].port, nodes[2].port)
	for _, url := range []string{nodes[0].URL(), nodes[1].URL(), nodes[2].URL(), all, strings.Replace(nodes[0].URL(), "redis://", "redis+cluster://", 1)} {
		a, b := replicas(t, url, never)
		require.NoError(t, a.client.Check(t.Context()), url)
		la, lb := limiter(patient(t, url), slow), limiter(patient(t, url), slow)
		for range 12 { // of all slots
			user, went := newID(), 0
			for range slow.Requests {
				if la.Allow(t.Context(), user).OK {
					went++
				}
				if lb.Allow(t.Context(), user).OK {
					went++
				}
			}
			assert.Equal(t, slow.Requests, went, "at %s", url)
		}
		a.untilLive()
		b.untilLive()
		stream, err := a.StreamUser(t.Context(), a.user, nil)
		require.NoError(t, err)
		t.Cleanup(stream.Close)
		b.user = a.user
		id := b.mustCreate()
		assert.Equal(t, id, next(t, stream).GenerationID)
		assert.Empty(t, a.client.Degraded())
		assert.Zero(t, a.log.lines("redis is gone"), a.log.String())
	}
	c, err := redis.New(strings.TrimSuffix(nodes[0].URL(), "0")+"1", redis.Options{})
	require.NoError(t, err)
	defer c.Close()
	require.ErrorContains(t, c.Check(t.Context()), "a Cluster has no databases but 0")
}

// sentinel starts a Redis and a Sentinel that knows it as "main".
func sentinel(t *testing.T) (*redisServer, string) {
	t.Helper()
	master, port := server(t, "--requirepass", "open"), freePort(t)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "port %s\nbind 127.0.0.1\nrequirepass watch\n"+
		"sentinel monitor main 127.0.0.1 %d 1\nsentinel auth-pass main open\n", port, master.port), 0o600))
	cmd := exec.Command("redis-server", file, "--sentinel")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		return err == nil && conn.Close() == nil
	}, timely, 5*time.Millisecond)
	return master, "127.0.0.1:" + port
}

func TestSentinel(t *testing.T) {
	t.Parallel()
	master, host := sentinel(t)
	url := "redis+sentinel://:open@" + host + "/main/2?sentinel_password=watch"
	c := patient(t, url)
	l, user := limiter(c, slow), newID()
	require.True(t, l.Allow(t.Context(), user).OK)
	direct := strings.Replace(strings.TrimSuffix(master.URL(), "0")+"2", "redis://", "redis://:open@", 1)
	require.EqualValues(t, 1, admin(t, direct).Exists(t.Context(), key(user)).Val())

	// The Sentinel itself is of no use as a server, and it is said what it is.
	c, _ = connect(t, "redis://:watch@"+host)
	require.ErrorContains(t, c.Check(t.Context()), "names a Sentinel: write redis+sentinel://")
	c, _ = connect(t, strings.Replace(url, "/main", "/other", 1))
	require.ErrorContains(t, c.Check(t.Context()), "redis cannot be reached")
}

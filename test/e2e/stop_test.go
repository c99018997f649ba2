package e2e_test

import (
	"net"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// A database that says nothing any more does not hold up the stop: whoever stops us
// waits for SHUTDOWN_TIMEOUT and kills then. A fault run found a replica that was still
// there after thirty seconds. What was under way is finished after the next start.
func TestStopIsBounded(t *testing.T) {
	t.Parallel()
	database := testenv.Start(t, testenv.PostgreSQLKind())
	dir := t.TempDir()
	settings := map[string]string{"DATABASE_URL": database.URL(), "SHUTDOWN_TIMEOUT": "2s", "WORKER_RENDER": "false"}
	p := testprogram.Start(t, dir, settings)
	u := testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)

	require.NoError(t, database.Pause())
	go func() { _, _ = u.Create(p.URL, "", "a request that waits for the database") }()
	// The relay and the sweeper look into the database every second.
	testprogram.Eventually(t, "a look at the database that hangs", func() bool {
		res, err := http.Get(p.URL + "/readyz")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusServiceUnavailable
	})
	require.NoError(t, p.Signal(syscall.SIGTERM))
	select {
	case <-p.Ended:
	case <-time.After(time.Minute):
		t.Fatalf("it does not stop:\n%s", p.Output())
	}
	assert.NotZero(t, p.ExitCode())
	assert.Contains(t, p.Output(), "SHUTDOWN_TIMEOUT")

	require.NoError(t, database.Resume())
	p = testprogram.Start(t, dir, settings)
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	require.Zero(t, p.Stop())
}

// A connection that was opened and asks nothing is no request under way: the stop ends
// well, though the time for requests is less than the 5 s that net/http gives such a one.
func TestStopWithSilentConnection(t *testing.T) {
	t.Parallel()
	p := testprogram.Start(t, t.TempDir(), map[string]string{"SHUTDOWN_TIMEOUT": "5s"})
	u, err := url.Parse(p.URL)
	require.NoError(t, err)
	conn, err := net.Dial("tcp", u.Host)
	require.NoError(t, err)
	defer conn.Close()
	require.Equal(t, 0, p.Stop())
}

package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

func (f *fixture) dial() net.Conn {
	f.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.URL, "http://"))
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(f.t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.ReadTimeout = 100 * time.Millisecond })
	conn := f.dial()
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", base, tokenOf(f.user))
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	answer{Response: resp, t: t, body: body}.problem(http.StatusRequestTimeout, "request_timeout")
	assert.Zero(t, f.rows())
}

// TestHandlerOutlivesTheReadDeadline: the deadline of the body must not be taken
// for a hang-up while the answer is made.
func TestHandlerOutlivesTheReadDeadline(t *testing.T) {
	t.Parallel()
	slow := &slowCreate{hold: 300 * time.Millisecond}
	f := setup(t, func(c *httpapi.Config) {
		slow.Service, c.Service = c.Service, slow
		c.ReadTimeout = 100 * time.Millisecond
	})
	f.call(http.MethodPost, base, createBody()).is(http.StatusAccepted)
}

// TestClientThatDoesNotRead: its stream ends when a write has waited long enough,
// and its place is free again.
func TestClientThatDoesNotRead(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) {
		c.WriteTimeout, c.StreamsPerUser = 200*time.Millisecond, 1
		c.Heartbeat = time.Microsecond
	})
	f.smallBuffers()
	conn := f.dial()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(1024))
	_, err := fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", tokenOf(f.user))
	require.NoError(t, err)
	answers := func(status int) func() bool {
		return func() bool { return f.call(http.MethodHead, "/api/v1/events", nil).StatusCode == status }
	}
	require.Eventually(t, answers(http.StatusTooManyRequests), time.Minute, time.Millisecond)
	assert.Eventually(t, answers(http.StatusOK), time.Minute, 20*time.Millisecond)
}

func TestHugeHeaders(t *testing.T) {
	t.Parallel()
	f := setup(t)
	resp, err := f.Client().Do(f.request(http.MethodGet, base, nil, "X-Big", strings.Repeat("x", 64<<10)))
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}

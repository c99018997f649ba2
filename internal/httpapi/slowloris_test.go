package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// hungUp reports that the other side has closed the connection, after any answers. An
// end of the test's own patience is none.
func hungUp(t *testing.T, in *bufio.Reader) {
	t.Helper()
	_, err := io.Copy(io.Discard, in)
	var late net.Error
	require.False(t, errors.As(err, &late) && late.Timeout(), "the connection is still held")
}

// TestBodyThatNobodyReads: what package http reads of a body by itself, because no
// handler does, has an end too. Each of these is sent by somebody who announces a body
// and then goes silent; most of them have no token.
func TestBodyThatNobodyReads(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.ReadTimeout = 200 * time.Millisecond })
	id := f.awaiting()
	mine := "Authorization: Bearer " + tokenOf(f.user)
	for _, c := range []struct {
		name, request string
		status        int
		headers       []string
	}{
		{"no token", "POST " + base, http.StatusUnauthorized, nil},
		{"bad token", "POST " + base, http.StatusUnauthorized, []string{"Authorization: Bearer forged"}},
		{"no proof", "POST " + callbacks, http.StatusUnauthorized, nil},
		{"no such path", "POST /nowhere", http.StatusNotFound, nil},
		{"no such method", "PUT " + base, http.StatusMethodNotAllowed, nil},
		{"no media type", "POST " + base, http.StatusUnsupportedMediaType, []string{mine}},
		{"a list with a body", "GET " + base, http.StatusRequestTimeout, []string{mine}},
		{"a stream with a body", "GET /api/v1/events", http.StatusRequestTimeout, []string{mine}},
		{"a probe with a body", "GET /healthz", http.StatusRequestTimeout, nil},
		{"a cancellation with a body", "POST " + base + "/" + id + "/cancel", http.StatusRequestTimeout, []string{mine}},
		{"a slow body", "POST " + base, http.StatusRequestTimeout, []string{mine, "Content-Type: application/json"}},
	} {
		for _, length := range []string{"Content-Length: 1000", "Transfer-Encoding: chunked"} {
			t.Run(c.name+", "+length, func(t *testing.T) {
				t.Parallel()
				conn := f.dial()
				lines := append([]string{c.request + " HTTP/1.1", "Host: x", length}, c.headers...)
				_, err := fmt.Fprintf(conn, "%s\r\n\r\n1", strings.Join(lines, "\r\n"))
				require.NoError(t, err)
				in := bufio.NewReader(conn)
				resp, err := http.ReadResponse(in, nil)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, resp.Body)
				require.NoError(t, err)
				assert.Equal(t, c.status, resp.StatusCode)
				hungUp(t, in)
				assert.Equal(t, "AwaitingSelection", f.call(http.MethodGet, base+"/"+id, nil).json()["status"])
			})
		}
	}
}

// TestDroppedBodyKeepsTheConnection: a body that came in time costs nobody anything,
// also where it is of no use.
func TestDroppedBodyKeepsTheConnection(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.ReadTimeout = 200 * time.Millisecond })
	id := f.create()
	conn := f.dial()
	in := bufio.NewReader(conn)
	for _, line := range []string{"GET " + base, "POST " + base + "/" + id + "/cancel", "GET /healthz", "POST /nowhere"} {
		_, err := fmt.Fprintf(conn, "%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 2\r\n\r\n{}", line, tokenOf(f.user))
		require.NoError(t, err)
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err, line)
		_, err = io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		assert.False(t, resp.Close, line)
	}

	// A stream lives on when the time for its body is over.
	_, err := fmt.Fprintf(conn, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 2\r\n\r\n{}", tokenOf(f.user))
	require.NoError(t, err)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	beats := 0
	for lines := bufio.NewScanner(resp.Body); beats < 10 && lines.Scan(); {
		if lines.Text() == ": still here" { // one each 50 ms: ten are well beyond 200 ms
			beats++
		}
	}
	assert.Equal(t, 10, beats)
}

// TestSlowHeaders: the server that the program uses gives headers a few seconds; here
// less, so that the test need not wait for them.
func TestSlowHeaders(t *testing.T) {
	t.Parallel()
	f := setup(t)
	server := httpapi.NewServer(f.api, nil)
	require.Greater(t, server.ReadHeaderTimeout, time.Duration(0))
	require.LessOrEqual(t, server.ReadHeaderTimeout, 10*time.Second)
	require.Greater(t, server.IdleTimeout, time.Duration(0))
	server.ReadHeaderTimeout, server.IdleTimeout = 200*time.Millisecond, 200*time.Millisecond
	own := httptest.NewUnstartedServer(nil)
	own.Config = server
	own.Start()
	t.Cleanup(own.Close)
	f.URL = own.URL
	for name, begin := range map[string]string{
		"nothing at all": "", "half a line": "GET /hea", "headers without an end": "GET /healthz HTTP/1.1\r\nHost: x\r\n",
		"a second request": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nX-Slow: ",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := f.dial()
			_, err := io.WriteString(conn, begin)
			require.NoError(t, err)
			// A byte now and then does not buy more time.
			stop := make(chan struct{})
			defer close(stop)
			go drip(conn, stop)
			hungUp(t, bufio.NewReader(conn))
		})
	}
}

// drip sends a byte of a header every 50 ms.
func drip(w io.Writer, stop <-chan struct{}) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			if _, err := io.WriteString(w, "x"); err != nil {
				return
			}
		}
	}
}

// TestAnswersThatNobodyReads: requests that are sent without reading what comes back
// do not hold a connection for good, whatever route they are for, or none.
func TestAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.WriteTimeout = 200 * time.Millisecond })
	f.smallBuffers()
	conn := f.dial()
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(1024))
	requests := []byte(strings.Repeat("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 100))
	for range 10_000 {
		if _, err := conn.Write(requests); err != nil {
			var late net.Error
			require.False(t, errors.As(err, &late) && late.Timeout(), "the connection is still held")
			return // closed by the server
		}
	}
	t.Fatal("the server takes requests without end")
}

// smallBuffers lets the fixture be reached by another server, with connections that
// are full as soon as the client does not read.
func (f *fixture) smallBuffers() {
	f.t.Helper()
	own := httptest.NewUnstartedServer(nil)
	own.Config = httpapi.NewServer(f.api, nil)
	own.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		assert.NoError(f.t, c.(*net.TCPConn).SetWriteBuffer(1024))
		return ctx
	}
	own.Start()
	f.t.Cleanup(func() {
		f.api.Shutdown()
		own.Close()
	})
	f.URL = own.URL
}

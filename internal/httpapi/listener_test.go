package httpapi_test

import (
	"bufio"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// TestEveryAnswerHasARequestID: also those that package http gives before a request can
// reach anybody.
func TestEveryAnswerHasARequestID(t *testing.T) {
	t.Parallel()
	f := setup(t)
	own := httptest.NewUnstartedServer(nil)
	own.Config = httpapi.NewServer(f.api, nil)
	own.Listener = httpapi.Listener(own.Listener)
	own.Start()
	t.Cleanup(own.Close)
	f.URL = own.URL
	for _, c := range []struct {
		name, request string
		status        int
		code          string
	}{
		{"not HTTP", "hello\r\n\r\n", 400, "malformed_request"},
		{"no host", "GET /healthz HTTP/1.1\r\n\r\n", 400, "malformed_request"},
		{"bad header", "GET /healthz HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400, "malformed_request"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400, "malformed_request"},
		{"odd coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501, "malformed_request"},
		{"future", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505, "malformed_request"},
		{"large headers", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("x", 64<<10) + "\r\n\r\n", 431, "headers_too_large"},
		{"expectation", "GET / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417, "expectation_failed"},
		{"our own", "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404, "route_not_found"},
		{"a star", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 404, "route_not_found"},
		{"options", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204, ""},
	} {
		conn := f.dial()
		_, err := io.WriteString(conn, c.request)
		require.NoError(t, err, c.name)
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, c.name)
		assert.NotEmpty(t, resp.Header.Get("X-Request-Id"), c.name)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err, c.name)
		if c.code == "" {
			assert.Equal(t, c.status, resp.StatusCode)
			continue
		}
		answer{Response: resp, t: t, body: body}.problem(c.status, c.code)
	}
	// What TCP connections can do is still there: files, and streams.
	f.call(http.MethodGet, "/healthz", nil).is(http.StatusOK)
	assert.Equal(t, wholeStory, names(f.listen(base+"/"+f.completed()+"/events").rest()))
}

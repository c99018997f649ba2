package httpapi_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/web"
)

// TestEarlyAnswersArrive: an answer that is given before the body was read reaches a
// client that sends all of its body first, and closes the connection afterwards. Without
// care the connection is reset while the client still sends.
func TestEarlyAnswersArrive(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) {
		c.Pages = []web.Page{{Method: http.MethodPost, Path: "/sign-in", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "a page")
		})}}
	})
	mine := "Authorization: Bearer " + tokenOf(f.user)
	for _, c := range []struct {
		name, request string
		status        int
		headers       []string
	}{
		{"no token", "POST " + base, http.StatusUnauthorized, nil},
		{"text", "POST " + base, http.StatusUnsupportedMediaType, []string{mine, "Content-Type: text/plain"}},
		{"too large", "POST " + base, http.StatusRequestEntityTooLarge, []string{mine, "Content-Type: application/json"}},
		{"wrong secret", "POST " + callbacks, http.StatusForbidden, []string{"X-N8N-Webhook-Secret: wrong"}},
		{"no such path", "POST /nowhere", http.StatusNotFound, nil},
		{"a list with a body", "GET " + base, http.StatusRequestEntityTooLarge, []string{mine}},
		{"a page", "POST /sign-in", http.StatusForbidden, nil},
	} {
		for _, size := range []int{70_000, 1 << 20, 8 << 20} {
			for _, chunked := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %d, chunked %t", c.name, size, chunked), func(t *testing.T) {
					t.Parallel()
					f.sendsAllFirst(t, c.request, size, chunked, c.headers, c.status)
				})
			}
		}
	}
}

func (f *fixture) sendsAllFirst(t *testing.T, request string, size int, chunked bool, headers []string, status int) {
	t.Helper()
	conn := f.dial()
	body, length := bytes.Repeat([]byte("x"), size), fmt.Sprintf("Content-Length: %d", size)
	if chunked {
		length = "Transfer-Encoding: chunked"
		body = fmt.Appendf(nil, "%x\r\n%s\r\n0\r\n\r\n", size, body)
	}
	lines := append([]string{request + " HTTP/1.1", "Host: x", "Connection: close", length}, headers...)
	_, err := fmt.Fprintf(conn, "%s\r\n\r\n", strings.Join(lines, "\r\n"))
	require.NoError(t, err)
	_, err = conn.Write(body)
	require.NoError(t, err, "the connection was closed before the body was sent")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	assert.Equal(t, status, resp.StatusCode)
	hungUp(t, in)
}

// TestLeftoverHasAnEnd: nobody is read without end after their answer, neither by the
// bytes nor by the time.
func TestLeftoverHasAnEnd(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.ReadTimeout = time.Second })
	for name, piece := range map[string]string{"fast": strings.Repeat("x", 64<<10), "slowly": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := f.dial()
			_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n", base)
			require.NoError(t, err)
			in := bufio.NewReader(conn)
			stop := make(chan struct{})
			go func() {
				defer close(stop)
				for {
					if _, err := io.WriteString(conn, piece); err != nil {
						return
					}
					if piece == "x" {
						time.Sleep(10 * time.Millisecond)
					}
				}
			}()
			resp, err := http.ReadResponse(in, nil)
			require.NoError(t, err)
			assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
			<-stop
		})
	}
}

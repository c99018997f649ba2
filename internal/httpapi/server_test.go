package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// pipes is a listener in memory, so that the clock of a test can be a false one.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, open := <-p; open {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error { close(p); return nil }
func (pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p pipes) dial() net.Conn {
	client, server := net.Pipe()
	p <- server
	return client
}

// Whoever opens a connection and asks nothing does not hold up the stop.
func TestStopWithSilentConnections(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]string{"nothing is sent": "", "half a header": "GET / HTTP/1.1\r\nHo"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				listener := make(pipes)
				asked, answer := make(chan struct{}), make(chan struct{})
				server := httpapi.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					close(asked)
					<-answer
				}), nil)
				served := make(chan error, 1)
				go func() { served <- server.Serve(listener) }()
				silent, busy := listener.dial(), listener.dial()
				_, err := io.WriteString(silent, begin)
				require.NoError(t, err)
				_, err = io.WriteString(busy, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
				require.NoError(t, err)
				<-asked

				began, stopped := time.Now(), make(chan error, 1)
				go func() { stopped <- server.Shutdown(context.Background()) }()
				_, err = io.Copy(io.Discard, silent)
				require.NoError(t, err, "hung up on")
				assert.Zero(t, time.Since(began), "by the clock of the test")
				time.Sleep(time.Minute)
				require.Empty(t, stopped)
				close(answer) // what is under way comes to its end
				resp, err := http.ReadResponse(bufio.NewReader(busy), nil)
				require.NoError(t, err)
				assert.Equal(t, http.StatusOK, resp.StatusCode)
				require.NoError(t, <-stopped)
				require.ErrorIs(t, <-served, http.ErrServerClosed)
			})
		})
	}
}

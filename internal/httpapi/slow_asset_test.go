package httpapi_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

// TestSlowReaderOfAPicture: a picture takes as long as its reader needs, as long as there
// is one: the time for an answer is given anew for each piece that goes out.
func TestSlowReaderOfAPicture(t *testing.T) {
	t.Parallel()
	const limit = 2 * time.Second
	picture := make([]byte, 4<<20)
	_, _ = rand.Read(picture)
	files := fstest.MapFS{"a.png": {Data: picture}}
	f := setup(t, func(c *httpapi.Config) {
		c.WriteTimeout = limit
		c.Assets = http.StripPrefix("/assets/", http.FileServerFS(files))
	})
	f.smallBuffers()
	conn := f.dial()
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(64<<10))
	_, err := fmt.Fprint(conn, "GET /assets/a.png HTTP/1.1\r\nHost: x\r\n\r\n")
	require.NoError(t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	var got bytes.Buffer
	began := time.Now()
	for _, err = io.CopyN(&got, resp.Body, 64<<10); err == nil; _, err = io.CopyN(&got, resp.Body, 64<<10) {
		time.Sleep(limit / 20) // the reader is slow: three times the limit in all
	}
	require.ErrorIs(t, err, io.EOF)
	assert.True(t, bytes.Equal(picture, got.Bytes()), "%d bytes arrived", got.Len())
	assert.Greater(t, time.Since(began), 2*limit)
}

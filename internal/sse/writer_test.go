package sse_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/sse"
)

func TestWriterWritesWhatReaderReads(t *testing.T) {
	t.Parallel()
	rec := httptest.NewRecorder()
	w := sse.NewWriter(rec, time.Minute)
	require.NoError(t, w.Begin(2*time.Second))
	require.NoError(t, w.Event("7", "created", map[string]string{"text": "two\nlines"}))
	require.NoError(t, w.Comment("still here"))
	require.NoError(t, w.Event("", "progress", struct{}{}))
	assert.Equal(t, sse.MediaType, rec.Header().Get("Content-Type"))
	assert.Equal(t, "no-store", rec.Header().Get("Cache-Control"))
	assert.Equal(t, "no", rec.Header().Get("X-Accel-Buffering"))
	assert.True(t, rec.Flushed)
	assert.Equal(t, "retry: 2000\nid: 7\nevent: created\ndata: {\"text\":\"two\\nlines\"}\n\n: still here\nevent: progress\ndata: {}\n\n", rec.Body.String())

	r := sse.NewReader(strings.NewReader(rec.Body.String()))
	first, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, sse.Frame{ID: "7", Named: true, Event: "created", Data: []byte(`{"text":"two\nlines"}`)}, first)
	assert.Equal(t, 2*time.Second, r.Retry)
	second, err := r.Next()
	require.NoError(t, err)
	assert.Equal(t, sse.Frame{ID: "7", Event: "progress", Data: []byte("{}")}, second)
	_, err = r.Next()
	require.ErrorIs(t, err, io.EOF)
}

// broken is a connection whose other side has gone.
type broken struct{ http.ResponseWriter }

func (broken) Write([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestAClientThatHasGone(t *testing.T) {
	t.Parallel()
	w := sse.NewWriter(broken{httptest.NewRecorder()}, time.Minute)
	require.ErrorIs(t, w.Begin(time.Second), sse.ErrClientGone)
	require.ErrorIs(t, w.Event("1", "x", nil), sse.ErrClientGone)
	require.Error(t, w.Event("1", "x", func() {}), "no JSON")
}

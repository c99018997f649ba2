package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// event is one Server-Sent Event, or a comment, as it came.
type event struct {
	id, name, comment, retry string
	data                     map[string]any
}

// listener reads a stream in the test's own goroutine.
type listener struct {
	t      testing.TB
	resp   *http.Response
	lines  *bufio.Scanner
	cancel context.CancelFunc
}

// listen opens a stream; it is closed with the test.
func (f *fixture) listen(path string, headers ...string) *listener {
	f.t.Helper()
	r := f.request(http.MethodGet, path, nil, append([]string{"Accept", "text/event-stream"}, headers...)...)
	ctx, cancel := context.WithTimeout(r.Context(), 30*time.Second)
	resp, err := f.Client().Do(r.WithContext(ctx))
	if err != nil {
		cancel()
	}
	require.NoError(f.t, err)
	l := &listener{t: f.t, resp: resp, lines: bufio.NewScanner(resp.Body), cancel: cancel}
	f.t.Cleanup(l.close)
	if resp.StatusCode == http.StatusNoContent {
		return l // nothing is left to come
	}
	require.Equal(f.t, http.StatusOK, resp.StatusCode)
	require.Equal(f.t, "text/event-stream", resp.Header.Get("Content-Type"))
	return l
}

func (l *listener) close() {
	l.cancel()
	_ = l.resp.Body.Close()
}

// next reads one event, or one comment or hint, which no blank line may end: some
// clients would make an event without data of it. ok is false at the end of the stream.
func (l *listener) next() (e event, ok bool) {
	l.t.Helper()
	for l.lines.Scan() {
		line := l.lines.Text()
		if line == "" {
			require.NotEmpty(l.t, e.name, "an event without a name")
			require.NotEmpty(l.t, e.data, "an event without data")
			return e, true
		}
		field, value, _ := strings.Cut(line, ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "retry":
			require.Zero(l.t, e, "within an event")
			return event{retry: value}, true
		case "":
			require.Zero(l.t, e, "within an event")
			return event{comment: value}, true
		case "data":
			require.NoError(l.t, json.Unmarshal([]byte(value), &e.data))
		default:
			require.Fail(l.t, "unknown field", line)
		}
	}
	return event{}, false
}

// named skips comments and hints.
func (l *listener) named() (event, bool) {
	l.t.Helper()
	for {
		e, ok := l.next()
		if !ok || e.name != "" {
			return e, ok
		}
	}
}

// rest reads to the end of the stream.
func (l *listener) rest() (events []event) {
	l.t.Helper()
	for {
		e, ok := l.named()
		if !ok {
			return events
		}
		events = append(events, e)
	}
}

func names(events []event) (out []string) {
	for _, e := range events {
		out = append(out, e.name)
	}
	return out
}

// wantIDs checks that numbered events run from..to without gap or repeat.
func wantIDs(t testing.TB, events []event, from, to int) {
	t.Helper()
	var ids []string
	for _, e := range events {
		if e.id != "" {
			ids = append(ids, e.id)
		}
	}
	var want []string
	for i := from; i <= to; i++ {
		want = append(want, strconv.Itoa(i))
	}
	assert.Equal(t, want, ids)
}

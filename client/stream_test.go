package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

// history is a generation's log on the wire, one string an event.
func history(n int) []string {
	events := make([]string, n)
	for i := range events {
		kind, status := "samples_retrying", "ProcessingSamples"
		if i == n-1 {
			kind, status = "generation_completed", "Completed"
		}
		events[i] = fmt.Sprintf("id: %d\nevent: %s\ndata: {\"generationId\":\"01020300-0000-0000-0000-000000000000\",\"status\":%q,\"attempt\":%d}\n\n",
			i+1, kind, status, i+1)
	}
	return events
}

const progressFrame = "event: progress\ndata: {\"status\":\"ProcessingSamples\",\"progress\":40}\n\n"

// resumeAt is the number of events that the client says it has.
func resumeAt(r *http.Request) int {
	n, _ := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	return n
}

func openStream(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.WriteHeader(http.StatusOK)
	flush(w)
}

// collect reads a stream to its end.
func collect(ctx context.Context, c *client.Client, after string) (ids []string, progress int, err error) {
	for e, err := range c.Stream(ctx, someGeneration, after) {
		switch {
		case err != nil:
			return ids, progress, err
		case e.Type == aigen.EventProgress:
			progress++
		default:
			ids = append(ids, e.ID)
		}
	}
	return ids, progress, nil
}

func numbers(from, to int) (all []string) {
	for i := from; i <= to; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return all
}

func TestAStreamEndsAfterTheTerminalEvent(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "text/event-stream", r.Header.Get("Accept"))
		assert.Equal(t, "Bearer secret-token", r.Header.Get("Authorization"))
		openStream(w)
		_, _ = io.WriteString(w, ": hello\n\n"+progressFrame)
		for _, e := range history(3)[resumeAt(r):] {
			_, _ = io.WriteString(w, e)
		}
		flush(w)
		<-r.Context().Done() // the server would go on for ever
	})
	ids, progress, err := collect(t.Context(), c, "")
	require.NoError(t, err)
	assert.Equal(t, numbers(1, 3), ids)
	assert.Equal(t, 1, progress)
	ids, _, err = collect(t.Context(), c, "2")
	require.NoError(t, err)
	assert.Equal(t, numbers(3, 3), ids)
}

// A connection that breaks anywhere, in the middle of a line included, costs nothing.
func TestNoEventIsLostOrRepeatedWhenConnectionsBreak(t *testing.T) {
	t.Parallel()
	const events = 40
	log := history(events)
	var connections atomic.Int32
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		n := int(connections.Add(1))
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nretry: 1\n\n" + progressFrame)
		text := ""
		for _, e := range log[resumeAt(r):] {
			text += e
		}
		// Each connection gets a little further, and ends at an odd place.
		_, _ = rw.WriteString(text[:min(len(text), 100+37*n)])
		_ = rw.Flush()
	})
	ids, _, err := collect(t.Context(), c, "")
	require.NoError(t, err)
	assert.Equal(t, numbers(1, events), ids)
	assert.Greater(t, connections.Load(), int32(3))
}

func TestRepeatsOfAServerThatForgetsAreDropped(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		openStream(w)
		for _, e := range history(4)[:min(4, 2*int(connections.Add(1)))] {
			_, _ = io.WriteString(w, e)
		}
		_, _ = io.WriteString(w, "event: server_shutdown\ndata: {\"type\":\"server_shutdown\",\"message\":\"soon back\"}\n\n")
	})
	ids, _, err := collect(t.Context(), c, "")
	require.NoError(t, err)
	assert.Equal(t, numbers(1, 4), ids)
}

func TestASilentConnectionIsGivenUp(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		openStream(w)
		if resumeAt(r) == 0 {
			_, _ = io.WriteString(w, history(2)[0])
			flush(w)
			<-r.Context().Done()
			return
		}
		_, _ = io.WriteString(w, history(2)[1])
	}, func(c *client.Config) { c.IdleTimeout = 50 * time.Millisecond })
	ids, _, err := collect(t.Context(), c, "")
	require.NoError(t, err)
	assert.Equal(t, numbers(1, 2), ids)
}

func TestHeartbeatsKeepAConnectionAndASlowCallerDoesNotLoseIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		connections := 0
		c, err := client.New(client.Config{
			BaseURL: "http://x", IdleTimeout: 10 * time.Second,
			HTTPClient: &http.Client{Transport: transport(func(*http.Request) (*http.Response, error) {
				connections++
				body, w := io.Pipe()
				go func() {
					_, _ = io.WriteString(w, history(2)[0])
					for range 20 {
						_, _ = io.WriteString(w, ": heartbeat\n\n")
						time.Sleep(9 * time.Second)
					}
					_, _ = io.WriteString(w, history(2)[1])
				}()
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: body}, nil
			})},
		})
		require.NoError(t, err)
		for _, err := range c.Stream(t.Context(), someGeneration, "") {
			require.NoError(t, err)
			time.Sleep(time.Minute) // longer than silence is borne
		}
		assert.Equal(t, 1, connections)
	})
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAStreamEndsWithWhatWillNotChange(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		problem(w, http.StatusNotFound, `{"code":"not_found","detail":"There is no generation with this id."}`)
	})
	_, _, err := collect(t.Context(), c, "")
	assert.Equal(t, "not_found", client.CodeOf(err))
	assert.EqualValues(t, 1, calls.Load())
}

// A service that has nothing more to tell says 204, and means it.
func TestAStreamThatIsOverEnds(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		assert.Equal(t, "4", r.Header.Get("Last-Event-ID"))
		w.WriteHeader(http.StatusNoContent)
	})
	ids, _, err := collect(t.Context(), c, "4")
	require.NoError(t, err)
	assert.Empty(t, ids)
	assert.EqualValues(t, 1, calls.Load())
}

func TestAStreamThatIsNoneEnds(t *testing.T) {
	t.Parallel()
	page := setup(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") })
	_, _, err := collect(t.Context(), page, "")
	require.ErrorContains(t, err, "content type")
	garbage := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		openStream(w)
		_, _ = io.WriteString(w, "id: 1\ndata: not JSON\n\n")
	})
	_, _, err = collect(t.Context(), garbage, "")
	require.ErrorContains(t, err, "not what this service sends")
}

func TestAnOutageIsBorneForAWhile(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		if n := calls.Add(1); n > 1 && n < 5 {
			problem(w, http.StatusServiceUnavailable, `{"code":"shutting_down"}`)
			return
		}
		openStream(w)
		_, _ = io.WriteString(w, history(2)[resumeAt(r)])
	})
	ids, _, err := collect(t.Context(), c, "")
	require.NoError(t, err)
	assert.Equal(t, numbers(1, 2), ids)

	gone := setup(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		func(c *client.Config) { c.MaxOutage = 100 * time.Millisecond })
	_, _, err = collect(t.Context(), gone, "")
	require.ErrorContains(t, err, "cannot be reached")
}

func TestAStreamEndsWithItsContextAndItsCaller(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		openStream(w)
		_, _ = io.WriteString(w, history(2)[0])
		flush(w)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	var last error
	for _, err := range c.Stream(ctx, someGeneration, "") {
		last = err
		cancel(enough)
	}
	require.ErrorIs(t, last, enough)
	for _, err := range c.Stream(t.Context(), someGeneration, "") {
		require.NoError(t, err)
		break
	}
}

func TestTheStreamOfAllGoesOn(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/api/v1/events", r.URL.Path)
		switch connections.Add(1) {
		case 1:
			assert.Empty(t, r.Header.Get("Last-Event-ID"))
			openStream(w)
			_, _ = io.WriteString(w, "id: 7\nevent: generation_completed\ndata: {\"status\":\"Completed\",\"at\":\"2026-11-25T12:00:00Z\"}\n\n")
			flush(w) // and breaks off
		case 2, 3, 4:
			problem(w, http.StatusServiceUnavailable, `{"code":"shutting_down"}`)
		case 5:
			assert.Equal(t, "7", r.Header.Get("Last-Event-ID"))
			openStream(w)
			_, _ = io.WriteString(w, progressFrame+"id: 9\nevent: generation_created\ndata: {\"status\":\"Pending\"}\n\n")
			flush(w)
		default:
			problem(w, http.StatusUnauthorized, `{"code":"invalid_token","detail":"It has expired."}`)
		}
	}, func(c *client.Config) { c.MaxOutage = time.Nanosecond }) // which is for streams with an end
	var seen, links []string
	var last error
	for e, err := range c.StreamAll(t.Context(), func(l client.Link) { links = append(links, fmt.Sprint(l.Down != nil)) }) {
		if last = err; err == nil {
			seen = append(seen, e.ID+" "+string(e.Type)+e.At.Format(" 15:04"))
		}
	}
	assert.Equal(t, []string{"7 generation_completed 12:00", " progress 00:00", "9 generation_created 00:00"}, seen)
	assert.Equal(t, []string{"false", "true", "true", "true", "true", "false", "true"}, links)
	require.ErrorContains(t, last, "It has expired.")
}

package httpapi_test

import (
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

// largeReport has samples with the largest metadata.
func largeReport(f *fixture, id string) object {
	report := samplesReport(id, f.job(id))
	var assets []object
	for i := range 8 {
		assets = append(assets, object{
			"assetId": fmt.Sprint("s", i), "url": "https://cdn.example/" + strings.Repeat("u", 1500),
			"metadata": object{"m": strings.Repeat("m", 15<<10)},
		})
	}
	report["results"] = object{"sampleAssets": assets}
	return report
}

// largeGenerations has many generations of some 130 KiB each.
func (f *fixture) largeGenerations(n int) (ids []string) {
	f.t.Helper()
	for range n {
		id := f.create()
		f.report(largeReport(f, id)).is(http.StatusOK)
		ids = append(ids, id)
	}
	return ids
}

// TestPagesAreBoundedByBytes: a page of large generations ends early, says where to go
// on, and nothing is lost or repeated thereby.
func TestPagesAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ids := f.largeGenerations(12)
	small := f.create()
	for _, c := range []struct {
		path  string
		token string
	}{
		{base + "?limit=100", tokenOf(f.user)},
		{base + "?limit=3", tokenOf(f.user)},
		{base + "?limit=1", tokenOf(f.user)},
	} {
		var seen []string
		for cursor := ""; ; {
			a := f.call(http.MethodGet, c.path+"&cursor="+cursor, nil, "Authorization", "Bearer "+c.token).is(http.StatusOK)
			require.LessOrEqual(t, len(a.body), 1<<20+1000, c.path)
			list, _ := a.json()["items"].([]any)
			require.NotEmpty(t, list)
			for _, item := range list {
				seen = append(seen, fmt.Sprint(item.(object)["id"]))
			}
			next, more := a.json()["nextCursor"].(string)
			if !more {
				break
			}
			cursor = next
		}
		require.Len(t, seen, len(ids)+1, c.path)
		assert.Equal(t, small, seen[0])
		for i, id := range seen[1:] {
			assert.Equal(t, ids[len(ids)-1-i], id)
		}
	}
}

// TestEventListsAreBoundedByBytes likewise.
func TestEventListsAreBoundedByBytes(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.Heartbeat = time.Minute }) // large events take long under the race detector
	id := f.create()
	const rounds = 10
	for range rounds {
		f.report(largeReport(f, id)).is(http.StatusOK)
		f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{}).is(http.StatusAccepted)
	}
	answers, seen, after := 0, 0, "0"
	for more := true; more; answers++ {
		a := f.call(http.MethodGet, base+"/"+id+"/events", nil, "Accept", jsonType, "Last-Event-ID", after).is(http.StatusOK)
		require.LessOrEqual(t, len(a.body), 1<<20+1000)
		list, _ := a.json()["items"].([]any)
		for _, item := range list {
			seen++
			require.InDelta(t, seen, item.(object)["seq"], 0)
		}
		after, more = a.json()["nextLastEventId"].(string)
	}
	assert.Equal(t, 1+2*rounds, seen)
	assert.Greater(t, answers, 1)
	// A stream brings the same.
	wantIDs(t, f.listen(base+"/"+id+"/events").take(1+2*rounds), 1, 1+2*rounds)
}

// take reads n events.
func (l *listener) take(n int) (events []event) {
	l.t.Helper()
	l.lines.Buffer(nil, 1<<20)
	for range n {
		e, ok := l.named()
		require.True(l.t, ok)
		events = append(events, e)
	}
	return events
}

// TestLargeAnswersThatNobodyReads: what one user leaves unread takes up no more than a few
// places, and others are answered meanwhile.
func TestLargeAnswersThatNobodyReads(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.WriteTimeout = 5 * time.Minute })
	ids := f.largeGenerations(4)
	usual := f.URL
	f.smallBuffers()
	var held []net.Conn
	for range 16 {
		conn := f.dial()
		held = append(held, conn)
		require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(1024))
		_, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", base, tokenOf(f.user))
		require.NoError(t, err)
		status := make([]byte, len("HTTP/1.1 200"))
		_, err = io.ReadFull(conn, status) // the answer is on its way, and the rest of it stays there
		require.NoError(t, err)
		require.Equal(t, "HTTP/1.1 200", string(status))
	}
	f.URL = usual
	for _, path := range []string{base, base + "/" + ids[0], base + "/" + ids[0] + "/events"} {
		a := f.call(http.MethodGet, path, nil, "Accept", jsonType)
		a.problem(http.StatusTooManyRequests, "rate_limited")
		assert.NotEmpty(t, a.Header.Get("Retry-After"))
	}
	f.call(http.MethodGet, base, nil, "Authorization", "Bearer "+tokenOf(newID())).is(http.StatusOK)
	f.create() // and its own work goes on
	for _, conn := range held {
		require.NoError(t, conn.Close())
	}
	require.Eventually(t, func() bool {
		return f.call(http.MethodGet, base, nil).StatusCode == http.StatusOK
	}, time.Minute, 10*time.Millisecond)
}

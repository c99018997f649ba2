package httpapi_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

var wholeStory = []string{"generation_created", "samples_ready", "final_started", "generation_completed"}

func TestStreamOfAnEndedGeneration(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.completed()
	l := f.listen(base + "/" + id + "/events")
	assert.Equal(t, "no", l.resp.Header.Get("X-Accel-Buffering"))
	assert.Equal(t, "no-store", l.resp.Header.Get("Cache-Control"))
	hint, ok := l.next()
	require.True(t, ok)
	assert.NotEmpty(t, hint.retry)
	events := l.rest()
	assert.Equal(t, wholeStory, names(events))
	wantIDs(t, events, 1, 4)
	last := events[3].data
	assert.Equal(t, "generation_completed", last["type"])
	assert.InDelta(t, 4, last["seq"], 0)
	assert.Equal(t, "Completed", last["status"])
	assert.Equal(t, id, last["generationId"])
	assert.NotEmpty(t, last["at"])

	for after := range 5 {
		for _, resumed := range []*listener{
			f.listen(base+"/"+id+"/events", "Last-Event-ID", strconv.Itoa(after)),
			f.listen(fmt.Sprintf("%s/%s/events?lastEventId=%d", base, id, after)),
		} {
			wantIDs(t, resumed.rest(), after+1, 4)
		}
	}
}

func TestEventsAsList(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.completed()
	for accept, isList := range map[string]bool{
		"application/json": true, "application/json, text/plain, */*": true, "text/event-stream;q=0.5, application/json": true,
		"*/*": false, "text/event-stream": false, "text/*": false, "text/event-stream, application/json": false, "": false,
	} {
		a := f.call(http.MethodGet, base+"/"+id+"/events", nil, "Accept", accept).is(http.StatusOK)
		assert.Equal(t, isList, a.Header.Get("Content-Type") == jsonType, accept)
	}
	items := func(headers ...string) (types []string) {
		a := f.call(http.MethodGet, base+"/"+id+"/events", nil, append([]string{"Accept", jsonType}, headers...)...)
		list, _ := a.json()["items"].([]any)
		for _, e := range list {
			types = append(types, fmt.Sprint(e.(object)["type"]))
		}
		return types
	}
	assert.Equal(t, wholeStory, items())
	assert.Equal(t, wholeStory[2:], items("Last-Event-ID", "2"))
	for _, accept := range []string{"text/html", "image/png, text/plain", "application/json;q=0"} {
		f.call(http.MethodGet, base+"/"+id+"/events", nil, "Accept", accept).problem(http.StatusNotAcceptable, "not_acceptable")
		f.call(http.MethodGet, "/api/v1/events", nil, "Accept", accept).problem(http.StatusNotAcceptable, "not_acceptable")
	}
}

func TestBadLastEventID(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	for _, bad := range []string{"x", "-1", "+1", "1.0", "0x1", "1 2", "99999999999999999999", "١"} {
		for _, path := range []string{base + "/" + id + "/events", "/api/v1/events"} {
			where := f.call(http.MethodGet, path, nil, "Last-Event-ID", bad).problem(http.StatusBadRequest, "invalid_event_id")
			assert.Equal(t, []string{"header.Last-Event-ID"}, where)
		}
	}
	// A client that waits for what it believes to have would wait for ever.
	for _, path := range []string{base + "/" + id + "/events", "/api/v1/events"} {
		f.call(http.MethodGet, path, nil, "Last-Event-ID", "2").problem(http.StatusBadRequest, "invalid_event_id")
		f.call(http.MethodGet, path+"?lastEventId=99999999", nil).problem(http.StatusBadRequest, "invalid_event_id")
	}
	f.listen("/api/v1/events", "Last-Event-ID", "1")
	f.call(http.MethodGet, "/api/v1/events", nil, "Last-Event-ID", "1", "Authorization", "Bearer "+tokenOf(newID())).
		problem(http.StatusBadRequest, "invalid_event_id")
}

// TestNothingIsLeftToFollow: an EventSource connects again for ever, unless it is told
// 204. One that has not seen the end yet, or that only asks what there was, is not.
func TestNothingIsLeftToFollow(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.completed()
	path := base + "/" + id + "/events"
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		a := f.call(method, path, nil, "Accept", "text/event-stream", "Last-Event-ID", "4").is(http.StatusNoContent)
		assert.Empty(t, a.body)
	}
	f.call(http.MethodGet, path+"?lastEventId=4", nil).is(http.StatusNoContent)
	a := f.call(http.MethodGet, path, nil, "Accept", jsonType, "Last-Event-ID", "4").is(http.StatusOK)
	assert.JSONEq(t, `{"items":[],"nextLastEventId":null}`, string(a.body))
	f.call(http.MethodGet, path, nil, "Last-Event-ID", "3").is(http.StatusOK)
	// What has not ended goes on.
	f.listen(base+"/"+f.awaiting()+"/events", "Last-Event-ID", "2")
}

// TestStreamWhileItIsWritten has many clients hang up and resume while events are
// written and progress comes in between.
func TestStreamWhileItIsWritten(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	const rounds = 8 // each: samples_ready, samples_started
	total := 1 + 2*rounds + 1
	var wg sync.WaitGroup
	for client := range 6 {
		wg.Go(func() {
			var all []event
			after := ""
			for {
				headers := []string{}
				if after != "" {
					headers = []string{"Last-Event-ID", after}
				}
				l := f.listen(base+"/"+id+"/events", headers...)
				for range client + 1 { // client 0 hangs up after each event
					e, ok := l.named()
					if !ok {
						wantIDs(t, all, 1, total)
						return
					}
					if all = append(all, e); e.id != "" {
						after = e.id
					}
				}
				l.close()
			}
		})
	}
	for range rounds {
		job := f.job(id)
		for percent := range 3 {
			f.report(object{
				"generationId": id, "jobId": job.String(), "status": "success", "stage": "progress", "results": object{"progress": percent * 50},
			}).is(http.StatusOK)
		}
		f.report(samplesReport(id, job)).is(http.StatusOK)
		f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{}).is(http.StatusAccepted)
	}
	f.call(http.MethodPost, base+"/"+id+"/cancel", nil).is(http.StatusOK)
	wg.Wait()
}

func TestProgressIsShownLive(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	l := f.listen(base + "/" + id + "/events")
	_, ok := l.named()
	require.True(t, ok)
	a := f.report(object{
		"generationId": id, "jobId": f.job(id).String(), "status": "success", "stage": "progress", "results": object{"progress": 40},
	}).is(http.StatusOK)
	assert.Equal(t, "applied", a.json()["outcome"])
	e, ok := l.named()
	require.True(t, ok)
	assert.Equal(t, "progress", e.name)
	assert.Empty(t, e.id, "a number would move the place of resumption")
	assert.InDelta(t, 40, e.data["progress"], 0)
	assert.NotContains(t, e.data, "seq")
}

func TestUserStream(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.create()
	l := f.listen("/api/v1/events")
	_, ok := l.next()
	require.True(t, ok)
	id := f.create()
	e, ok := l.named()
	require.True(t, ok)
	assert.Equal(t, id, e.data["generationId"], "from now on")
	assert.Equal(t, "2", e.id, "numbered over all of the user's events")
	assert.InDelta(t, 1, e.data["seq"], 0)

	f.listen("/api/v1/events", "Authorization", "Bearer "+tokenOf(newID()))
	from := f.listen("/api/v1/events", "Last-Event-ID", "0")
	for _, want := range []string{"1", "2"} {
		e, ok := from.named()
		require.True(t, ok)
		assert.Equal(t, want, e.id)
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	f := setup(t)
	l := f.listen("/api/v1/events")
	for range 4 {
		e, ok := l.next()
		require.True(t, ok)
		assert.NotEmpty(t, e.comment+e.retry)
	}
}

func TestStreamEndsWithTheToken(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	const created = "id: 1\nevent: generation_created\n"
	// On a busy machine the token may end before the stream begins, or before the store has
	// answered: then with more time.
	for left := 300 * time.Millisecond; left < 2*time.Minute; left *= 2 {
		f.auth.expire(time.Now().Add(left))
		a := f.call(http.MethodGet, base+"/"+id+"/events", nil, "Accept", "text/event-stream")
		if a.StatusCode == http.StatusUnauthorized {
			continue
		}
		a.is(http.StatusOK)
		before, expired, found := strings.Cut(string(a.body), "event: token_expired\n")
		require.True(t, found, "%s", a.body)
		if !strings.Contains(before, created) {
			continue
		}
		assert.NotContains(t, expired, "event: ")
		assert.NotContains(t, expired, "id: ")
		return
	}
	t.Fatal("no stream has begun")
}

// A token that expires while the stream is being opened is an expired token, and no
// fault of the service.
func TestTokenExpiresBeforeTheStreamBegins(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	f.auth.expires = time.Now().Add(-time.Millisecond)
	for _, path := range []string{base + "/" + id + "/events", "/api/v1/events"} {
		f.call(http.MethodGet, path, nil, "Accept", "text/event-stream").problem(http.StatusUnauthorized, "invalid_token")
	}
}

func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.StreamsPerUser = 2 })
	l := f.listen("/api/v1/events")
	f.listen(base + "/" + f.create() + "/events")
	a := f.call(http.MethodGet, "/api/v1/events", nil)
	a.problem(http.StatusTooManyRequests, "too_many_streams")
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	f.listen("/api/v1/events", "Authorization", "Bearer "+tokenOf(newID()))
	l.close()
	assert.Eventually(t, func() bool {
		return f.call(http.MethodHead, "/api/v1/events", nil).StatusCode == http.StatusOK
	}, time.Minute, 10*time.Millisecond, "a closed stream frees its place")
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	streams := []*listener{f.listen("/api/v1/events"), f.listen(base + "/" + id + "/events")}
	f.call(http.MethodGet, "/readyz", nil).is(http.StatusOK)
	f.api.Shutdown()
	for _, l := range streams {
		events := l.rest()
		require.NotEmpty(t, events)
		assert.Equal(t, "server_shutdown", events[len(events)-1].name)
	}
	f.call(http.MethodGet, "/api/v1/events", nil).problem(http.StatusServiceUnavailable, "shutting_down")
	f.call(http.MethodGet, "/readyz", nil).is(http.StatusServiceUnavailable)
	f.call(http.MethodPost, base, createBody()).is(http.StatusAccepted) // what still comes is served
}

package notification_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/notification"
	"github.com/creativeflow/aigen/internal/outbox"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testKey = "the-key-of-the-phone"

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

// connect is a Client of a server that answers by h, with its body read.
func connect(t testing.TB, c notification.Config, h http.HandlerFunc) *notification.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // only then does a server notice that its client has left
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		h(w, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	c.BaseURL, c.Key = server.URL+"/base/", testKey
	return build(t, c)
}

func build(t testing.TB, c notification.Config) *notification.Client {
	t.Helper()
	client, err := notification.NewClient(c)
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func note() app.Notification {
	return app.Notification{ID: newID(), UserID: newID(), Message: "Your samples are ready.", Payload: app.NotificationPayload{
		Type: aigen.EventSamplesReady, GenerationID: newID(), ProjectID: newID(), Status: aigen.StatusAwaitingSelection,
	}}
}

// What is sent, byte for byte, for a success and for a failure (contract section 5).
func TestWire(t *testing.T) {
	t.Parallel()
	id := func(last string) aigen.ID {
		parsed, err := aigen.ParseID("00000000-0000-7000-8000-00000000000" + last)
		require.NoError(t, err)
		return parsed
	}
	const ids = `"generationId":"00000000-0000-7000-8000-000000000003","projectId":"00000000-0000-7000-8000-000000000004"`
	n := app.Notification{ID: id("1"), UserID: id("2"), Message: "Told to a person.", Payload: app.NotificationPayload{
		GenerationID: id("3"), ProjectID: id("4"),
	}}
	samples, final, failed := n, n, n
	samples.Payload.Type, samples.Payload.Status = aigen.EventSamplesReady, aigen.StatusAwaitingSelection
	samples.Payload.SampleAssets = []aigen.Asset{{AssetID: "s1", URL: "http://x/1.png", Width: 512, Metadata: json.RawMessage(`{"seed":7}`)}}
	final.Payload.Type, final.Payload.Status = aigen.EventCompleted, aigen.StatusCompleted
	final.Payload.FinalAssetID, final.Payload.FinalAsset = "f", &aigen.Asset{AssetID: "f", URL: "http://x/f.png"}
	failed.Payload.Type, failed.Payload.Status = aigen.EventFailed, aigen.StatusFailed
	failed.Payload.Error = &aigen.Failure{Code: aigen.CodeTimeout, Message: "It took too long.", Retryable: true}
	for _, tt := range []struct {
		n       app.Notification
		payload string
	}{
		{samples, `{"type":"samples_ready",` + ids + `,"status":"AwaitingSelection",
			"sampleAssets":[{"assetId":"s1","url":"http://x/1.png","width":512,"metadata":{"seed":7}}]}`},
		{final, `{"type":"generation_completed",` + ids + `,"status":"Completed","finalAssetId":"f",
			"finalAsset":{"assetId":"f","url":"http://x/f.png"}}`},
		{failed, `{"type":"generation_failed",` + ids + `,"status":"Failed",
			"error":{"code":"timeout","message":"It took too long.","retryable":true}}`},
	} {
		type trace struct{}
		c := connect(t, notification.Config{
			Annotate: func(ctx context.Context, h http.Header) { h.Set("Traceparent", ctx.Value(trace{}).(string)) },
		}, func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			assert.NoError(t, err)
			assert.JSONEq(t, `{"user_id":"00000000-0000-7000-8000-000000000002","message":"Told to a person.","payload":`+tt.payload+`}`, string(body))
			assert.Equal(t, "POST /base/api/v1/notify", r.Method+" "+r.URL.RequestURI())
			assert.Equal(t, []string{"00000000-0000-7000-8000-000000000001"}, r.Header["Idempotency-Key"])
			assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
			assert.Equal(t, "Bearer "+testKey, r.Header.Get("Authorization"))
			assert.Equal(t, "00-1-2-01", r.Header.Get("Traceparent"))
			w.WriteHeader(http.StatusAccepted)
		})
		require.NoError(t, c.Notify(context.WithValue(t.Context(), trace{}, "00-1-2-01"), tt.n))
	}
}

func TestNoKey(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		assert.NotContains(t, r.Header, "Authorization")
	}))
	t.Cleanup(server.Close)
	require.NoError(t, build(t, notification.Config{BaseURL: server.URL}).Notify(t.Context(), note()))
}

// What each answer means: done, try again, or never.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const jsonType, htmlType = "application/json", "text/html"
	redirect := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/login", http.StatusTemporaryRedirect)
	}
	const done, again, never = "done", "again", "never"
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		want   string
		names  string // in the error
	}{
		"200":               {says(200, jsonType, `{"ok":true}`), done, ""},
		"201":               {says(201, jsonType, ``), done, ""},
		"202":               {says(202, "text/plain", `queued`), done, ""},
		"204":               {says(204, "", ``), done, ""},
		"had it already":    {says(409, jsonType, `{}`), done, ""},
		"bad":               {says(400, jsonType, `{"error":"no such user"}`), never, "no such user"},
		"bad, from a proxy": {says(400, htmlType, `<html>plain HTTP sent to HTTPS port`), again, "400"},
		"too large":         {says(413, htmlType, `<html>`), never, "413"},
		"not valid":         {says(422, jsonType, `{"detail":"message is empty"}`), never, "message is empty"},
		"wrong key":         {says(401, jsonType, `{"error":"bad key `+testKey+`"}`), again, "NOTIFICATION_API_KEY"},
		"forbidden":         {says(403, jsonType, `{}`), again, "NOTIFICATION_API_KEY"},
		"wrong address":     {says(404, jsonType, `{}`), again, "NOTIFICATION_SERVICE_URL"},
		"wrong method":      {says(405, jsonType, `{}`), again, "NOTIFICATION_SERVICE_URL"},
		"wrong type":        {says(415, jsonType, `{}`), again, "415"},
		"timeout":           {says(408, jsonType, `{}`), again, "408"},
		"too early":         {says(425, jsonType, `{}`), again, "425"},
		"too many":          {says(429, jsonType, `{}`), again, "429"},
		"broken":            {says(500, htmlType, `<html>Traceback`), again, "500"},
		"gone":              {says(503, jsonType, `{}`), again, "503"},
		"redirect":          {redirect, again, "NOTIFICATION_SERVICE_URL"},
		"hangs up":          {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, again, "EOF"},
		"hangs":             {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, again, "no answer within 500ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			c := connect(t, notification.Config{Timeout: 500 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				assert.Equal(t, "/base/api/v1/notify", r.URL.Path, "nobody else is told")
				tt.answer(w, r)
			})
			err := c.Notify(t.Context(), note())
			var permanent *outbox.PermanentError
			got := again
			switch {
			case err == nil:
				got = done
			case errors.As(err, &permanent):
				got = never
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.want == again, !c.State().Failing.IsZero())
			if err != nil {
				require.ErrorContains(t, err, tt.names)
				assert.NotContains(t, err.Error(), testKey)
				assert.NotContains(t, err.Error(), "Traceback")
			}
			if name != "hangs up" { // that one package http may repeat, with the same key
				assert.EqualValues(t, 1, calls.Load())
			}
		})
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	var status atomic.Int32
	status.Store(200)
	c := connect(t, notification.Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(int(status.Load())) })
	require.Zero(t, c.State())
	require.NoError(t, c.Notify(t.Context(), note()))
	require.Zero(t, c.State())
	status.Store(503)
	require.Error(t, c.Notify(t.Context(), note()))
	first := c.State()
	assert.Contains(t, first.Reason, "503")
	require.Error(t, c.Notify(t.Context(), note()))
	assert.Equal(t, first.Failing, c.State().Failing, "since the first failure")
	left, cancel := context.WithCancel(t.Context())
	cancel()
	status.Store(200)
	require.Error(t, c.Notify(left, note()))
	require.NoError(t, c.Notify(t.Context(), note()))
	require.Zero(t, c.State())
	require.Error(t, c.Notify(left, note()))
	require.Zero(t, c.State(), "a caller who left")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer http.HandlerFunc
		names  string // "": all is well
	}{
		"options":       {says(204, "", ""), ""},
		"only POST":     {says(405, "application/json", `{}`), ""},
		"no OPTIONS":    {says(501, "text/html", `<html>`), ""},
		"talkative":     {says(200, "text/html", strings.Repeat("x", 1<<20)), ""},
		"wrong address": {says(404, "text/html", `<html>`), "NOTIFICATION_SERVICE_URL"},
		"wrong key":     {says(401, "application/json", `{}`), "NOTIFICATION_API_KEY"},
		"redirect":      {says(302, "text/html", ``), "NOTIFICATION_SERVICE_URL"},
		"broken":        {says(500, "text/html", ``), "out of order"},
		"hangs":         {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "does not answer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, notification.Config{Timeout: 500 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, http.MethodOptions, r.Method, "nobody is told anything")
				tt.answer(w, r)
			})
			err := c.Check(t.Context())
			if tt.names == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.names)
		})
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	err = build(t, notification.Config{BaseURL: "http://" + l.Addr().String()}).Check(t.Context())
	require.ErrorContains(t, err, "nothing answers at NOTIFICATION_SERVICE_URL")
	_, err = notification.NewClient(notification.Config{BaseURL: "phone:80"})
	require.ErrorContains(t, err, "NOTIFICATION_SERVICE_URL")
}

// A service that is away says nothing about a notification; one that asks for time gets it.
func TestAway(t *testing.T) {
	t.Parallel()
	for status, away := range map[int]bool{429: true, 500: false, 502: true, 503: true, 504: true, 522: true, 401: false, 404: false} {
		c := connect(t, notification.Config{}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "40")
			w.WriteHeader(status)
		})
		err := c.Notify(t.Context(), note())
		assert.Equal(t, away, errors.Is(err, outbox.ErrUnavailable), status)
		var asks interface{ RetryAfter() time.Duration }
		require.ErrorAs(t, err, &asks, status)
		assert.Equal(t, 40*time.Second, asks.RetryAfter())
	}
	gone := build(t, notification.Config{BaseURL: "http://127.0.0.1:1"})
	require.ErrorIs(t, gone.Notify(t.Context(), note()), outbox.ErrUnavailable)
	hangs := connect(t, notification.Config{Timeout: 50 * time.Millisecond}, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	require.ErrorIs(t, hangs.Notify(t.Context(), note()), outbox.ErrUnavailable)
	cut := connect(t, notification.Config{}, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	require.NoError(t, cut.Notify(t.Context(), note()), "it was taken")
}

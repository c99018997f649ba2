package n8nwebhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/n8nwebhook"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/webhooksig"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret that is long enough"

func newJobs(n int) []app.JobMessage {
	jobs := make([]app.JobMessage, n)
	for i := range jobs {
		jobs[i] = app.JobMessage{
			JobID: aigen.ID(uuid.New()), GenerationID: aigen.ID(uuid.New()), Type: outbox.DeliverFinalJob,
			Body: []byte(`{"inputPrompt":"a fox"}`), TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		}
	}
	return jobs
}

func setup(t *testing.T, h http.HandlerFunc, patience ...time.Duration) *n8nwebhook.Publisher {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	p, err := n8nwebhook.New(n8nwebhook.Config{URL: server.URL + "/webhook/jobs?tenant=a", Secret: secret, Timeout: append(patience, 2*time.Second)[0], Calls: 4})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// send publishes and returns each job's result; a second result for one is a failure.
func send(ctx context.Context, t *testing.T, p *n8nwebhook.Publisher, jobs []app.JobMessage) []error {
	t.Helper()
	results := make([]error, len(jobs))
	var mu sync.Mutex
	ended := map[int]bool{}
	p.Publish(ctx, jobs, func(i int, err error) {
		mu.Lock()
		defer mu.Unlock()
		assert.False(t, ended[i])
		ended[i], results[i] = true, err
	})
	require.Len(t, ended, len(jobs))
	return results
}

func TestCall(t *testing.T) {
	t.Parallel()
	jobs := newJobs(1)
	p := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		parsed, err := webhooksig.ParseSecret(secret)
		assert.NoError(t, err)
		assert.NoError(t, webhooksig.Verify([]webhooksig.Secret{parsed}, webhooksig.Headers{
			ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"), Signature: r.Header.Get("webhook-signature"),
		}, body, time.Now()))
		assert.Equal(t, http.MethodPost, r.Method)
		assert.Equal(t, "/webhook/jobs?tenant=a", r.URL.String())
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, jobs[0].JobID.String(), r.Header.Get("webhook-id"))
		assert.Equal(t, jobs[0].TraceParent, r.Header.Get("traceparent"))
		assert.Equal(t, string(jobs[0].Body), string(body))
		assert.Empty(t, r.Header.Get("Authorization"), "the secret itself is not sent")
		w.WriteHeader(http.StatusCreated)
	})
	require.NoError(t, send(t.Context(), t, p, jobs)[0])
}

// Only what is said about this very job ends it; everything else is tried again.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]string{
		200: "", 202: "", 204: "",
		301: "301", 302: "302",
		400: "permanent", 413: "permanent", 422: "permanent",
		401: "N8N_CALLBACK_SECRET", 403: "N8N_CALLBACK_SECRET", 404: "is the workflow active", 405: "405", 408: "408", 409: "409",
		410: "410", 429: "asks to wait 7s", 500: "500", 502: "502", 503: "503", 504: "504",
	} {
		var calls atomic.Int64
		p := setup(t, func(w http.ResponseWriter, _ *http.Request) {
			calls.Add(1)
			w.Header().Set("Location", "/elsewhere")
			if status == http.StatusTooManyRequests {
				w.Header().Set("Retry-After", "7")
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "why\x1b[31m so\nsecond line")
		})
		err := send(t.Context(), t, p, newJobs(1))[0]
		require.EqualValues(t, 1, calls.Load(), "no redirect is followed")
		if want == "" {
			require.NoError(t, err, status)
			continue
		}
		require.Error(t, err, status)
		var permanent *outbox.PermanentError
		assert.Equal(t, want == "permanent", errors.As(err, &permanent), status)
		away := status == 404 || status == 429 || status >= 502
		assert.Equal(t, away, errors.Is(err, outbox.ErrUnavailable), status)
		if want != "permanent" {
			require.ErrorContains(t, err, want)
		}
		assert.NotContains(t, err.Error(), "\x1b")
		assert.NotContains(t, err.Error(), "second line")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	p := setup(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-hang:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(hang) })
	for _, err := range send(t.Context(), t, p, newJobs(2)) {
		require.ErrorContains(t, err, "no answer within 2s")
		require.ErrorIs(t, err, outbox.ErrOutcomeUnknown, "the workflow may be running")
		require.NotErrorIs(t, err, outbox.ErrUnavailable)
	}

	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	for _, err := range send(ctx, t, p, newJobs(9)) {
		require.Error(t, err)
	}

	gone, err := n8nwebhook.New(n8nwebhook.Config{URL: "http://someone:s3cret@127.0.0.1:1/x", Secret: secret})
	require.NoError(t, err)
	err = send(t.Context(), t, gone, newJobs(1))[0]
	require.ErrorContains(t, err, "N8N_WEBHOOK_URL")
	require.ErrorIs(t, err, outbox.ErrUnavailable)
	require.NotContains(t, err.Error(), "s3cret")
	require.ErrorContains(t, gone.Check(t.Context()), "N8N_WEBHOOK_URL")
}

// No more calls are under way than are set, and all come to an end.
func TestBounded(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int64
	all := make(chan struct{})
	meet := sync.OnceFunc(func() { close(all) })
	p := setup(t, func(http.ResponseWriter, *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			seen := most.Load()
			if n <= seen || most.CompareAndSwap(seen, n) {
				break
			}
		}
		if n == 4 {
			meet()
		}
		<-all
		time.Sleep(5 * time.Millisecond) // so that a fifth would meet them
	}, time.Minute)
	for _, err := range send(t.Context(), t, p, newJobs(100)) {
		require.NoError(t, err)
	}
	require.EqualValues(t, 4, most.Load())
	require.Equal(t, 16, p.Window())
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for status, ok := range map[int]bool{200: true, 204: true, 404: true, 405: true, 501: true, 302: false, 503: false} {
		p := setup(t, func(w http.ResponseWriter, r *http.Request) {
			assert.Equal(t, http.MethodOptions, r.Method, "no workflow is started")
			w.WriteHeader(status)
		})
		if err := p.Check(t.Context()); ok {
			require.NoError(t, err, status)
		} else {
			require.Error(t, err, status)
		}
	}
	for _, c := range []n8nwebhook.Config{{URL: "://", Secret: secret}, {URL: "ftp://x", Secret: secret}, {URL: "http://x"}} {
		_, err := n8nwebhook.New(c)
		require.Error(t, err)
	}
}

// The address is asked for as it was given.
func TestAddressAsGiven(t *testing.T) {
	t.Parallel()
	for _, given := range []string{
		"/strict/", "/strict", "/webhook/team%2Fjobs", "/q?token=a+b&x=1;2", "/q?b=2&a=1", "/q?flag", "/q?", "/a//b/", "/a%20b/?x=%7e", "/?", "/caf%C3%A9/",
	} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.RequestURI) }))
		p, err := n8nwebhook.New(n8nwebhook.Config{URL: server.URL + given, Secret: secret})
		require.NoError(t, err)
		require.NoError(t, send(t.Context(), t, p, newJobs(1))[0])
		require.NoError(t, p.Check(t.Context()))
		require.NoError(t, p.Close())
		server.Close()
		require.Equal(t, []string{given, given}, asked)
	}
}

// A token in the address is struck out of what is said of an answer, however it is spelt.
func TestTokenInAddress(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, r.RequestURI+" long enough")
	}))
	t.Cleanup(server.Close)
	p, err := n8nwebhook.New(n8nwebhook.Config{URL: server.URL + "/q?x=1;token=se%2Bcret;y=an+other", Secret: secret})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	err = send(t.Context(), t, p, newJobs(1))[0]
	require.ErrorContains(t, err, "500")
	require.NotContains(t, err.Error(), "se%2Bcret")
	require.NotContains(t, err.Error(), "an+other")
}

// What was taken is taken, however the answer ends; a connection that is closed without
// an answer comes from a port whose program is gone.
func TestAnswersThatBreakOff(t *testing.T) {
	t.Parallel()
	p := setup(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "on")
	})
	require.NoError(t, send(t.Context(), t, p, newJobs(1))[0])
	p = setup(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) })
	require.NoError(t, send(t.Context(), t, p, newJobs(1))[0])
	p = setup(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	require.ErrorIs(t, send(t.Context(), t, p, newJobs(1))[0], outbox.ErrUnavailable)
}

// RetryAfter in both of its forms goes to the relay.
func TestAsksToWait(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]time.Duration{
		"600": 10 * time.Minute, time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat): 30 * time.Minute,
	} {
		for _, status := range []int{404, 429, 500, 503} {
			p := setup(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", said)
				w.WriteHeader(status)
			})
			err := send(t.Context(), t, p, newJobs(1))[0]
			var asks interface{ RetryAfter() time.Duration }
			require.ErrorAs(t, err, &asks, status)
			require.InDelta(t, want, asks.RetryAfter(), float64(5*time.Minute))
		}
	}
}

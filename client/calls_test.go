package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/client"
)

const accepted = `{"generationId":"01020300-0000-0000-0000-000000000000","status":"ProcessingSamples","creditsReserved":"1.00"}`

func TestCreateSendsWhatTheContractSays(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		assert.Equal(t, "POST /api/v1/generations", r.Method+" "+r.URL.Path)
		assert.Equal(t, "Bearer secret-token", r.Header.Get("Authorization"))
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "my-key", r.Header.Get("Idempotency-Key"))
		assert.JSONEq(t, `{"projectId":"00000000-0000-0000-0000-000000000009","inputPrompt":"a fox","inputParameters":{"samples":2}}`, string(body))
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, accepted)
	})
	got, err := c.Create(t.Context(), client.NewGeneration{
		ProjectID: aigen.ID{15: 9}, InputPrompt: "a fox", InputParameters: json.RawMessage(`{"samples":2}`),
	}, "my-key")
	require.NoError(t, err)
	assert.Equal(t, client.Accepted{GenerationID: someGeneration, Status: aigen.StatusProcessingSamples, CreditsReserved: 100}, got)
}

func TestCreateIsTriedAgainWithTheSameKey(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	keys := map[string]int{}
	answers := []func(w http.ResponseWriter){
		func(w http.ResponseWriter) { problem(w, http.StatusTooManyRequests, `{"code":"rate_limited"}`) },
		func(w http.ResponseWriter) {
			problem(w, http.StatusServiceUnavailable, `{"code":"credit_service_unavailable"}`)
		},
		func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, // the network fails
		func(w http.ResponseWriter) { // the answer is cut off
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, accepted[:20])
		},
		func(w http.ResponseWriter) { _, _ = io.WriteString(w, accepted) },
	}
	var n atomic.Int32
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		keys[r.Header.Get("Idempotency-Key")]++
		mu.Unlock()
		answers[n.Add(1)-1](w)
	})
	_, err := c.Create(t.Context(), client.NewGeneration{}, "")
	require.NoError(t, err)
	require.Len(t, keys, 1)
	for key, times := range keys {
		assert.NotEmpty(t, key)
		assert.Equal(t, 5, times)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	var first time.Time
	var waited time.Duration
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		if first.IsZero() {
			first = time.Now()
			w.Header().Set("Retry-After", "1")
			problem(w, http.StatusServiceUnavailable, `{"code":"shutting_down"}`)
			return
		}
		waited = time.Since(first)
		_, _ = io.WriteString(w, accepted)
	}, func(c *client.Config) { c.MaxDelay = 3 * time.Second })
	_, err := c.Create(t.Context(), client.NewGeneration{}, "")
	require.NoError(t, err)
	assert.GreaterOrEqual(t, waited, time.Second)
}

func TestALongRetryAfterIsForTheCallerToDecide(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		problem(w, http.StatusTooManyRequests, `{"code":"rate_limited"}`)
	})
	_, err := c.Create(t.Context(), client.NewGeneration{}, "")
	var p *client.Problem
	require.ErrorAs(t, err, &p)
	assert.Equal(t, time.Hour, p.RetryAfter)
}

func TestProblemsAreTyped(t *testing.T) {
	t.Parallel()
	var calls atomic.Int32
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		problem(w, http.StatusUnprocessableEntity, `{"type":"urn:x","title":"Invalid input","status":200,"detail":"One field is not valid.",
			"code":"invalid_input","requestId":"r-1","errors":[{"location":"body.inputPrompt","message":"must not be blank"}]}`)
	})
	_, err := c.Create(t.Context(), client.NewGeneration{}, "")
	var p *client.Problem
	require.ErrorAs(t, err, &p)
	assert.Equal(t, client.Problem{
		Status: http.StatusUnprocessableEntity, Code: "invalid_input", Title: "Invalid input", Detail: "One field is not valid.",
		RequestID: "r-1", Errors: []client.FieldError{{Location: "body.inputPrompt", Message: "must not be blank"}},
	}, *p)
	assert.Equal(t, "invalid_input", client.CodeOf(err))
	assert.Equal(t, http.StatusUnprocessableEntity, client.StatusOf(err))
	assert.EqualValues(t, 1, calls.Load(), "an answer that will not change is not asked for again")
}

func TestAProxysPageIsNotQuoted(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, "<html>internal-host-7</html>")
	})
	_, err := c.Credits(t.Context())
	require.EqualError(t, err, "The service answered 403 Forbidden")
}

func TestAnotherServersAnswerIsNamedAsSuch(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>hello</html>") })
	_, err := c.Credits(t.Context())
	require.ErrorContains(t, err, "is the URL right?")
}

func TestAHugeAnswerIsRefused(t *testing.T) {
	t.Parallel()
	c := setup(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 5 << 4 {
			_, _ = w.Write(make([]byte, 1<<16))
		}
	}, func(c *client.Config) { c.Attempts = 1 })
	_, err := c.Credits(t.Context())
	require.ErrorContains(t, err, "too long")
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	c, err := client.New(client.Config{BaseURL: "http://" + l.Addr().String(), Attempts: 2, MinDelay: time.Millisecond})
	require.NoError(t, err)
	defer c.CloseIdle()
	_, err = c.Get(t.Context(), someGeneration)
	require.ErrorContains(t, err, "the service at http://"+l.Addr().String()+" cannot be reached")
}

func TestACallEndsWithItsContext(t *testing.T) {
	t.Parallel()
	c := setup(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	enough := errors.New("enough")
	time.AfterFunc(20*time.Millisecond, func() { cancel(enough) })
	_, err := c.Get(ctx, someGeneration)
	require.ErrorIs(t, err, enough)
}

func TestTheOtherCalls(t *testing.T) {
	t.Parallel()
	const at = "/api/v1/generations/01020300-0000-0000-0000-000000000000"
	seen := map[string]string{}
	c := setup(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		seen[r.Method+" "+r.URL.Path] = string(body)
		switch r.URL.Path {
		case "/api/v1/credits":
			_, _ = io.WriteString(w, `{"balance":"10.00","reserved":"1.25","available":"8.75"}`)
		case at, at + "/cancel":
			_, _ = io.WriteString(w, `{"id":"01020300-0000-0000-0000-000000000000","status":"Cancelled","finalAsset":null,"creditsCostFinal":null,
				"credits":{"reserved":"1.00","deducted":"0.00","refunded":"1.00"},"somethingNew":true}`)
		default:
			_, _ = io.WriteString(w, accepted)
		}
	})
	b, err := c.Credits(t.Context())
	require.NoError(t, err)
	assert.Equal(t, client.Balance{Balance: 1000, Reserved: 125, Available: 875}, b)
	g, err := c.Cancel(t.Context(), someGeneration)
	require.NoError(t, err)
	assert.Equal(t, aigen.Credits(100), g.Credits.Refunded)
	_, err = c.Get(t.Context(), someGeneration)
	require.NoError(t, err)
	_, err = c.Select(t.Context(), someGeneration, "s-2", aigen.Resolution{})
	require.NoError(t, err)
	prompt := "another"
	_, err = c.Regenerate(t.Context(), someGeneration, client.Changes{InputPrompt: &prompt})
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"GET /api/v1/credits": "", "GET " + at: "", "POST " + at + "/cancel": "",
		"POST " + at + "/select-sample":      `{"sampleId":"s-2"}`,
		"POST " + at + "/regenerate-samples": `{"inputPrompt":"another"}`,
	}, seen)
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"127.0.0.1:8000": "not a URL", "ftp://x": "http://", "": "http://", "http://": "host",
		"http://u:p@x": "user name", "http://x?y=1": "query", "http://x/#y": "fragment",
	} {
		require.ErrorContains(t, client.CheckBaseURL(raw), want, raw)
	}
	require.NoError(t, client.CheckBaseURL("https://example.com/aigen/"))
}

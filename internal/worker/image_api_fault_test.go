package worker_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/worker"
)

// fault is what a sample ends with.
func (a *api) fault(t testing.TB) *worker.PaintError {
	t.Helper()
	return a.faultWithin(t, time.Minute)
}

// faultWithin is what a sample of a job that has this much time ends with.
func (a *api) faultWithin(t testing.TB, d time.Duration) *worker.PaintError {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	_, err := a.Sample(ctx, sampleJob(t, ""), 0)
	var e *worker.PaintError
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Message)
	require.Empty(t, a.names(t), "nothing is kept")
	return e
}

func TestImageAPIMapsRefusals(t *testing.T) {
	t.Parallel()
	const words = "raw words on a red fox"
	failed, rejected := aigen.CodeGenerationFailed, aigen.CodeContentRejected
	for _, tc := range []struct {
		status    int
		fault     string
		code      aigen.Code
		retryable bool
		detail    string
	}{
		{400, `"code":"content_policy_violation"`, rejected, false, "content_policy_violation"},
		{400, `"code":"moderation_blocked"`, rejected, false, "HTTP 400"},
		{400, `"code":null,"type":"image_generation_safety_error"`, rejected, false, "safety"},
		{400, `"code":"x","type":"Moderation"`, rejected, false, "x"},
		{400, `"code":"contentFilter"`, rejected, false, ""},
		{400, `"code":"invalid_value","param":"prompt"`, failed, false, "param prompt"},
		{400, `"code":400`, failed, false, "code 400"},
		{401, `"code":"invalid_api_key"`, failed, false, "HTTP 401"},
		{403, `"code":"moderation"`, rejected, false, "HTTP 403"},
		{404, `"code":"model_not_found"`, failed, false, "model_not_found"},
		{402, ``, failed, false, "HTTP 402"}, {429, `"code":"insufficient_quota"`, failed, false, "insufficient_quota"},
		{408, ``, failed, true, "HTTP 408"}, {413, ``, failed, false, ""}, {422, ``, failed, false, ""},
		{429, `"code":"rate_limit_exceeded"`, failed, true, "retry-after 17"},
		{409, `"code":"model_loading"`, failed, true, "retry-after 17"}, {425, ``, failed, true, "retry-after 17"},
		{500, ``, failed, true, "HTTP 500"}, {502, ``, failed, true, ""}, {503, ``, failed, true, "retry-after 17"},
		{204, ``, failed, false, "no picture"}, {300, ``, failed, false, "HTTP 300"},
	} {
		t.Run(fmt.Sprint(tc.status, tc.fault), func(t *testing.T) {
			t.Parallel()
			body := fmt.Sprintf(`{"error":{"message":%q%s}}`, words, strings.TrimSuffix(","+tc.fault, ","))
			a := setupAPI(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "17")
				w.WriteHeader(tc.status)
				_, _ = io.WriteString(w, body)
			})
			e := a.faultWithin(t, 15*time.Second) // less than it is asked to wait
			require.Equal(t, tc.code, e.Code)
			require.Equal(t, tc.retryable, e.Retryable)
			require.Equal(t, tc.code == rejected, e.Rejected)
			require.ErrorContains(t, e.Err, tc.detail)
			require.NotContains(t, e.Error(), words, "neither the user nor the log sees the server's words")
			require.NotContains(t, e.Error(), a.url)
			require.Len(t, a.requests(), 1, "the outbox tries again, nobody else")
		})
	}
	require.Equal(t, "The image service refused our access.", setupAPI(t, says(403, "")).fault(t).Message)
}

func TestImageAPIDetailedLogging(t *testing.T) {
	t.Parallel()
	detailed := func(c *worker.ImageAPIConfig) { c.Detailed = true }
	body := `{"error":{"message":"no model for ` + apiKey + `\u001b\n` + strings.Repeat("x", 500) + `"}}`
	e := setupAPI(t, says(404, body), detailed).fault(t)
	require.ErrorContains(t, e.Err, "no model for ***")
	require.Less(t, len(e.Err.Error()), 400)
	require.NotContains(t, e.Err.Error(), "\x1b")
	require.NotContains(t, e.Message, "no model")

	e = setupAPI(t, says(401, `{"error":"bad key sk-ve****et"}`), detailed).fault(t)
	require.NotContains(t, e.Error(), "sk-ve", "a part of a key is not logged either")
	e = setupAPI(t, says(500, `{"error":"out of memory"}`), detailed).fault(t)
	require.ErrorContains(t, e.Err, "out of memory", "an error may be a mere text")
}

func TestImageAPIRefusesAnswers(t *testing.T) {
	t.Parallel()
	b64 := base64.StdEncoding.EncodeToString
	for name, tc := range map[string]struct {
		answer    string
		retryable bool
		asked     int
	}{
		"no JSON":                 {`<html>`, false, 1},
		"nothing":                 {``, false, 2},
		"cut off":                 {`{"data":[{"b64_json":"iVBO`, false, 2},
		"no picture":              {`{"data":[]}`, true, 1},
		"an empty one":            {`{"data":[{}]}`, true, 1},
		"another shape":           {`{"data":"x"}`, false, 1},
		"a task":                  {`{"task_id":"7","status":"queued"}`, false, 1},
		"no base64":               {`{"data":[{"b64_json":"***"}]}`, false, 1},
		"a bare data URL":         {`{"data":[{"b64_json":"data:image/png,abc"}]}`, false, 1},
		"a url that leads inside": {`{"data":[{"url":"http://169.254.169.254/latest"}]}`, false, 1},
		"a GIF":                   {`{"data":[{"b64_json":"` + b64([]byte("GIF89a............")) + `"}]}`, false, 1},
		"half a header":           {`{"data":[{"b64_json":"` + b64(asPNG(drawing(9, 9))[:20]) + `"}]}`, false, 1},
		"half a picture":          {`{"data":[{"b64_json":"` + b64(asPNG(drawing(99, 99))[:200]) + `"}]}`, false, 1},
		"too wide":                {`{"data":[{"b64_json":"` + b64(asPNG(drawing(8193, 1))) + `"}]}`, false, 1},
		"too high":                {`{"data":[{"b64_json":"` + b64(asPNG(drawing(1, 8193))) + `"}]}`, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setupAPI(t, says(http.StatusOK, tc.answer))
			e := a.fault(t)
			require.Equal(t, tc.retryable, e.Retryable)
			require.False(t, e.Rejected)
			require.Equal(t, "The image service gave an answer that cannot be used.", e.Message)
			require.NotContains(t, e.Error(), "169.254")
			require.Len(t, a.requests(), tc.asked, "what was paid for is asked for again only if it was cut off")
		})
	}
}

func TestImageAPIBoundsTheAnswer(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	a := setupAPI(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[{"b64_json":"`)
		block := []byte(strings.Repeat("A", 1<<20))
		for range 1 << 10 {
			n, err := w.Write(block)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	require.False(t, a.fault(t).Retryable)
	require.Less(t, sent.Load(), int64(128<<20), "the rest is not even read")
}

func TestImageAPIReadsAllFormsOfBase64(t *testing.T) {
	t.Parallel()
	picture := asPNG(drawing(31, 17))
	std := base64.StdEncoding.EncodeToString(picture)
	for name, form := range map[string]string{
		"standard": std, "unpadded": strings.TrimRight(std, "="), "for URLs": base64.URLEncoding.EncodeToString(picture),
		"in lines": std[:76] + `\r\n` + std[76:] + `\n`, "data URL": "data:image/png;base64," + std,
	} {
		a := setupAPI(t, says(http.StatusOK, `{"data":[{"b64_json":"`+form+`","url":"http://unused"}]}`))
		sample, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
		require.NoError(t, err, name)
		require.Equal(t, picture, a.file(t, sample.AssetID+".orig"), name)
	}
}

// The key goes to the server that was configured, and to nobody whom that names.
func TestImageAPIRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		var visits atomic.Int32
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visits.Add(1) }))
		t.Cleanup(thief.Close)
		a := setupAPI(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, status) })
		e := a.fault(t)
		require.False(t, e.Retryable)
		require.ErrorContains(t, e.Err, "not followed")
		require.Zero(t, visits.Load(), "%d: neither key nor prompt leave", status)
	}
	moved := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/images/generations" {
			http.Redirect(w, r, "/v2/images", http.StatusPermanentRedirect)
			return
		}
		sends(asPNG(drawing(64, 64)))(w, r)
	}
	a := setupAPI(t, moved)
	_, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err, "within the server it is the same request")
	require.Equal(t, a.sent()[0], a.sent()[1])

	round := setupAPI(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/v1", http.StatusTemporaryRedirect) })
	require.False(t, round.fault(t).Retryable)
	require.LessOrEqual(t, len(round.requests()), 4)
}

func TestImageAPIWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	hangUp := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	broken := setupAPI(t, hangUp)
	e := broken.fault(t)
	require.Len(t, broken.requests(), 2, "once more, since nobody knows what became of the first")
	require.False(t, e.Retryable, "and no more: each may have been paid for")
	require.Equal(t, "The image service could not be reached.", e.Message)

	gone := setupAPI(t, hangUp, func(c *worker.ImageAPIConfig) { c.BaseURL = "http://u:secret@127.0.0.1:1/v1" })
	e = gone.fault(t)
	require.True(t, e.Retryable)
	require.NotContains(t, e.Error(), "secret")

	wait := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	// Long enough to be connected on a busy machine: before that it is another fault.
	slow := setupAPI(t, wait, func(c *worker.ImageAPIConfig) { c.Timeout = 2 * time.Second })
	e = slow.fault(t)
	require.False(t, e.Retryable, "it may still be made, and paid for")
	require.Len(t, slow.requests(), 1)
	require.Equal(t, "The image service did not answer in time.", e.Message)

	// Through the engine: its own bound is a failure, not the end of the stage.
	r := &reporter{}
	require.NoError(t, publish(t.Context(), t, worker.New(slow, r, 1, quiet), message(t, sampleJob(t, ""))))
	require.Equal(t, aigen.ReportFailure, r.only(t).Kind)
	require.Equal(t, "some-model", r.only(t).AIModelUsed)
}

func TestImageAPIStopsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	a := setupAPI(t, func(_ http.ResponseWriter, r *http.Request) {
		stop()
		<-r.Context().Done()
	})
	_, err := a.Sample(ctx, sampleJob(t, ""), 0)
	require.ErrorIs(t, err, context.Canceled)
	_, err = a.Sample(ctx, sampleJob(t, ""), 1)
	require.Error(t, err)
}

func TestImageAPIBoundsItsRequests(t *testing.T) {
	t.Parallel()
	var now, most atomic.Int32
	met := make(chan struct{})
	meet := sync.OnceFunc(func() { close(met) })
	picture := sends(asPNG(drawing(8, 8)))
	a := setupAPI(t, func(w http.ResponseWriter, r *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for seen := most.Load(); n > seen && !most.CompareAndSwap(seen, n); seen = most.Load() {
		}
		if n > 1 {
			meet()
		}
		select {
		case <-met: // a few at once
		case <-r.Context().Done():
		}
		time.Sleep(5 * time.Millisecond) // so that more would meet than may
		picture(w, r)
	})
	r := &reporter{}
	e := worker.New(a, r, 4, quiet)
	ended := make(chan error, 3)
	jobs := repeat(message(t, sampleJob(t, "")), 3)
	for i := range jobs {
		j := sampleJob(t, `{"samples":8}`)
		j.JobID, j.RunID = aigen.ID{byte(100 + i)}, aigen.ID{byte(200 + i)}
		jobs[i] = message(t, j)
	}
	e.Publish(t.Context(), jobs, func(_ int, err error) { ended <- err })
	for range jobs {
		require.NoError(t, <-ended)
	}
	require.Len(t, a.requests(), 24)
	require.Greater(t, most.Load(), int32(1), "a few at once")
	require.LessOrEqual(t, most.Load(), int32(4), "over all jobs")
}

package worker_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/worker"
)

// limited is a service with a limit of requests a minute, without a network, so that time
// is that of the test.
type limited struct {
	mu    sync.Mutex
	limit int
	since []time.Time // good ones
	sent  int
	made  int
	tell  func(h http.Header, wait time.Duration) // when to come again
	fail  map[int]int                             // by number of the request: another status
}

func (l *limited) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = r.Body.Close()
	l.sent++
	now := time.Now()
	for len(l.since) > 0 && now.Sub(l.since[0]) >= time.Minute {
		l.since = l.since[1:]
	}
	answer := func(status int, body string) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(body))), Request: r}
	}
	if status := l.fail[l.sent]; status != 0 {
		return answer(status, `{"error":{"message":"worker restarted"}}`), nil
	}
	if len(l.since) >= l.limit {
		res := answer(http.StatusTooManyRequests, `{"error":{"code":"rate_limit_exceeded"}}`)
		if l.tell != nil {
			l.tell(res.Header, time.Minute-now.Sub(l.since[0]))
		}
		return res, nil
	}
	l.since = append(l.since, now)
	l.made++
	return answer(http.StatusOK, `{"data":[{"b64_json":"`+base64.StdEncoding.EncodeToString(asPNG(drawing(8, 8)))+`"}]}`), nil
}

func setupLimited(t *testing.T, l *limited) *worker.ImageAPI {
	t.Helper()
	return worker.NewImageAPI(worker.ImageAPIConfig{Assets: setup(t).Assets, BaseURL: "http://images.invalid/v1", Transport: l})
}

// Two jobs of four pictures, and five a minute: both are served, within their time and
// without an attempt used up.
func TestImageAPIWaitsAsLongAsItIsAsked(t *testing.T) {
	t.Parallel()
	for name, tell := range map[string]func(http.Header, time.Duration){
		"seconds": func(h http.Header, d time.Duration) { h.Set("Retry-After", strconv.Itoa(int(d/time.Second)+1)) },
		"milliseconds": func(h http.Header, d time.Duration) {
			h.Set("Retry-After-Ms", strconv.FormatInt(d.Milliseconds()+1, 10))
		},
		"a date": func(h http.Header, d time.Duration) {
			h.Set("Retry-After", time.Now().Add(d+time.Second).UTC().Format(http.TimeFormat))
		},
		"OpenAI's own": func(h http.Header, d time.Duration) {
			h.Set("X-Ratelimit-Remaining-Requests", "0")
			h.Set("X-Ratelimit-Reset-Requests", d.String())
			h.Set("X-Ratelimit-Remaining-Tokens", "100")
			h.Set("X-Ratelimit-Reset-Tokens", "20h")
		},
		"nothing": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &limited{limit: 5, tell: tell}
				r := &reporter{}
				e := worker.New(setupLimited(t, l), r, 2, quiet)
				ended := make(chan error, 2)
				jobs := repeat(message(t, sampleJob(t, "")), 2)
				for i := range jobs {
					j := sampleJob(t, `{"samples":4}`)
					j.JobID, j.RunID, j.Deadline = aigen.ID{byte(10 + i)}, aigen.ID{byte(20 + i)}, time.Now().Add(5*time.Minute)
					jobs[i] = message(t, j)
				}
				e.Publish(t.Context(), jobs, func(_ int, err error) { ended <- err })
				for range jobs {
					require.NoError(t, <-ended)
				}
				require.Len(t, r.reports, 2)
				for _, rep := range r.reports {
					require.Equal(t, aigen.ReportSamples, rep.Report.Kind)
				}
				require.Equal(t, 8, l.made, "each is paid for once")
				if tell != nil {
					require.LessOrEqual(t, l.sent, 16, "nobody knocks while it waits")
				}
			})
		})
	}
}

// A job that has no time to wait says so, and says it before its deadline.
func TestImageAPIDoesNotWaitInVain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{tell: func(h http.Header, _ time.Duration) { h.Set("Retry-After", "600") }, limit: 1}
		p := setupLimited(t, l)
		_, err := p.Sample(t.Context(), sampleJob(t, ""), 0)
		require.NoError(t, err)
		r := &reporter{}
		j := sampleJob(t, `{"samples":4}`)
		j.RunID, j.Deadline = aigen.ID{42}, time.Now().Add(5*time.Minute)
		began := time.Now()
		require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, quiet), message(t, j)))
		require.Equal(t, "The image service is busy.", r.only(t).Failure.Message)
		require.True(t, r.only(t).Failure.Retryable)
		require.Less(t, time.Since(began), time.Minute)
		sent := l.sent
		require.NoError(t, publish(t.Context(), t, worker.New(p, r, 1, quiet), message(t, j)))
		require.Equal(t, sent, l.sent, "nobody is asked before the time, by no job")
	})
}

// The waits grow where the service does not say how long, and end with the job's time.
func TestImageAPIWaitsGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &limited{}
		r := &reporter{}
		j := sampleJob(t, `{"samples":1}`)
		j.Deadline = time.Now().Add(5 * time.Minute)
		ended := make(chan error, 1)
		e := worker.New(setupLimited(t, l), r, 1, quiet)
		e.Publish(t.Context(), repeat(message(t, j), 1), func(_ int, err error) { ended <- err })
		require.NoError(t, <-ended)
		require.Equal(t, "The image service is busy.", r.only(t).Failure.Message)
		require.True(t, time.Now().Before(j.Deadline))
		require.Greater(t, l.sent, 5)
		require.Less(t, l.sent, 20)
	})
}

// One of the pictures fails once: the next job of the run buys that one alone.
func TestImageAPIBuysOnlyWhatIsMissing(t *testing.T) {
	t.Parallel()
	for _, samples := range []string{`{"samples":4}`, `{"samples":8}`} {
		synctest.Test(t, func(t *testing.T) {
			l := &limited{limit: 100, fail: map[int]int{4: 500}}
			r := &reporter{}
			e := worker.New(setupLimited(t, l), r, 1, quiet)
			j := sampleJob(t, samples)
			require.NoError(t, publish(t.Context(), t, e, message(t, j)))
			require.True(t, r.only(t).Failure.Retryable)
			j.JobID, j.Attempt = aigen.ID{2}, 2
			require.NoError(t, publish(t.Context(), t, e, message(t, j)))
			require.Equal(t, aigen.ReportSamples, r.reports[1].Report.Kind)
			n := j.InputParameters.Samples
			require.Equal(t, n, l.made)
			require.Equal(t, n+1, l.sent)
		})
	}
}

// Whoever waits for a turn does not use up the time of the request.
func TestImageAPITimeoutBeginsWithTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gpu := slowly{limited: &limited{limit: 100}, takes: 40 * time.Second}
		p := worker.NewImageAPI(worker.ImageAPIConfig{
			Assets: setup(t).Assets, BaseURL: "http://images.invalid/v1", Transport: gpu, Concurrency: 1, Timeout: time.Minute,
		})
		require.Equal(t, 1, p.Parallel())
		r := &reporter{}
		e := worker.New(p, r, 4, quiet)
		ended := make(chan error, 3)
		jobs := repeat(message(t, sampleJob(t, "")), 3)
		for i := range jobs {
			j := sampleJob(t, `{"samples":2}`)
			j.JobID, j.RunID, j.Deadline = aigen.ID{byte(10 + i)}, aigen.ID{byte(20 + i)}, time.Now().Add(30*time.Minute)
			jobs[i] = message(t, j)
		}
		e.Publish(t.Context(), jobs, func(_ int, err error) { ended <- err })
		for range jobs {
			require.NoError(t, <-ended)
		}
		require.Equal(t, 6, gpu.sent)
		require.Equal(t, aigen.ReportSamples, r.reports[2].Report.Kind)
	})
}

// slowly is a service that takes its time.
type slowly struct {
	*limited
	takes time.Duration
}

func (s slowly) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(s.takes):
		return s.limited.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

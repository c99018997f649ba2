package httpapi_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/ratelimit"
)

// limited is an API with three requests a minute, and a clock that stands.
func limited(t *testing.T) (f *fixture, after func(time.Duration)) {
	t.Helper()
	var elapsed atomic.Int64
	began := time.Now()
	now := func() time.Time { return began.Add(time.Duration(elapsed.Load())) }
	l := ratelimit.New(app.Rate{Requests: 3, Per: time.Minute}, now)
	f = setup(t, func(c *httpapi.Config) { c.Limiter = l })
	return f, func(d time.Duration) { elapsed.Add(int64(d)) }
}

// rate is what the two fields of an answer say.
func (a answer) rate() [2]string {
	return [2]string{a.Header.Get("RateLimit"), a.Header.Get("RateLimit-Policy")}
}

const threeAMinute = `"default";q=3;w=60`

func TestRateLimit(t *testing.T) {
	t.Parallel()
	f, after := limited(t)
	assert.Equal(t, [2]string{`"default";r=2;t=20`, threeAMinute}, f.call(http.MethodGet, base, nil).is(http.StatusOK).rate())
	after(500 * time.Millisecond)
	// What is refused for another reason counts, and says so, too.
	a := f.call(http.MethodPost, base, object{})
	a.problem(http.StatusUnprocessableEntity, "invalid_input")
	assert.Equal(t, [2]string{`"default";r=1;t=20`, threeAMinute}, a.rate())
	assert.Equal(t, `"default";r=0;t=20`, f.call(http.MethodGet, base+"/"+newID().String(), nil).is(http.StatusNotFound).rate()[0])
	for range 2 {
		a = f.call(http.MethodPost, base, createBody())
		a.problem(http.StatusTooManyRequests, "rate_limited")
		assert.Equal(t, [2]string{`"default";r=0;t=20`, threeAMinute}, a.rate())
		assert.Equal(t, "20", a.Header.Get("Retry-After"))
	}
	assert.Zero(t, f.rows(), "a refused request does nothing")
	// After the time that it was told to wait, a client gets through.
	after(20 * time.Second)
	f.call(http.MethodPost, base, createBody()).is(http.StatusAccepted)
	f.call(http.MethodPost, base, createBody()).problem(http.StatusTooManyRequests, "rate_limited")

	other := "Bearer " + tokenOf(newID())
	assert.Equal(t, `"default";r=2;t=20`, f.call(http.MethodGet, base, nil, "Authorization", other).is(http.StatusOK).rate()[0])
}

// Each call of a user counts, and nothing else does.
func TestWhatIsLimited(t *testing.T) {
	t.Parallel()
	l := &counting{}
	f := setup(t, func(c *httpapi.Config) { c.Limiter = l })
	id := f.completed()
	for _, c := range []struct {
		method, path string
		counts       bool
	}{
		{http.MethodPost, base, true},
		{http.MethodGet, base, true},
		{http.MethodGet, base + "/" + id, true},
		{http.MethodHead, base + "/" + id, true},
		{http.MethodPost, base + "/" + id + "/select-sample", true},
		{http.MethodPost, base + "/" + id + "/regenerate-samples", true},
		{http.MethodPost, base + "/" + id + "/cancel", true},
		{http.MethodGet, base + "/" + id + "/events", true}, // of an ended one: it ends
		{http.MethodGet, "/api/v1/credits", true},
		{http.MethodPost, callbacks, false},
		{http.MethodGet, "/healthz", false},
		{http.MethodGet, "/readyz", false},
		{http.MethodGet, "/metrics", false},
		{http.MethodGet, "/docs", false},
		{http.MethodGet, "/openapi.json", false},
		{http.MethodGet, "/api/v1/nowhere", false},
		{http.MethodDelete, base, false},
	} {
		before := l.n.Load()
		a := f.call(c.method, c.path, nil)
		assert.Equal(t, c.counts, l.n.Load() == before+1, "%s %s", c.method, c.path)
		assert.Equal(t, c.counts, a.Header.Get("RateLimit") != "", "%s %s", c.method, c.path)
		assert.Equal(t, c.counts, a.Header.Get("RateLimit-Policy") != "", "%s %s", c.method, c.path)
	}
	before := l.n.Load()
	a := f.call(http.MethodGet, base, nil, "Authorization", "Bearer nonsense").is(http.StatusUnauthorized)
	assert.Empty(t, a.Header.Get("RateLimit"))
	assert.Equal(t, before, l.n.Load())
}

type counting struct{ n atomic.Int64 }

func (l *counting) Allow(context.Context, aigen.ID) app.RateDecision {
	l.n.Add(1)
	return app.Rate{Requests: 60, Per: time.Minute}.Decision(time.Second, true)
}

// An event stream counts once, when it begins; one that is refused is told why.
func TestStreamsAreLimited(t *testing.T) {
	t.Parallel()
	f, after := limited(t)
	s := f.listen("/api/v1/events")
	assert.Equal(t, `"default";r=2;t=20`, s.resp.Header.Get("RateLimit"))
	f.create()
	_, ok := s.named()
	require.True(t, ok)
	f.create()
	_, ok = s.named()
	require.True(t, ok)
	a := f.call(http.MethodGet, "/api/v1/events", nil)
	a.problem(http.StatusTooManyRequests, "rate_limited")
	after(20 * time.Second)
	f.listen("/api/v1/events")
}

func TestNoLimit(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := f.call(http.MethodGet, base, nil).is(http.StatusOK)
	assert.Equal(t, [2]string{}, a.rate())
}

// Scripts of other origins may read where they stand.
func TestRateIsExposed(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.CORSOrigins = []string{"https://app.example"} })
	a := f.call(http.MethodGet, base, nil, "Origin", "https://app.example").is(http.StatusOK)
	exposed := strings.Split(a.Header.Get("Access-Control-Expose-Headers"), ", ")
	require.Subset(t, exposed, []string{"RateLimit", "RateLimit-Policy", "Retry-After"})
}

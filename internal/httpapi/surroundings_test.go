package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"

	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

func TestHealthAndReady(t *testing.T) {
	t.Parallel()
	states := []runtimeinfo.Dependency{{Name: "database", State: runtimeinfo.StateOK, Mode: "sqlite"}}
	f := setup(t, func(c *httpapi.Config) {
		c.Version = "1.2.3"
		c.Ready = func(context.Context) []runtimeinfo.Dependency { return states }
	})
	assert.Equal(t, object{"status": "ok", "version": "1.2.3"}, f.call(http.MethodGet, "/healthz", nil, "Authorization", "").is(http.StatusOK).json())
	ready := f.call(http.MethodGet, "/readyz", nil, "Authorization", "").is(http.StatusOK).json()
	assert.Equal(t, object{"status": "ok", "dependencies": []any{object{"name": "database", "state": "ok", "mode": "sqlite"}}}, ready)
	states = append(states, runtimeinfo.Dependency{Name: "engine", State: runtimeinfo.StateDegraded})
	assert.Equal(t, "degraded", f.call(http.MethodGet, "/readyz", nil).is(http.StatusOK).json()["status"])
	states = append(states, runtimeinfo.Dependency{Name: "credits", State: runtimeinfo.StateDown}, runtimeinfo.Dependency{Name: "x", State: runtimeinfo.StateDegraded})
	a := f.call(http.MethodGet, "/readyz", nil).is(http.StatusServiceUnavailable)
	assert.Equal(t, "down", a.json()["status"])
	assert.NotEmpty(t, a.Header.Get("Retry-After"))
	f.call(http.MethodGet, "/healthz", nil).is(http.StatusOK)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) {
		c.MetricsHandler = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	})
	assert.Equal(t, "up 1\n", string(f.call(http.MethodGet, "/metrics", nil, "Authorization", "").is(http.StatusOK).body))
}

func TestAssets(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{"fox.png": {Data: []byte("\x89PNG\r\n\x1a\n 0123456789")}}
	f := setup(t, func(c *httpapi.Config) { c.Assets = http.StripPrefix("/assets/", http.FileServerFS(files)) })
	a := f.call(http.MethodGet, "/assets/fox.png", nil, "Authorization", "").is(http.StatusOK)
	assert.Equal(t, "image/png", a.Header.Get("Content-Type"))
	assert.Contains(t, a.Header.Get("Cache-Control"), "immutable")
	assert.Contains(t, a.Header.Get("Content-Security-Policy"), "sandbox")
	assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
	a = f.call(http.MethodGet, "/assets/fox.png", nil, "Range", "bytes=0-3").is(http.StatusPartialContent)
	assert.Equal(t, "\x89PNG", string(a.body))
	f.call(http.MethodGet, "/assets/fox.png", nil, "Range", "bytes=999-").problem(http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable")
	for _, path := range []string{"/assets/none.png", "/assets/..%2f..%2fetc%2fpasswd", "/assets/x%00"} {
		a = f.call(http.MethodGet, path, nil)
		assert.GreaterOrEqual(t, a.StatusCode, 400)
		assert.Equal(t, problemType, a.Header.Get("Content-Type"), path)
		assert.Equal(t, "no-store", a.Header.Get("Cache-Control"), "a refusal must not be kept for a year")
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, path := range []string{base, "/nowhere", "/docs", "/openapi.json", "/healthz", "/api/v1/credits"} {
		for _, token := range []string{"", "Bearer " + tokenOf(f.user)} {
			a := f.call(http.MethodGet, path, nil, "Authorization", token)
			assert.Equal(t, "nosniff", a.Header.Get("X-Content-Type-Options"))
			assert.Contains(t, a.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
			assert.Equal(t, "no-referrer", a.Header.Get("Referrer-Policy"))
			assert.Empty(t, a.Header.Get("Access-Control-Allow-Origin"))
			assert.Empty(t, a.Header.Get("Server"))
			assert.Empty(t, a.Cookies())
		}
	}
	assert.Equal(t, "no-store", f.call(http.MethodGet, base, nil).Header.Get("Cache-Control"))
}

// Who hangs up is no error of the service, neither in the log nor in the metrics.
func TestClientGone(t *testing.T) {
	t.Parallel()
	f := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/generations", nil)
	r.Header.Set("Authorization", "Bearer "+tokenOf(f.user))
	f.api.ServeHTTP(httptest.NewRecorder(), r)
	probe := setup(t, func(c *httpapi.Config) {
		c.Ready = func(context.Context) []runtimeinfo.Dependency {
			return []runtimeinfo.Dependency{{Name: "database", State: runtimeinfo.StateDown}}
		}
	})
	probe.api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, "/readyz", nil))
	assert.NotContains(t, probe.log.String(), "ERROR")
	assert.Contains(t, f.log.String(), `"status":499`)
	assert.Contains(t, f.log.String(), `"client_gone":true`)
	assert.NotContains(t, f.log.String(), "ERROR")
}

func TestCORS(t *testing.T) {
	t.Parallel()
	f := setup(t, func(c *httpapi.Config) { c.CORSOrigins = []string{"https://app.example"} })
	preflight := func(origin string) answer {
		return f.call(http.MethodOptions, base, nil, "Authorization", "", "Origin", origin, "Access-Control-Request-Method", "POST",
			"Access-Control-Request-Headers", "authorization,idempotency-key")
	}
	a := preflight("https://app.example").is(http.StatusNoContent)
	assert.Equal(t, "https://app.example", a.Header.Get("Access-Control-Allow-Origin"))
	for _, name := range []string{"Idempotency-Key", "Last-Event-ID", "Cache-Control", "traceparent", "tracestate", "baggage"} {
		assert.Contains(t, strings.Split(a.Header.Get("Access-Control-Allow-Headers"), ", "), name)
	}
	assert.Contains(t, a.Header.Get("Access-Control-Allow-Methods"), "POST")
	assert.Empty(t, a.Header.Get("Access-Control-Allow-Credentials"))
	for _, origin := range []string{"https://evil.example", "null", "https://app.example.evil.example", "http://app.example"} {
		assert.Empty(t, preflight(origin).Header.Get("Access-Control-Allow-Origin"))
	}
	for _, path := range []string{base, "/nowhere"} {
		a = f.call(http.MethodGet, path, nil, "Origin", "https://app.example")
		assert.Equal(t, "https://app.example", a.Header.Get("Access-Control-Allow-Origin"))
		assert.Contains(t, a.Header.Get("Access-Control-Expose-Headers"), "Idempotency-Replayed")
		assert.Contains(t, a.Header.Values("Vary"), "Origin")
	}
	all := setup(t, func(c *httpapi.Config) { c.CORSOrigins = []string{"*"} })
	assert.NotEmpty(t, all.call(http.MethodGet, base, nil, "Origin", "https://any.example").Header.Get("Access-Control-Allow-Origin"))
}

func TestLogIsOneLineWithoutSecrets(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	f.call(http.MethodGet, base+"/"+id+"?token=sesame", nil, "X-Request-Id", "r1\" level=ERROR")
	f.call(http.MethodGet, base+"/%0a%7b%22level%22:%22FORGED%22", nil)
	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": "\n{\"level\":\"FORGED\"}"})
	log := f.log.String()
	assert.Len(t, strings.Split(strings.TrimSpace(log), "\n"), 4)
	assert.Contains(t, log, `"generation_id":"`+id+`"`)
	assert.Contains(t, log, `"user_id":"`+f.user.String()+`"`)
	assert.Contains(t, log, `"route":"/api/v1/generations/{id}"`)
	for _, hidden := range []string{"sesame", "red fox", tokenOf(f.user), "FORGED", "level=ERROR"} {
		assert.NotContains(t, log, hidden)
	}

	detailed := setup(t, func(c *httpapi.Config) { c.DetailedLogging = true })
	id = detailed.create()
	detailed.report(samplesReport(id, detailed.job(id)))
	assert.Contains(t, detailed.log.String(), "red fox")
	assert.Contains(t, detailed.log.String(), "sketcher")
	assert.NotContains(t, detailed.log.String(), "Bearer")
	assert.NotContains(t, detailed.log.String(), tokenOf(detailed.user))
}

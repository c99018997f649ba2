package httpapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
)

func TestErrorsOfTheService(t *testing.T) {
	t.Parallel()
	s := &failing{}
	f := setup(t, func(c *httpapi.Config) { c.Service = s })
	for _, c := range []struct {
		err    error
		status int
		code   string
		retry  bool
	}{
		{&aigen.Error{Code: aigen.CodeInsufficientCredits, Message: "You need more."}, 402, "insufficient_credits", false},
		{&aigen.Error{Code: aigen.CodeIdempotencyConflict, Message: "Still running."}, 409, "idempotency_conflict", true},
		{&aigen.Error{Code: aigen.CodeIdempotencyKeyReused, Message: "Used."}, 422, "idempotency_key_reused", false},
		{&aigen.Error{Code: aigen.CodeInvalidState, Message: "Ended."}, 409, "invalid_state", false},
		{&aigen.Error{Code: aigen.CodeCreditServiceUnavailable, Message: "Wait.", Detail: "odoo.internal"}, 503, "credit_service_unavailable", true},
		{&aigen.Error{Code: "invented", Message: "odoo.internal"}, 500, "internal_error", false},
		{errors.New("SELECT * FROM users: db.internal refused"), 500, "internal_error", false},
		{&app.LimitError{Err: &aigen.Error{Code: aigen.CodeQueueFull, Message: "Full."}, Wait: time.Second}, 429, "queue_full", true},
		{&app.LimitError{Err: &aigen.Error{Code: aigen.CodeRateLimited, Message: "Slowly."}, Wait: time.Second}, 429, "rate_limited", true},
		{app.ErrVersionConflict, 503, "busy", true},
	} {
		s.err = c.err
		a := f.call(http.MethodPost, base, createBody())
		a.problem(c.status, c.code)
		assert.Equal(t, c.retry, a.Header.Get("Retry-After") != "", c.code)
		assert.NotContains(t, string(a.body), "internal refused")
		assert.NotContains(t, string(a.body), "odoo.internal")
		assert.Empty(t, a.Header.Get("Location"))
	}
	assert.Contains(t, f.log.String(), "db.internal refused")
}

func TestPanic(t *testing.T) {
	t.Parallel()
	seen := &requests{}
	f := setup(t, func(c *httpapi.Config) {
		c.Service, c.Recorder = &failing{panics: "the vault is at db.internal"}, seen
	})
	a := f.call(http.MethodGet, "/api/v1/credits", nil)
	a.problem(http.StatusInternalServerError, "internal_error")
	assert.NotContains(t, string(a.body), "vault")
	assert.NotContains(t, string(a.body), ".go")
	assert.Contains(t, f.log.String(), "the vault is at db.internal")
	assert.Contains(t, f.log.String(), "fakes_test.go", "the log has the stack")
	assert.Equal(t, []recorded{{"/api/v1/credits", http.MethodGet, 500}}, seen.all())
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	seen := &requests{}
	f := setup(t, func(c *httpapi.Config) { c.Recorder = seen })
	id := f.create()
	for _, path := range []string{"/nothing", "/api", "/api/v1", "/api/v2/generations", base + "/" + id + "/nothing", "/assets/x.png", "/api/v1/../v1/credits", "//api/v1/credits", "/metrics"} {
		f.call(http.MethodGet, path, nil).problem(http.StatusNotFound, "route_not_found")
	}
	for path, allow := range map[string]string{
		base: "GET, HEAD, POST", base + "/" + id: "GET, HEAD", base + "/" + id + "/cancel": "POST", callbacks: "POST", "/healthz": "GET, HEAD",
	} {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, "PURGE"} {
			a := f.call(method, path, nil)
			a.problem(http.StatusMethodNotAllowed, "method_not_allowed")
			assert.Equal(t, allow, a.Header.Get("Allow"))
		}
	}
	assert.Contains(t, seen.all(), recorded{"unmatched", "OTHER", 405})
}

func TestTrailingSlashAndHead(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.call(http.MethodPost, base+"/", createBody()).is(http.StatusAccepted)
	id := f.create()
	for _, path := range []string{base + "/", base + "/" + id + "/", "/api/v1/credits/"} {
		f.call(http.MethodGet, path, nil).is(http.StatusOK)
		head := f.call(http.MethodHead, path, nil).is(http.StatusOK)
		assert.Empty(t, head.body)
	}
	// Elsewhere a thing has one address, which a proxy can keep to itself.
	for _, path := range []string{"/healthz", "/metrics", "/docs"} {
		for _, more := range []string{"/", "%2f", "//", "/.", ";"} {
			f.call(http.MethodGet, path+more, nil).problem(http.StatusNotFound, "route_not_found")
		}
	}
	f.call(http.MethodGet, base+"%2f", nil).problem(http.StatusNotFound, "route_not_found")
	assert.Empty(t, f.call(http.MethodHead, base+"/"+id+"/events", nil).is(http.StatusOK).body, "HEAD of a stream ends")
	f.call(http.MethodPost, base+"/"+id+"/cancel/", nil).is(http.StatusOK)
	assert.Equal(t, "/docs", f.call(http.MethodGet, "/", nil).is(http.StatusFound).Header.Get("Location"))
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, name := range []string{"X-Request-Id", "X-Correlation-ID"} {
		a := f.call(http.MethodGet, base, nil, name, "Trace_1.2:3-4")
		assert.Equal(t, "Trace_1.2:3-4", a.Header.Get("X-Request-Id"))
	}
	assert.Contains(t, f.log.String(), `"request_id":"Trace_1.2:3-4"`)
	a := f.call(http.MethodGet, base, nil, "X-Request-Id", "mine", "X-Correlation-ID", "other")
	assert.Equal(t, "mine", a.Header.Get("X-Request-Id"))
	seen := map[string]bool{}
	for _, bad := range []string{"", "two words", "new\tline", "<script>", strings.Repeat("x", 129), "ümlaut", `a"b`} {
		id := f.call(http.MethodGet, "/nowhere", nil, "X-Request-Id", bad).Header.Get("X-Request-Id")
		require.Regexp(t, `^[A-Za-z0-9]{16,}$`, id)
		assert.False(t, seen[id])
		seen[id] = true
	}
	assert.Len(t, f.call(http.MethodGet, base, nil, "X-Request-Id", strings.Repeat("x", 128)).Header.Get("X-Request-Id"), 128)
}

func TestConfigIsChecked(t *testing.T) {
	t.Parallel()
	good := func() httpapi.Config {
		return httpapi.Config{Service: &failing{}, Authenticator: &fakeAuth{}, CallbackSecrets: []string{"s"}, CallbackSecurity: true}
	}
	_, err := httpapi.New(good())
	require.NoError(t, err)
	for name, spoil := range map[string]func(*httpapi.Config){
		"no service":       func(c *httpapi.Config) { c.Service = nil },
		"no authenticator": func(c *httpapi.Config) { c.Authenticator = nil },
		"no proof":         func(c *httpapi.Config) { c.CallbackSecrets = nil },
		"bad secret":       func(c *httpapi.Config) { c.CallbackSecrets = []string{"whsec_?"} },
		"empty secret":     func(c *httpapi.Config) { c.CallbackSecrets = []string{""} },
		"bad origin":       func(c *httpapi.Config) { c.CORSOrigins = []string{"https://a.example/path"} },
		"no origin":        func(c *httpapi.Config) { c.CORSOrigins = []string{"a.example"} },
	} {
		c := good()
		spoil(&c)
		_, err := httpapi.New(c)
		assert.Error(t, err, name)
	}
}

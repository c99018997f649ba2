package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/sqlite"
	"github.com/creativeflow/aigen/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	jsonType    = "application/json"
	problemType = "application/problem+json"
	secret      = "the secret of the callbacks"
	base        = "/api/v1/generations"
	callbacks   = "/api/v1/callbacks/n8n"
)

// fixture is the API over the real service and store, on a real port.
type fixture struct {
	*httptest.Server
	t      testing.TB
	api    *httpapi.API
	store  *sqlite.Store
	svc    *app.Service
	policy *aigen.Policy
	tokens *app.JobTokens
	auth   *fakeAuth
	log    *safeBuffer
	user   aigen.ID

	boss       aigen.ID // an operator
	operations *operations.Service
}

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

func setup(t testing.TB, changes ...func(*httpapi.Config)) *fixture {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{InitialCredits: 100_00})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	f := &fixture{t: t, store: store, auth: &fakeAuth{}, log: &safeBuffer{}, user: newID(), boss: newID()}
	f.policy = &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 30 * time.Second, MaxStageAttempts: 3,
		RetryDelay: func(int) time.Duration { return 0 }, Now: time.Now, NewID: newID,
	}
	f.svc, err = app.New(app.Config{
		Policy: f.policy, Store: store, Ledger: store, Live: live.NewHub(live.Config{Store: store, Poll: 20 * time.Millisecond}), Log: slog.New(slog.NewJSONHandler(f.log, nil)),
	})
	require.NoError(t, err)
	f.tokens, err = app.NewJobTokens([]byte(secret))
	require.NoError(t, err)
	c := httpapi.Config{
		Service: f.svc, Authenticator: f.auth, Tokens: f.tokens, CallbackSecrets: []string{"an older secret", secret},
		CallbackSecurity: true, Log: slog.New(slog.NewJSONHandler(f.log, nil)), Heartbeat: 50 * time.Millisecond,
	}
	for _, change := range changes {
		change(&c)
	}
	f.api, err = httpapi.New(c)
	require.NoError(t, err)
	f.Server = httptest.NewUnstartedServer(nil)
	f.Config = httpapi.NewServer(f.api, nil)
	f.Start()
	t.Cleanup(func() {
		f.api.Shutdown()
		f.Close()
	})
	return f
}

// fakeAuth knows the token of each user: "user " and the id.
type fakeAuth struct {
	mu      sync.Mutex
	expires time.Time
	down    bool
}

// expire gives all tokens an end.
func (a *fakeAuth) expire(at time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.expires = at
}

func tokenOf(user aigen.ID) string { return "user." + user.String() }

func (a *fakeAuth) Authenticate(_ context.Context, token string) (web.Identity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return web.Identity{}, fmt.Errorf("%w: keys.internal:8443 refused", web.ErrAuthUnavailable)
	}
	var roles []string
	kind, text, ok := strings.Cut(token, ".")
	switch kind {
	case "user":
	case "operator":
		roles = []string{"designer", web.RoleOperator}
	case "other":
		roles = []string{"operators", "Operator", "admin"}
	default:
		ok = false
	}
	if !ok {
		return web.Identity{}, fmt.Errorf("the token's signature is not valid: %w", errors.New("keys.internal:8443 has no such key"))
	}
	id, err := aigen.ParseID(text)
	if err != nil {
		return web.Identity{}, errors.New("the token names no user")
	}
	return web.Identity{UserID: id, Roles: roles, ExpiresAt: a.expires}, nil
}

// safeBuffer is a log that tests read while it is written.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	t    testing.TB
	body []byte
}

// call sends a request as the fixture's user. headers are name, value, name, value;
// an empty value removes the header.
func (f *fixture) call(method, path string, body any, headers ...string) answer {
	f.t.Helper()
	return f.do(f.request(method, path, body, headers...))
}

func (f *fixture) request(method, path string, body any, headers ...string) *http.Request {
	f.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	case io.Reader:
		reader = b
	default:
		raw, err := json.Marshal(b)
		require.NoError(f.t, err)
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.URL+path, reader)
	require.NoError(f.t, err)
	if body != nil {
		r.Header.Set("Content-Type", jsonType)
	}
	r.Header.Set("Authorization", "Bearer "+tokenOf(f.user))
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	return r
}

func (f *fixture) do(r *http.Request) answer {
	f.t.Helper()
	client := &http.Client{
		Transport:     f.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(r)
	require.NoError(f.t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return answer{Response: resp, t: f.t, body: body}
}

// json reads the body into a map.
func (a answer) json() (v map[string]any) {
	a.t.Helper()
	require.NoError(a.t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

// is checks the status.
func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.body)
	return a
}

// problem checks that the answer is a whole problem with this status and code, and
// returns the locations that it names.
func (a answer) problem(status int, code string) (locations []string) {
	a.t.Helper()
	a.is(status)
	require.Equal(a.t, problemType, a.Header.Get("Content-Type"))
	v := a.json()
	require.Equal(a.t, code, v["code"], "%s", a.body)
	require.Equal(a.t, "urn:aigen:problem:"+code, v["type"])
	require.InDelta(a.t, status, v["status"], 0)
	require.NotEmpty(a.t, v["title"])
	require.NotEmpty(a.t, v["detail"])
	require.Equal(a.t, a.Header.Get("X-Request-Id"), v["requestId"])
	list, _ := v["errors"].([]any)
	for _, e := range list {
		fault, _ := e.(map[string]any)
		require.NotEmpty(a.t, fault["message"])
		location, _ := fault["location"].(string)
		locations = append(locations, location)
	}
	return locations
}

// create starts a generation and returns its id.
func (f *fixture) create(headers ...string) string {
	f.t.Helper()
	a := f.call(http.MethodPost, base, createBody(), headers...).is(http.StatusAccepted)
	id, _ := a.json()["generationId"].(string)
	return id
}

func createBody() map[string]any {
	return map[string]any{"projectId": newID().String(), "inputPrompt": "a red fox", "inputParameters": map[string]any{"samples": 2}}
}

// job is the newest job of a generation.
func (f *fixture) job(generation string) aigen.ID {
	f.t.Helper()
	id, err := aigen.ParseID(generation)
	require.NoError(f.t, err)
	g, err := f.store.Get(f.t.Context(), id)
	require.NoError(f.t, err)
	jobs := g.Runs[len(g.Runs)-1].Jobs
	return jobs[len(jobs)-1].ID
}

type object = map[string]any

func samplesReport(generation string, job aigen.ID) object {
	return object{
		"generationId": generation, "jobId": job.String(), "status": "success", "stage": "samples_generated",
		"results": object{
			"sampleAssets": []object{{"assetId": "s1", "url": "/assets/s1.png"}, {"assetId": "s2", "url": "https://cdn.example/s2.png"}},
			"aiModelUsed":  "sketcher", "metadata": object{},
		},
		"error": nil,
	}
}

func finalReport(generation string, job aigen.ID) object {
	return object{
		"generationId": generation, "jobId": job.String(), "status": "success", "stage": "final_asset_generated",
		"results": object{"finalAsset": object{"assetId": "f1", "url": "/assets/f1.png", "width": 1080, "height": 1920}},
	}
}

// report sends a callback with the job's own token.
func (f *fixture) report(body object, headers ...string) answer {
	f.t.Helper()
	generation, err := aigen.ParseID(fmt.Sprint(body["generationId"]))
	require.NoError(f.t, err)
	job, _ := aigen.ParseID(fmt.Sprint(body["jobId"]))
	headers = append([]string{"Authorization", "Bearer " + f.tokens.Make(generation, job)}, headers...)
	return f.call(http.MethodPost, callbacks, body, headers...)
}

// awaiting is a generation that waits for a choice.
func (f *fixture) awaiting() string {
	f.t.Helper()
	id := f.create()
	f.report(samplesReport(id, f.job(id))).is(http.StatusOK)
	return id
}

// completed is a generation with its final.
func (f *fixture) completed() string {
	f.t.Helper()
	id := f.awaiting()
	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": "s2"}).is(http.StatusAccepted)
	f.report(finalReport(id, f.job(id))).is(http.StatusOK)
	return id
}

// rows is the number of generations of the fixture's user.
func (f *fixture) rows() int {
	f.t.Helper()
	list, err := f.store.List(f.t.Context(), app.ListQuery{UserID: f.user, Limit: 1000})
	require.NoError(f.t, err)
	return len(list)
}

package httpapi_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/live"
)

// openRoutes are all routes without a user's token, and why that is right. A new route
// without a guard has to be put here by hand.
var openRoutes = map[string]string{
	"POST /api/v1/callbacks/n8n": "has proofs of its own: callback_auth_test.go, replay_test.go",
	"POST /api/v1/uploads/{job}": "has the job's token as its proof: pictures_test.go",
	"GET /healthz":               "says that the process lives, and its version",
	"GET /readyz":                "names dependencies and their states, no hosts",
	"GET /metrics":               "numbers without ids; a proxy keeps it inside (docs/operations.md)",
	"GET /openapi.json":          "is the same for everybody",
	"GET /openapi.yaml":          "is the same for everybody",
	"GET /docs":                  "is the same for everybody",
	"GET /assets/":               "the name of a picture cannot be guessed and is not listed",
	"GET /":                      "leads to /docs",
}

// ownRoutes are the routes that know a user but no generation: each shows what is the
// caller's, and nothing else (TestNothingOfOthersIsListed).
var ownRoutes = map[string]bool{
	"POST /api/v1/generations": true, "GET /api/v1/generations": true, "GET /api/v1/events": true, "GET /api/v1/credits": true,
	"POST /api/v1/assets": true, "GET /api/v1/assets": true,
}

// goodBodies would be accepted of the owner. A route with {id} that takes a body has to
// be put here: a refusal of the body would say nothing of the generation.
var goodBodies = map[string]any{
	"/select-sample": object{"sampleId": "s1"}, "/regenerate-samples": object{}, "/cancel": nil, "/retry": nil, "": nil, "/events": nil,
}

// TestEveryRouteIsGuarded: without a token, each route for users says 401, and those
// that do not are the ones that are meant to.
func TestEveryRouteIsGuarded(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.awaiting()
	before := f.state(id)
	for _, rt := range httpapi.Routes() {
		name := rt.Method + " " + rt.Path
		if !rt.ForUsers {
			assert.NotEmpty(t, openRoutes[name], "%s is open to everybody: say in openRoutes why that is right", name)
			continue
		}
		path := strings.Replace(rt.Path, "{id}", id, 1)
		for _, spelling := range []string{path, path + "/", path + "?x=y"} {
			for _, token := range []string{"", "Bearer forged", "Bearer user.00000000-0000-0000-0000-000000000000"} {
				a := f.call(rt.Method, spelling, object{}, "Authorization", token)
				assert.Equal(t, http.StatusUnauthorized, a.StatusCode, "%s %q", name, token)
			}
		}
	}
	assert.Equal(t, before, f.state(id))
}

// TestOthersGenerationsDoNotExist: by every route there is, in every form that it
// answers in, somebody else's generation cannot be told from one that nobody has: not by
// the answer, and not by the work that is done for it.
func TestOthersGenerationsDoNotExist(t *testing.T) {
	t.Parallel()
	f := setup(t)
	counted := &countedStore{GenerationRepository: f.store}
	f.over(counted)
	waiting, running, done := f.awaiting(), f.create(), f.completed()
	before := f.state(waiting) + f.state(running) + f.state(done)
	other := "Bearer " + tokenOf(newID())
	tried := 0
	for _, rt := range httpapi.Routes() {
		if rt.ForOperators {
			continue // no user gets in: TestAdminIsForOperators
		}
		prefix, suffix, hasID := strings.Cut(rt.Path, "{id}")
		if !hasID {
			assert.True(t, !rt.ForUsers || ownRoutes[rt.Method+" "+rt.Path], "%s %s: does it show what is another's?", rt.Method, rt.Path)
			continue
		}
		body, known := goodBodies[suffix]
		require.True(t, known, "put a good body for %s %s into goodBodies", rt.Method, rt.Path)
		for _, accept := range []string{"", "application/json", "text/event-stream"} {
			for _, method := range methodsOf(rt.Method) {
				ask := func(id string, headers ...string) (answer, []string) {
					counted.reset()
					headers = append([]string{"Authorization", other, "Accept", accept}, headers...)
					return f.call(method, prefix+id+suffix, body, headers...), counted.seen()
				}
				for _, id := range []string{waiting, running, done} {
					theirs, theirWork := ask(id)
					nobodys, nobodysWork := ask(newID().String())
					sameRefusal(t, theirs, nobodys)
					assert.Equal(t, nobodysWork, theirWork, "%s %s: the time it takes may tell", method, rt.Path)
					// Not by what they may know of it either.
					theirs, _ = ask(id, "Idempotency-Key", "mine", "Last-Event-ID", "1", "If-None-Match", "*")
					nobodys, _ = ask(newID().String(), "Idempotency-Key", "another", "Last-Event-ID", "1", "If-None-Match", "*")
					sameRefusal(t, theirs, nobodys)
					tried++
				}
			}
		}
	}
	assert.GreaterOrEqual(t, tried, 5*3*3)
	assert.Equal(t, before, f.state(waiting)+f.state(running)+f.state(done))
}

func methodsOf(method string) []string {
	if method == http.MethodGet {
		return []string{http.MethodGet, http.MethodHead}
	}
	return []string{method}
}

// sameRefusal checks that two answers say 404 and differ in nothing but the ids of
// their requests.
func sameRefusal(t *testing.T, theirs, nobodys answer) {
	t.Helper()
	assert.Equal(t, http.StatusNotFound, theirs.StatusCode, "%s %s", theirs.Request.Method, theirs.Request.URL.Path)
	assert.Equal(t, http.StatusNotFound, nobodys.StatusCode)
	plain := func(a answer) (http.Header, string) {
		h := a.Header.Clone()
		for _, name := range []string{"X-Request-Id", "Date", "Content-Length"} {
			h.Del(name)
		}
		return h, strings.ReplaceAll(string(a.body), a.Header.Get("X-Request-Id"), "")
	}
	theirHeader, theirBody := plain(theirs)
	header, body := plain(nobodys)
	assert.Equal(t, header, theirHeader)
	assert.Equal(t, body, theirBody)
}

// TestNothingOfOthersIsListed: lists, streams and balances over all of a user's things
// hold nothing of anybody else's, whatever is handed in.
func TestNothingOfOthersIsListed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create("Idempotency-Key", "mine")
	mine := f.call(http.MethodGet, base+"/"+id, nil).json()
	cursor, _ := f.call(http.MethodGet, base+"?limit=1", nil).json()["nextCursor"].(string)
	stranger := newID()
	other := []string{"Authorization", "Bearer " + tokenOf(stranger)}
	for _, query := range []string{"", "?status=ProcessingSamples", "?projectId=" + mine["projectId"].(string), "?cursor=" + cursor} {
		list := f.call(http.MethodGet, base+query, nil, other...).is(http.StatusOK).json()
		assert.Empty(t, list["items"], query)
	}
	f.call(http.MethodGet, base+"?userId="+f.user.String(), nil, other...).problem(http.StatusUnprocessableEntity, "invalid_input")
	theirs := f.call(http.MethodPost, base, createBody(), append(other, "Idempotency-Key", "mine")...).is(http.StatusAccepted)
	assert.NotEqual(t, id, theirs.json()["generationId"], "a key belongs to its user")
	assert.Empty(t, theirs.Header.Get("Idempotency-Replayed"))
	credits := f.call(http.MethodGet, "/api/v1/credits", nil, "Authorization", "Bearer "+tokenOf(newID())).json()
	assert.Equal(t, "0.00", credits["reserved"])

	// The stranger's stream, from the very beginning, while things happen to both.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := f.request(http.MethodGet, "/api/v1/events", nil, append(other, "Last-Event-ID", "0")...)
	resp, err := f.Client().Do(r.WithContext(ctx))
	require.NoError(t, err)
	defer resp.Body.Close()
	f.report(samplesReport(id, f.job(id))).is(http.StatusOK)
	own, _ := theirs.json()["generationId"].(string)
	f.call(http.MethodPost, base+"/"+own+"/cancel", nil, other...).is(http.StatusOK)
	seen := 0
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			seen++
			assert.Contains(t, data, own)
			assert.NotContains(t, data, id)
			if strings.Contains(data, `"Cancelled"`) {
				break
			}
		}
	}
	assert.GreaterOrEqual(t, seen, 2)
}

// state is a generation as its owner sees it.
func (f *fixture) state(id string) string {
	return string(f.call(http.MethodGet, base+"/"+id, nil).is(http.StatusOK).body)
}

// countedStore remembers what is asked of the store: answers that cost the same are
// hard to tell apart by the clock.
type countedStore struct {
	app.GenerationRepository

	mu    sync.Mutex
	calls []string
}

// over lets the fixture be reached by a second API, whose service has this store.
func (f *fixture) over(store app.GenerationRepository) {
	f.t.Helper()
	service, err := app.New(app.Config{Policy: f.policy, Store: store, Ledger: f.store, Live: live.NewHub(live.Config{Store: store, Poll: 20 * time.Millisecond})})
	require.NoError(f.t, err)
	api, err := httpapi.New(httpapi.Config{
		Service: service, Authenticator: f.auth, Tokens: f.tokens, CallbackSecrets: []string{secret}, CallbackSecurity: true,
	})
	require.NoError(f.t, err)
	own := httptest.NewUnstartedServer(nil)
	own.Config = httpapi.NewServer(api, nil)
	own.Start()
	f.t.Cleanup(func() {
		api.Shutdown()
		own.Close()
	})
	f.URL = own.URL
}

func (s *countedStore) note(call string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
}

func (s *countedStore) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = nil
}

func (s *countedStore) seen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.calls...)
}

func (s *countedStore) Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error) {
	s.note("Get")
	return s.GenerationRepository.Get(ctx, id)
}

func (s *countedStore) Apply(ctx context.Context, changes []*app.Change) []error {
	s.note("Apply")
	return s.GenerationRepository.Apply(ctx, changes)
}

func (s *countedStore) Events(ctx context.Context, id aigen.ID, after int64, limit int) ([]aigen.Event, error) {
	s.note("Events")
	return s.GenerationRepository.Events(ctx, id, after, limit)
}

func (s *countedStore) IdempotencyRecord(ctx context.Context, user aigen.ID, key string, now time.Time) (app.IdempotencyRecord, error) {
	s.note("IdempotencyRecord")
	return s.GenerationRepository.IdempotencyRecord(ctx, user, key, now)
}

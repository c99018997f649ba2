package console_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/console"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/sqlite"
	"github.com/creativeflow/aigen/internal/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

// fixture is the console on the API's server, over the real service and store.
type fixture struct {
	*httptest.Server
	t       *testing.T
	console *console.Console
	svc     *app.Service
	store   *sqlite.Store
	auth    *fakeAuth
	user    aigen.ID
	local   *console.Local
	client  *http.Client
}

// setup makes a console; with no Local in its settings, everybody needs a token.
func setup(t *testing.T, changes ...func(*console.Config)) *fixture {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{InitialCredits: 100_00})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	policy := &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 30 * time.Second, MaxStageAttempts: 3,
		RetryDelay: func(int) time.Duration { return 0 }, Now: time.Now, NewID: newID,
	}
	f := &fixture{t: t, store: store, auth: &fakeAuth{}, user: newID()}
	f.svc, err = app.New(app.Config{Policy: policy, Store: store, Ledger: store, Live: live.NewHub(live.Config{Store: store, Poll: 20 * time.Millisecond})})
	require.NoError(t, err)
	f.Server = httptest.NewUnstartedServer(nil)
	base := "http://" + f.Listener.Addr().String()
	c := console.Config{
		Service: f.svc, Authenticator: f.auth, Pricing: policy.Pricing, AssetBase: func() string { return base },
		Heartbeat: 30 * time.Millisecond,
	}
	for _, change := range changes {
		change(&c)
	}
	f.local = c.Local
	f.console, err = console.New(c)
	require.NoError(t, err)
	api, err := httpapi.New(httpapi.Config{
		Service: f.svc, Authenticator: f.auth, CallbackSecrets: []string{"the secret of the callbacks"},
		CallbackSecurity: true, Pages: f.console.Pages(), NoPage: f.console.NotFound(), CORSOrigins: []string{"*"}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	f.Config = httpapi.NewServer(api, nil)
	f.Start()
	t.Cleanup(func() {
		f.console.Shutdown()
		api.Shutdown()
		f.Close()
	})
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	f.client = &http.Client{
		Transport: f.Client().Transport, Jar: jar,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return f
}

// local has a key for the person who started the service.
func local(user aigen.ID) func(*console.Config) {
	return func(c *console.Config) {
		c.Local = &console.Local{UserID: user, ProjectID: newID(), Secret: []byte("of this installation")}
	}
}

// fakeAuth knows the token of each user: "user." and the id, and perhaps a role.
type fakeAuth struct {
	mu      sync.Mutex
	expires time.Time
	down    bool
	expired bool
}

func (a *fakeAuth) set(change func(*fakeAuth)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

func tokenOf(user aigen.ID) string { return "user." + user.String() }

func (a *fakeAuth) Authenticate(_ context.Context, token string) (web.Identity, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return web.Identity{}, fmt.Errorf("%w: keys.internal refused", web.ErrAuthUnavailable)
	}
	text, ok := strings.CutPrefix(token, "user.")
	if !ok {
		return web.Identity{}, fmt.Errorf("the token's signature is wrong: %w", errors.New("keys.internal has no such key"))
	}
	if a.expired {
		return web.Identity{}, errors.New("the token has expired or has no expiry")
	}
	text, role, _ := strings.Cut(text, ".")
	id, err := aigen.ParseID(text)
	if err != nil {
		return web.Identity{}, errors.New("the token names no user")
	}
	return web.Identity{UserID: id, Roles: strings.Fields(role), ExpiresAt: a.expires}, nil
}

// answer is a response with its body read.
type answer struct {
	*http.Response
	t    *testing.T
	text string
}

// do sends a request as a browser would. headers are name, value, name, value; Host
// sets the host.
func (f *fixture) do(method, path string, form url.Values, headers ...string) answer {
	f.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequestWithContext(f.t.Context(), method, f.URL+path, body)
	require.NoError(f.t, err)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := f.client.Do(r)
	require.NoError(f.t, err)
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(f.t, err)
	return answer{resp, f.t, string(text)}
}

func (f *fixture) get(path string, headers ...string) answer {
	f.t.Helper()
	return f.do(http.MethodGet, path, nil, headers...)
}

func (a answer) is(status int) answer {
	a.t.Helper()
	require.Equal(a.t, status, a.StatusCode, "%s", a.text)
	return a
}

// leadsTo checks a redirect.
func (a answer) leadsTo(path string) answer {
	a.t.Helper()
	a.is(http.StatusSeeOther)
	require.Equal(a.t, path, a.Header.Get("Location"))
	return a
}

func (a answer) has(texts ...string) answer {
	a.t.Helper()
	for _, text := range texts {
		require.Contains(a.t, a.text, text)
	}
	return a
}

// signIn puts the token of the fixture's user into the cookie.
func (f *fixture) signIn() {
	f.t.Helper()
	f.do(http.MethodPost, "/sign-in", url.Values{"token": {tokenOf(f.user)}}).leadsTo("/")
}

// enter opens the address with the key.
func (f *fixture) enter() {
	f.t.Helper()
	f.get("/?key=" + f.local.Key()).leadsTo("/")
}

var hidden = regexp.MustCompile(`<input type="hidden" name="(csrf|nonce)" value="([^"]*)">`)

// secrets are the hidden fields of the first form on a page that has them.
func (a answer) secrets() url.Values {
	a.t.Helper()
	v := url.Values{}
	for _, m := range hidden.FindAllStringSubmatch(a.text, -1) {
		if !v.Has(m[1]) {
			v.Set(m[1], m[2])
		}
	}
	require.NotEmpty(a.t, v.Get("csrf"), "no form")
	return v
}

// studio is a filled form of the studio.
func (f *fixture) studio(prompt string) url.Values {
	f.t.Helper()
	v := f.get("/").is(http.StatusOK).secrets()
	v.Set("prompt", prompt)
	v.Set("format", "InstagramStory")
	v.Set("samples", "2")
	v.Set("project", newID().String())
	return v
}

// create asks for samples and returns the id.
func (f *fixture) create(prompt string) aigen.ID {
	f.t.Helper()
	to := f.do(http.MethodPost, "/generations", f.studio(prompt)).is(http.StatusSeeOther).Header.Get("Location")
	id, err := aigen.ParseID(strings.TrimPrefix(to, "/generations/"))
	require.NoError(f.t, err, to)
	return id
}

// report lets the engine say something of a generation.
func (f *fixture) report(id aigen.ID, report func(*app.ProcessResult)) {
	f.t.Helper()
	g, err := f.store.Get(f.t.Context(), id)
	require.NoError(f.t, err)
	run := g.Runs[len(g.Runs)-1]
	cmd := app.ProcessResult{GenerationID: id, Report: aigen.Report{JobID: run.Jobs[len(run.Jobs)-1].ID}}
	report(&cmd)
	_, err = f.svc.ProcessN8NResult(f.t.Context(), cmd)
	require.NoError(f.t, err)
}

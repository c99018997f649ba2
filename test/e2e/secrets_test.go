package e2e

import (
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/auth"
	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// marker is in every secret of these tests, and in no other text.
const marker = "MARK3R"

// leaks is a server that refuses whatever it is asked, and quotes in its refusal all that
// it was sent, in every form that such servers have. It takes every third call.
type leaks struct {
	url string

	mu    sync.Mutex
	calls int
	heard strings.Builder // bodies
	good  string          // answer
}

func startLeaks(t *testing.T, good string) *leaks {
	t.Helper()
	l := &leaks{good: good}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	l.url = server.URL
	return l
}

func (l *leaks) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	l.mu.Lock()
	l.calls++
	n := l.calls
	l.heard.Write(body)
	l.mu.Unlock()
	if n%3 == 0 && l.good != "" {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, l.good)
		return
	}
	quoted := fmt.Sprintf("%s %s %v %s", r.Method, r.URL, r.Header, body)
	status := []int{http.StatusInternalServerError, http.StatusBadGateway, http.StatusUnauthorized, http.StatusServiceUnavailable}[n%4]
	answer, media := quoted, "text/plain"
	if n%2 == 0 {
		answer, media = fmt.Sprintf(`{"error":{"code":"x","message":%[1]q},"message":%[1]q,"detail":%[1]q}`, quoted), "application/json"
	}
	w.Header().Set("Content-Type", media)
	w.Header().Set("X-Request-Id", r.Header.Get("Authorization"))
	w.Header().Set("Retry-After", r.Header.Get("Authorization"))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, answer)
}

func (l *leaks) bodies() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heard.String()
}

// withUser puts credentials into a URL.
func withUser(t *testing.T, raw, password string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	u.User = url.UserPassword("user", password)
	return u.String()
}

// TestSecretsAreNowhere runs the program with a marker in each secret there is, through
// generations that work and fail, with everything that can be logged being logged, and
// looks for the markers, the tokens and the prompt in all that comes out of it.
func TestSecretsAreNowhere(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			credits := startLeaks(t, `{"ok": true, "can_afford": true, "available": "50.00", "balance": "60.00", "reserved": "10.00"}`)
			notify, traces := startLeaks(t, `{}`), startLeaks(t, "")
			engine := startLeaks(t, `{}`)
			settings := map[string]string{
				"LOG_LEVEL": "debug", "LOG_FORMAT": format, "JWT_SECRET": marker + "-jwt-0123456789-0123456789",
				"N8N_CALLBACK_SECRET": marker + "-callback-new," + marker + "-callback-old",
				"DATABASE_URL":        databaseOf(t, marker+"database"),
				"ODOO_SERVICE_URL":    withUser(t, credits.url, marker+"odoo"), "ODOO_API_KEY": marker + "-odoo-key",
				"NOTIFICATION_SERVICE_URL": withUser(t, notify.url, marker+"notify"), "NOTIFICATION_API_KEY": marker + "-notify-key",
				"N8N_WEBHOOK_URL":             withUser(t, engine.url, marker+"n8n") + "/hook?token=" + marker + "query",
				"REDIS_URL":                   "redis://:" + marker + "redis@127.0.0.1:1/0",
				"OTEL_EXPORTER_OTLP_ENDPOINT": withUser(t, traces.url, marker+"otlp"),
				"OUTBOX_MAX_ATTEMPTS":         "3", "SAMPLES_TIMEOUT": "3s",
			}
			dir := t.TempDir()
			p := startText(t, dir, settings)
			seen := &everything{t: t}
			who := testprogram.NewUser(t)
			who.Token = tokenFor(t, who, settings["JWT_SECRET"])
			journeys(t, p.URL, who, seen)
			for _, command := range [][]string{{"doctor"}, {"doctor", "--json"}, {"deliveries", "list", "--all"}, {"deliveries", "list", "--all", "--json"}} {
				seen.add(strings.Join(command, " "), output(t, dir, settings, command...))
			}
			// The stacks of all goroutines, as a crash would print them.
			require.NoError(t, p.Signal(syscall.SIGQUIT))
			<-p.Ended
			require.Contains(t, p.Output(), "goroutine ")
			seen.add("the log and the stacks", p.Output())
			seen.add("notifications", notify.bodies())
			seen.add("traces", traces.bodies())
			require.NotEmpty(t, engine.bodies())
			require.NotEmpty(t, credits.bodies())
			seen.hasNot(marker, who.Token, "a very secret fox", tokensIn(engine.bodies()))
		})
	}
}

// everything is what came out of the program, by where.
type everything struct {
	t    *testing.T
	what []string
	text []string
}

func (e *everything) add(what, text string) {
	e.what, e.text = append(e.what, what), append(e.text, text)
}

// hasNot shows the surroundings of what should not be there, and no more.
func (e *everything) hasNot(secrets ...string) {
	e.t.Helper()
	for _, secret := range secrets {
		require.NotEmpty(e.t, secret)
		for i, text := range e.text {
			if at := strings.Index(text, secret); at >= 0 {
				e.t.Errorf("%s: …%s…", e.what[i], text[max(0, at-300):min(len(text), at+100)])
			}
		}
	}
}

// tokensIn is a callback token that an engine was given.
func tokensIn(bodies string) string {
	_, rest, _ := strings.Cut(bodies, `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	return token
}

func tokenFor(t *testing.T, u *testprogram.User, secret string) string {
	t.Helper()
	token, err := auth.Mint([]byte(secret), auth.Claims{UserID: u.ID, IssuedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)})
	require.NoError(t, err)
	return token
}

// journeys makes good and bad calls, and keeps each answer but those that hold the
// prompt by right.
func journeys(t *testing.T, url string, u *testprogram.User, seen *everything) {
	t.Helper()
	var ids []string
	for range 6 {
		a, err := u.Create(url, "", "a very secret fox")
		require.NoError(t, err)
		seen.add("create", string(a.Raw))
		if a.HTTP == http.StatusAccepted {
			ids = append(ids, a.GenerationID)
		}
	}
	require.NotEmpty(t, ids, "no reservation came through")
	for _, id := range ids {
		testprogram.Eventually(t, "an end", func() bool {
			a, err := u.Get(url, id)
			require.NoError(t, err)
			return a.Status == "Failed"
		})
		for _, verb := range []string{"cancel", "select-sample", "regenerate-samples"} {
			a, err := u.Post(url, id, verb, "", map[string]any{"sampleId": "x"})
			require.NoError(t, err)
			seen.add(verb, string(a.Raw))
		}
	}
	for _, header := range [][2]string{
		{"X-N8N-Webhook-Secret", marker + "-callback-old"}, {"X-N8N-Webhook-Secret", marker + "-callback-wrong"},
		{"Authorization", "Bearer " + u.Token}, {"Authorization", "Bearer " + marker},
	} {
		body := `{"generationId":"` + ids[0] + `","status":"success","stage":"progress","results":{"progress":1}}`
		seen.add("callback", fetch(t, http.MethodPost, url+"/api/v1/callbacks/n8n", body, header))
	}
	for _, path := range []string{
		"/", "/docs", "/openapi.json", "/openapi.yaml", "/metrics", "/readyz", "/healthz", "/nowhere", "/assets/", "/debug/pprof/", "/debug/vars",
		"/api/v1/credits", "/api/v1/generations?cursor=" + marker[:3], "/api/v1/generations/" + ids[0] + "/events",
	} {
		for _, token := range []string{u.Token, u.Token + "x"} {
			seen.add(path, fetch(t, http.MethodGet, url+path, "", [2]string{"Authorization", "Bearer " + token}))
		}
	}
}

// fetch returns the whole answer, headers included.
func fetch(t *testing.T, method, url, body string, header [2]string) string {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(header[0], header[1])
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return fmt.Sprint(res.Status, res.Header, string(raw))
}

// startText is start for logs in either format.
func startText(t *testing.T, dir string, settings map[string]string) *testprogram.Program {
	t.Helper()
	port := freePort(t)
	settings["LISTEN_ADDR"] = "127.0.0.1:" + port
	p, _ := testprogram.Launch(t, dir, settings)
	p.URL = "http://127.0.0.1:" + port
	testprogram.Eventually(t, "the program answers", func() bool {
		res, err := http.Get(p.URL + "/healthz")
		if err != nil {
			select {
			case <-p.Ended:
				t.Fatalf("the program ended at its start:\n%s", p.Output())
			default:
			}
			return false
		}
		return res.Body.Close() == nil
	})
	return p
}

func freePort(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(nil)
	defer s.Close()
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	return u.Port()
}

// databaseOf is a database of the test's own, with a user who has this password.
func databaseOf(t *testing.T, password string) string {
	t.Helper()
	raw := testenv.PostgreSQL(t)
	db, err := sql.Open("pgx", raw)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	name := "aigen_secret_" + strings.ToLower(strings.ReplaceAll(t.Name()[strings.LastIndex(t.Name(), "/")+1:], "-", "_")) + freePort(t)
	_, err = db.ExecContext(t.Context(), "CREATE ROLE "+name+" LOGIN SUPERUSER PASSWORD '"+password+"'")
	require.NoError(t, err)
	t.Cleanup(func() {
		// What the role made goes with the database; the role has to be bare first.
		for _, query := range []string{"REASSIGN OWNED BY " + name + " TO CURRENT_USER", "DROP OWNED BY " + name, "DROP ROLE " + name} {
			_, err := db.Exec(query)
			assert.NoError(t, err)
		}
	})
	return strings.Replace(withUser(t, raw, password), "//user:", "//"+name+":", 1)
}

// output is all that a command says.
func output(t *testing.T, dir string, settings map[string]string, args ...string) string {
	t.Helper()
	out, _ := testprogram.ToolWith(t, dir, settings, args...)
	return out
}

// someToken has the form of one, and names a key (RS256, kid x) that has to be fetched.
const someToken = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJ4In0.AAAA"

// TestSecretsOfWhatFails: each server refuses or is gone, at the start and for doctor.
func TestSecretsOfWhatFails(t *testing.T) {
	t.Parallel()
	database, broker, cache := testenv.PostgreSQL(t), testenv.RabbitMQ(t), testenv.Redis(t)
	for name, bad := range map[string][2]string{
		"a wrong password of the database": {"DATABASE_URL", withUser(t, database, marker)},
		"no database":                      {"DATABASE_URL", "postgres://user:" + marker + "@127.0.0.1:1/aigen"},
		"no host of the database":          {"DATABASE_URL", "postgres://user:" + marker + "@nowhere.invalid/aigen?application_name=x"},
		"a wrong password of the broker":   {"RABBITMQ_URL", withUser(t, broker, marker)},
		"no broker":                        {"RABBITMQ_URL", "amqp://user:" + marker + "@127.0.0.1:1/"},
		"a wrong password of Redis":        {"REDIS_URL", withUser(t, cache, marker)},
		"no Redis":                         {"REDIS_URL", "redis://:" + marker + "@nowhere.invalid:6379/0"},
		"no Odoo":                          {"ODOO_SERVICE_URL", "http://user:" + marker + "@127.0.0.1:1"},
		"no webhook":                       {"N8N_WEBHOOK_URL", "http://user:" + marker + "@127.0.0.1:1/hook?key=" + marker},
		"no notifications":                 {"NOTIFICATION_SERVICE_URL", "http://user:" + marker + "@nowhere.invalid"},
		"no image API":                     {"IMAGE_API_URL", "http://user:" + marker + "@127.0.0.1:1/v1"},
		"no keys":                          {"JWT_JWKS_URL", "http://127.0.0.1:1/jwks?token=" + marker},
		"no collector":                     {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:" + marker + "@127.0.0.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			settings := map[string]string{"LOG_LEVEL": "debug", bad[0]: bad[1], "ODOO_API_KEY": marker + "key", "WORKER_RENDER": "true", "ODOO_TIMEOUT": "1s"}
			if bad[0] == "JWT_JWKS_URL" {
				settings["JWT_SECRET"] = ""
			}
			if bad[0] != "ODOO_SERVICE_URL" {
				delete(settings, "ODOO_API_KEY")
			}
			seen := &everything{t: t}
			seen.add("doctor", output(t, dir, settings, "doctor"))
			seen.add("generate", output(t, dir, settings, "generate", "a fox", "--timeout", "5s"))
			p, ready := testprogram.Launch(t, dir, settings)
			select {
			case p.URL = <-ready:
				for range 3 {
					for _, path := range []string{"/readyz", "/metrics", "/api/v1/credits"} {
						seen.add(path, fetch(t, http.MethodGet, p.URL+path, "", [2]string{"Authorization", "Bearer " + someToken}))
					}
				}
				_, _ = testprogram.NewUser(t).Create(p.URL, "", "a fox")
				p.Stop()
			case <-p.Ended:
			case <-time.After(time.Minute):
				t.Fatal("neither ready nor ended")
			}
			seen.add("log", p.Output())
			seen.hasNot(marker)
		})
	}
}

// TestSecretsOfBadSettings: what is refused is named and not quoted.
func TestSecretsOfBadSettings(t *testing.T) {
	t.Parallel()
	for setting, value := range map[string]string{
		"DATABASE_URL": "postgres://user:" + marker + "@ho st/db", "RABBITMQ_URL": "amqp://user:" + marker + "@host:99999", "REDIS_URL": "rediss//:" + marker,
		"ODOO_SERVICE_URL": "ftp://user:" + marker + "@host", "ODOO_API_KEY": " " + marker, "JWT_SECRET": marker, "N8N_CALLBACK_SECRET": marker + ",x",
		"N8N_WEBHOOK_URL": "http://user:" + marker + "%zz@host", "NOTIFICATION_SERVICE_URL": "user:" + marker + "@host", "IMAGE_API_KEY": marker + "\n",
		"IMAGE_API_URL": "http://u:" + marker + "@h?x=1", "JWT_JWKS_URL": "http://u:" + marker + "@h#f", "OTEL_EXPORTER_OTLP_ENDPOINT": marker + ":4317",
		"JWT_SECRTE": marker, "N8N_CALLBACK_SECRETS": marker, "DATABASE_UR": "postgres://user:" + marker + "@h/d",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			seen := &everything{t: t}
			for _, command := range []string{"serve --help", "doctor", "migrate", "token --user 7b0e6f0a-3c52-4a8e-9f57-0d2c5f1a9b10"} {
				seen.add(command, output(t, dir, map[string]string{setting: value}, strings.Fields(command)...))
			}
			file := filepath.Join(dir, "secret")
			require.NoError(t, os.WriteFile(file, []byte(value), 0o600))
			seen.add("a file", output(t, dir, map[string]string{setting: "", setting + "_FILE": file}, "doctor"))
			require.NoError(t, os.WriteFile(filepath.Join(dir, ".env"), []byte(setting+"="+value+"\n"+marker+"\nX='"+marker), 0o600))
			seen.add(".env", output(t, dir, map[string]string{setting: ""}, "doctor"))
			seen.hasNot(marker)
		})
	}
}

// TestMemoryIsSealed: no core file, and nobody of the same user reads the environment,
// unless that is asked for.
func TestMemoryIsSealed(t *testing.T) {
	t.Parallel()
	for setting, sealed := range map[string]bool{"false": true, "true": false} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			p := testprogram.Start(t, t.TempDir(), map[string]string{"ENABLE_CORE_DUMPS": setting})
			proc := fmt.Sprintf("/proc/%d/", p.PID())
			limits, err := os.ReadFile(proc + "limits")
			require.NoError(t, err)
			assert.Equal(t, sealed, strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max core file size 0 0 bytes"), "%s", limits)
			// Root reads everything; what the kernel thinks is tested in cmd/aigen.
			if os.Getuid() != 0 {
				_, err = os.ReadFile(proc + "environ")
				assert.Equal(t, sealed, err != nil)
			}
			assert.Equal(t, 0, p.Stop())
		})
	}
}

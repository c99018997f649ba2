package e2e

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// Doctor tries each server for real, and says of each fault what to do.
func TestDoctorOutside(t *testing.T) {
	t.Parallel()
	s, o := sharedServers(t), startOdoo(t)
	notify := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, http.MethodOptions, r.Method, "nobody is told anything")
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(notify.Close)
	good := map[string]string{
		"DATABASE_URL": s.database, "RABBITMQ_URL": s.broker, "GENERATION_JOB_QUEUE": s.queue, "REDIS_URL": s.redis,
		"ODOO_SERVICE_URL": o.url, "ODOO_API_KEY": "key-of-odoo", "NOTIFICATION_SERVICE_URL": notify.URL,
	}
	out, code := doctor(t, good)
	require.Equal(t, 0, code, out)
	assert.Contains(t, out, "database: there is none yet", "doctor makes none")
	out, code = testprogram.ToolWith(t, t.TempDir(), good, "migrate")
	require.Equal(t, 0, code, out)
	out, code = doctor(t, good)
	require.Equal(t, 0, code, out)
	assert.Contains(t, out, "All is well")
	for _, says := range []string{
		"database: wrote and read", "RabbitMQ took a probe and gave it back", "no workflow listens",
		"Redis kept a key", "Odoo told a balance", "notifications: the service answers",
	} {
		assert.Contains(t, out, says)
	}

	o.set(gone)
	for name, bad := range map[string]struct{ setting, value, says string }{
		"no database server":   {"DATABASE_URL", "postgres://aigen:s3cret@127.0.0.1:1/aigen", "database"},
		"no such database":     {"DATABASE_URL", strings.Replace(s.database, "?", "_none?", 1), "does not exist"},
		"a wrong password":     {"RABBITMQ_URL", strings.Replace(s.broker, "guest:guest", "guest:s3cret", 1), "user or password"},
		"no Redis":             {"REDIS_URL", "redis://:s3cret@127.0.0.1:1/0", "events"},
		"Odoo gone":            {"ODOO_SERVICE_URL", o.url, "ODOO_"},
		"notifications gone":   {"NOTIFICATION_SERVICE_URL", "http://127.0.0.1:1", "NOTIFICATION_SERVICE_URL"},
		"a queue of another's": {"GENERATION_JOB_QUEUE", classicQueue(t, s.broker), "GENERATION_JOB_QUEUE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{}
			for k, v := range good {
				settings[k] = v
			}
			settings[bad.setting] = bad.value
			out, code := doctor(t, settings)
			require.Equal(t, 1, code, out)
			assert.Regexp(t, `FAULT\s.*`+bad.says, out)
			assert.NotContains(t, out, "s3cret")
		})
	}
}

// What no other part needs at the start is tried as well: the image service, the keys
// of tokens, the collector of traces.
func TestDoctorOfWhatIsAskedLater(t *testing.T) {
	t.Parallel()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/discovery":
			_, _ = w.Write([]byte(`{"issuer":"x","jwks_uri":"https://id.example/jwks"}`))
		case "/nothing/models", "/gone":
			w.WriteHeader(http.StatusNotFound)
		case "/denied/models", "/denied/v1/traces":
			w.WriteHeader(http.StatusUnauthorized)
		case "/broken/models":
			w.WriteHeader(http.StatusInternalServerError)
		case "/moved/models":
			http.Redirect(w, r, "http://elsewhere.invalid/", http.StatusFound)
		case "/v1/models":
			assert.Equal(t, "Bearer k3y", r.Header.Get("Authorization"))
		}
	}))
	t.Cleanup(web.Close)
	for _, tc := range []struct {
		setting, value, says string
		code                 int
	}{
		{"IMAGE_API_URL", web.URL + "/v1", `ok\s+pictures: the image service answers`, 0},
		{"IMAGE_API_URL", web.URL + "/nothing", `ok\s+pictures`, 0},
		{"IMAGE_API_URL", web.URL + "/denied", `FAULT\s+pictures: .*401.*IMAGE_API_KEY`, 1},
		{"IMAGE_API_URL", web.URL + "/broken", `FAULT\s+pictures: .*500`, 1},
		{"IMAGE_API_URL", web.URL + "/moved", `FAULT\s+pictures: .*IMAGE_API_URL`, 1},
		{"IMAGE_API_URL", "http://127.0.0.1:1/v1", `FAULT\s+pictures: .*refused; correct the host and the port in IMAGE_API_URL`, 1},
		{"IMAGE_API_URL", "http://no-such-host.invalid/v1", `FAULT\s+pictures: .*correct the host`, 1},
		{"JWT_JWKS_URL", "http://127.0.0.1:1/jwks.json", `FAULT\s+tokens: .*correct the host and the port in JWT_JWKS_URL`, 1},
		{"JWT_JWKS_URL", web.URL + "/discovery", `FAULT\s+tokens: .*set JWT_JWKS_URL to its jwks_uri, "https://id.example/jwks"`, 1},
		{"JWT_JWKS_URL", web.URL + "/gone", `FAULT\s+tokens: .*404`, 1},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", web.URL, `ok\s+traces`, 0},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", web.URL + "/v1/traces", `ok\s+traces`, 0},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", web.URL + "/denied", `FAULT\s+traces: .*OTEL_EXPORTER_OTLP_HEADERS`, 1},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", `FAULT\s+traces: .*correct the host and the port in OTEL_EXPORTER_OTLP_ENDPOINT`, 1},
	} {
		t.Run(tc.setting+" "+tc.value, func(t *testing.T) {
			t.Parallel()
			settings := map[string]string{"WORKER_RENDER": "true", "IMAGE_API_KEY": "k3y", tc.setting: tc.value}
			if tc.setting == "JWT_JWKS_URL" {
				settings["JWT_SECRET"] = ""
			}
			out, code := doctor(t, settings)
			assert.Equal(t, tc.code, code, out)
			assert.Regexp(t, tc.says, out)
			assert.NotContains(t, out, "k3y")
		})
	}
}

// classicQueue is a queue that was declared with other arguments than ours.
func classicQueue(t *testing.T, broker string) string {
	t.Helper()
	name := testenv.Queue(t, broker)
	declareClassic(t, broker, name)
	return name
}

func doctor(t *testing.T, settings map[string]string) (string, int) {
	t.Helper()
	path, err := testprogram.Binary()
	require.NoError(t, err)
	dir := t.TempDir()
	cmd := exec.Command(path, "doctor")
	cmd.Dir, cmd.Env = dir, testprogram.Environment(dir, settings)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

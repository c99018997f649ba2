package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

const operationsPage = "../../docs/operations.md"

// linesFor is what the page on operations has for a proxy, for this service and port.
func linesFor(t *testing.T, language, service, port string) string {
	t.Helper()
	page, err := os.ReadFile(operationsPage)
	require.NoError(t, err)
	block := regexp.MustCompile("(?s)```" + language + "\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, block, "no lines for %s", language)
	lines := string(block[1])
	for _, r := range [][2]string{{"127.0.0.1:8000", service}, {"listen 80;", "listen 127.0.0.1:" + port + ";"}, {"bind :80 ", "bind 127.0.0.1:" + port + " "}} {
		lines = strings.ReplaceAll(lines, r[0], r[1])
	}
	require.Contains(t, lines, service)
	require.Contains(t, lines, "127.0.0.1:"+port)
	return lines
}

// plainNginx is what somebody has who knows of nothing: nginx's own defaults.
func plainNginx(service, port string) string {
	return fmt.Sprintf("server { listen 127.0.0.1:%s; client_max_body_size 0; location / { proxy_pass http://%s; } }", port, service)
}

// nginx runs Debian's with these lines, and returns where it listens.
func nginx(t *testing.T, port, lines string) string {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`
daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/log;
events { worker_connections 512; }
http {
    access_log off; client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy;
    fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
%[2]s
}`, dir, lines)
	path := filepath.Join(dir, "nginx.conf")
	require.NoError(t, os.WriteFile(path, []byte(config), 0o600))
	return runProxy(t, port, testenv.Program(t, "/usr/sbin/nginx", "nginx-light"), "-c", path, "-e", filepath.Join(dir, "log"))
}

func haproxy(t *testing.T, port, lines string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "haproxy.cfg")
	require.NoError(t, os.WriteFile(path, []byte(lines), 0o600))
	return runProxy(t, port, testenv.Program(t, "/usr/sbin/haproxy", "haproxy"), "-db", "-f", path)
}

func runProxy(t *testing.T, port, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", name, &said)
		}
	})
	testprogram.Eventually(t, name+" listens", func() bool {
		conn, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "http://127.0.0.1:" + port
}

// TestProxies: through the lines that the page on operations has, and through nginx as it
// comes, refusals arrive as what they are, event streams are live, and pictures whole.
func TestProxies(t *testing.T) {
	t.Parallel()
	p := testprogram.Start(t, t.TempDir(), map[string]string{"WORKER_RENDER": "true", "RATE_LIMIT_PER_MINUTE": "0"})
	service := strings.TrimPrefix(p.URL, "http://")
	for name, start := range map[string]func(t *testing.T, port string) string{
		"nginx": func(t *testing.T, port string) string { return nginx(t, port, linesFor(t, "nginx", service, port)) },
		"haproxy": func(t *testing.T, port string) string {
			return haproxy(t, port, linesFor(t, "haproxy", service, port))
		},
		"nginx as it comes": func(t *testing.T, port string) string { return nginx(t, port, plainNginx(service, port)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at := start(t, freePort(t))
			refusalsArrive(t, at, name == "nginx")
			generationIsFollowed(t, at)
			if name != "nginx as it comes" {
				formsAreTaken(t, at)
				assert.Equal(t, http.StatusForbidden, statusOf(t, http.MethodGet, at+"/metrics", nil))
				assert.Equal(t, http.StatusNotFound, statusOf(t, http.MethodGet, at+"/metrics/", nil))
			}
		})
	}
}

func statusOf(t *testing.T, method, url string, body []byte, headers ...string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	return res.StatusCode
}

// refusalsArrive sends bodies that the service does not read. limited: the proxy itself
// has a bound of 2 MiB.
func refusalsArrive(t *testing.T, at string, limited bool) {
	t.Helper()
	token := "Bearer " + testprogram.NewUser(t).Token
	sizes := []int{20_000, 60_000, 300_000, 1 << 20}
	if !limited {
		sizes = append(sizes, 8<<20)
	}
	for _, size := range sizes {
		body := bytes.Repeat([]byte("x"), size)
		tooLarge := http.StatusRequestEntityTooLarge
		if size <= 64<<10 {
			tooLarge = http.StatusBadRequest // read, and no JSON
		}
		for range 3 {
			assert.Equal(t, http.StatusUnauthorized, statusOf(t, http.MethodPost, at+"/api/v1/generations", body, "Content-Type", "application/json"), size)
			assert.Equal(t, http.StatusUnsupportedMediaType, statusOf(t, http.MethodPost, at+"/api/v1/generations", body, "Content-Type", "text/plain", "Authorization", token), size)
			assert.Equal(t, tooLarge, statusOf(t, http.MethodPost, at+"/api/v1/generations", body, "Content-Type", "application/json", "Authorization", token), size)
			assert.Equal(t, http.StatusForbidden, statusOf(t, http.MethodPost, at+"/api/v1/callbacks/n8n", body, "Content-Type", "application/json", "X-N8N-Webhook-Secret", "wrong"), size)
		}
	}
}

// generationIsFollowed has samples made, and sees it happen.
func generationIsFollowed(t *testing.T, at string) {
	t.Helper()
	u := testprogram.NewUser(t)
	a, err := u.Create(at, "", "a red fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at+"/api/v1/generations/"+a.GenerationID+"/events", nil)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer "+u.Token)
	res, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	seen := make([]byte, 0, 1<<16)
	for !bytes.Contains(seen, []byte("event: samples_ready")) {
		n, err := res.Body.Read(seen[len(seen):cap(seen)])
		require.NoError(t, err, "%s", seen)
		seen = seen[:len(seen)+n]
	}
	g, err := u.Get(at, a.GenerationID)
	require.NoError(t, err)
	picture, err := url.Parse(g.SampleAssets[0].URL)
	require.NoError(t, err)
	assert.NotEmpty(t, testprogram.Picture(t, at+picture.Path))
}

// formsAreTaken signs in as a browser would that does not send Sec-Fetch-Site.
func formsAreTaken(t *testing.T, at string) {
	t.Helper()
	form := url.Values{"token": {testprogram.NewUser(t).Token}, "next": {"/"}}.Encode()
	post := func(origin string) int {
		return statusOf(t, http.MethodPost, at+"/sign-in", []byte(form), "Content-Type", "application/x-www-form-urlencoded", "Origin", origin)
	}
	assert.Equal(t, http.StatusSeeOther, post(at))
	assert.Equal(t, http.StatusForbidden, post("http://evil.example"))
}

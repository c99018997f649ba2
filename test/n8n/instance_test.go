//go:build n8n

package n8n

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

func TestMain(m *testing.M) { os.Exit(testprogram.Main(m)) }

// installed is where n8n is, after installing it where it was not.
var installed = sync.OnceValues(func() (string, error) {
	cache := os.Getenv("N8N_CACHE")
	if cache == "" {
		var err error
		if cache, err = filepath.Abs("../../.cache/n8n"); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("./install.sh")
	cmd.Env = append(os.Environ(), "N8N_CACHE="+cache)
	cmd.Stderr = os.Stderr
	if out, err := cmd.Output(); err != nil {
		return "", fmt.Errorf("install n8n: %w: %s", err, out)
	}
	return cache, nil
})

// instance is an n8n with a user folder of its own. It begins stopped and empty.
type instance struct {
	t *testing.T
	*process
	cache string
	dir   string
	url   string
	env   map[string]string
}

// process is the run of an instance.
type process struct {
	cmd   *exec.Cmd // nil: stopped
	ended chan struct{}

	mu  sync.Mutex
	log strings.Builder
}

// newInstance prepares an n8n. The settings come on top of those that every n8n for
// these workflows needs (integrations/n8n/README.md).
func newInstance(t *testing.T, settings map[string]string) *instance {
	t.Helper()
	cache, err := installed()
	require.NoError(t, err)
	n := &instance{t: t, cache: cache, dir: t.TempDir(), process: &process{}}
	port, broker := freePort(t), freePort(t)
	n.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	require.NoError(t, os.Mkdir(n.folder(), 0o700))
	n.env = map[string]string{
		"PATH": filepath.Join(cache, "node/bin") + ":" + os.Getenv("PATH"), "HOME": n.dir, "N8N_USER_FOLDER": n.dir,
		"N8N_PORT": strconv.Itoa(port), "N8N_LISTEN_ADDRESS": "127.0.0.1", "N8N_HOST": "127.0.0.1", "N8N_WEBHOOK_URL": n.url + "/",
		"N8N_RUNNERS_BROKER_PORT": strconv.Itoa(broker), "N8N_ENCRYPTION_KEY": "a key for the end-to-end tests",
		"N8N_RESTRICT_FILE_ACCESS_TO": n.folder(), "N8N_USE_WORKFLOW_PUBLICATION_SERVICE": "false",
		"N8N_CONCURRENCY_PRODUCTION_LIMIT": "8", "GENERIC_TIMEZONE": "UTC",
		"N8N_DIAGNOSTICS_ENABLED": "false", "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
		"N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED": "false", "N8N_TEMPLATES_ENABLED": "false",
		"N8N_PERSONALIZATION_ENABLED": "false", "N8N_LICENSE_AUTO_RENEW_ENABLED": "false", "N8N_DISABLED_MODULES": "mcp-registry",
	}
	maps.Copy(n.env, settings)
	t.Cleanup(func() {
		n.kill()
		if t.Failed() {
			t.Logf("n8n said:\n%s", n.output())
		}
	})
	return n
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// folder is where the workflows may write.
func (n *instance) folder() string { return filepath.Join(n.dir, "files") }

func (n *instance) command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(n.cache, "node/bin/node"), append([]string{filepath.Join(n.cache, "n8n/node_modules/n8n/bin/n8n")}, args...)...)
	cmd.Dir = n.dir
	for _, k := range slices.Sorted(maps.Keys(n.env)) {
		cmd.Env = append(cmd.Env, k+"="+n.env[k])
	}
	// A group of its own, to be killed as a whole: n8n has a process for Code nodes.
	// Neither may outlive a test that dies.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	return cmd
}

// cli runs one of n8n's commands, while n8n is stopped. They end with 0 even where
// they did nothing, so each must have said a certain word.
func (n *instance) cli(says string, args ...string) {
	n.t.Helper()
	require.Nil(n.t, n.cmd, "n8n is running")
	out, err := n.command(args...).CombinedOutput()
	require.NoError(n.t, err, "n8n %s: %s", strings.Join(args, " "), out)
	require.Contains(n.t, string(out), says, "n8n %s", strings.Join(args, " "))
}

// credential is one as import:credentials reads it.
type credential struct {
	ID   string         `json:"id"`
	Name string         `json:"name"`
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

// importCredentials stores them as `n8n import:credentials` does, encrypted.
func (n *instance) importCredentials(all ...credential) {
	n.t.Helper()
	path := filepath.Join(n.dir, "credentials.json")
	raw, err := json.Marshal(all)
	require.NoError(n.t, err)
	require.NoError(n.t, os.WriteFile(path, raw, 0o600))
	n.cli("Successfully imported", "import:credentials", "--input="+path)
	require.NoError(n.t, os.Remove(path))
}

// importWorkflows stores workflows and publishes them, in that order.
func (n *instance) importWorkflows(all ...workflow) {
	n.t.Helper()
	dir := filepath.Join(n.dir, "workflows")
	require.NoError(n.t, os.MkdirAll(dir, 0o700))
	for _, w := range all {
		raw, err := json.Marshal(w)
		require.NoError(n.t, err)
		require.NoError(n.t, os.WriteFile(filepath.Join(dir, w.id()+".json"), raw, 0o600))
	}
	n.cli(fmt.Sprintf("Successfully imported %d", len(all)), "import:workflow", "--separate", "--input="+dir)
	for _, w := range all {
		n.cli("Note: Changes will not take effect if n8n is running", "publish:workflow", "--id="+w.id())
	}
	require.NoError(n.t, os.RemoveAll(dir))
}

// installPackage installs a package of community nodes from a tarball (npm pack), as
// n8n's own button does: into the nodes folder of the user folder.
func (n *instance) installPackage(tarball string) {
	n.t.Helper()
	dir := filepath.Join(n.dir, ".n8n/nodes")
	require.NoError(n.t, os.MkdirAll(dir, 0o700))
	if _, err := os.Stat(filepath.Join(dir, "package.json")); err != nil {
		require.NoError(n.t, os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"name": "installed-nodes", "private": true}`), 0o600))
	}
	cmd := exec.Command("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--omit=peer", tarball)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+n.env["PATH"])
	out, err := cmd.CombinedOutput()
	require.NoError(n.t, err, "npm install: %s", out)
}

// start starts n8n and waits until it answers and its workflows are active.
func (n *instance) start() {
	n.t.Helper()
	cmd := n.command("start")
	r, w, err := os.Pipe()
	require.NoError(n.t, err)
	cmd.Stdout, cmd.Stderr = w, w
	require.NoError(n.t, cmd.Start())
	require.NoError(n.t, w.Close())
	ready, ended := make(chan struct{}), make(chan struct{})
	go n.read(r, ready)
	go func() {
		_ = cmd.Wait() // how it ended is what tests look at
		close(ended)
	}()
	n.cmd, n.ended = cmd, ended
	select {
	case <-ready:
	case <-ended:
		n.t.Fatalf("n8n ended at its start:\n%s", n.output())
	case <-time.After(3 * time.Minute):
		n.t.Fatalf("n8n is not ready after 3 minutes:\n%s", n.output())
	}
	n.eventually("n8n answers", time.Minute, func() bool {
		ctx, cancel := context.WithTimeout(n.t.Context(), 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/healthz/readiness", nil)
		require.NoError(n.t, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
}

// read keeps what n8n says. It says where its editor is after it has activated its
// workflows.
func (n *instance) read(r io.ReadCloser, ready chan<- struct{}) {
	defer r.Close()
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 4<<20)
	for told := false; lines.Scan(); {
		n.mu.Lock()
		if n.log.Len() < 4<<20 {
			n.log.WriteString(lines.Text() + "\n")
		}
		n.mu.Unlock()
		if !told && bytes.Contains(lines.Bytes(), []byte("Editor is now accessible")) {
			told = true
			close(ready)
		}
	}
}

func (n *instance) output() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.log.String()
}

// kill ends n8n as a power cut would.
func (n *instance) kill() {
	if n.cmd == nil {
		return
	}
	_ = syscall.Kill(-n.cmd.Process.Pid, syscall.SIGKILL)
	<-n.ended
	n.cmd = nil
}

// stop ends n8n in good order: it waits for what it is working on.
func (n *instance) stop() {
	n.t.Helper()
	require.NoError(n.t, n.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-n.ended:
	case <-time.After(90 * time.Second):
		n.t.Fatalf("n8n does not stop:\n%s", n.output())
	}
	n.kill()
}

// eventually waits for a condition.
func (n *instance) eventually(what string, atMost time.Duration, ok func() bool) {
	n.t.Helper()
	eventually(n.t, what, atMost, ok)
}

func eventually(t *testing.T, what string, atMost time.Duration, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(atMost); !ok(); {
		if time.Now().After(end) {
			t.Fatalf("not within %s: %s", atMost, what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// as is the same n8n in another test.
func (n *instance) as(t *testing.T) *instance {
	return &instance{t: t, cache: n.cache, dir: n.dir, url: n.url, env: n.env, process: n.process}
}

// leftJobs are the jobs that the workflows remember, from n8n's own database.
func (n *instance) leftJobs() []string {
	n.t.Helper()
	require.Nil(n.t, n.cmd, "n8n is running")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(n.dir, ".n8n/database.sqlite"))
	require.NoError(n.t, err)
	defer db.Close()
	tables := testprogram.RowsOf(n.t, db, "SELECT id FROM data_table WHERE name = 'aigen_jobs'")
	require.Len(n.t, tables, 1)
	return testprogram.RowsOf(n.t, db, `SELECT * FROM "data_table_user_`+tables[0]+`"`)
}

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// binary builds the program once for all tests of the package.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aigen-e2e-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "aigen")
	out, err := exec.Command("go", "build", "-o", path, "../../cmd/aigen").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// program is one run of `aigen serve`.
type program struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	took  time.Duration // from the start to being ready
	ended chan struct{}

	mu  sync.Mutex
	log strings.Builder
}

const (
	testSecret     = "a secret for the end-to-end tests, 32+ bytes"
	callbackSecret = "a callback secret for the tests"
)

// environment is what the program gets; nothing of the machine's leaks in.
func environment(dir string, settings map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	all := map[string]string{
		"DATA_DIR": dir, "LISTEN_ADDR": "127.0.0.1:0", "LOG_FORMAT": "json", "LOG_LEVEL": "info",
		"JWT_SECRET": testSecret, "N8N_CALLBACK_SECRET": callbackSecret, "LEDGER_INITIAL_CREDITS": "1000000",
		"WORKER_RENDER": "false", "SHUTDOWN_TIMEOUT": "10s",
	}
	for k, v := range settings {
		all[k] = v
	}
	for k, v := range all {
		env = append(env, k+"="+v)
	}
	return env
}

// launch starts the program without waiting for it.
func launch(t *testing.T, dir string, settings map[string]string) (*program, <-chan string) {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	p := &program{t: t, cmd: exec.Command(path, "serve"), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = environment(dir, settings), dir
	// The program must not outlive a test that dies.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	ready := make(chan string, 1)
	go p.read(stderr, ready)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("the program said:\n%s", p.output())
		}
	})
	return p, ready
}

func (p *program) read(stderr io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		if p.log.Len() < 1<<20 {
			p.log.WriteString(lines.Text() + "\n")
		}
		p.mu.Unlock()
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			ready <- line.URL
		}
	}
	_ = p.cmd.Wait()
	close(p.ended)
}

// start starts the program and waits until it is ready.
func start(t *testing.T, dir string, settings map[string]string) *program {
	t.Helper()
	began := time.Now()
	p, ready := launch(t, dir, settings)
	select {
	case p.url = <-ready:
		p.took = time.Since(began)
	case <-p.ended:
		t.Fatalf("the program ended at its start:\n%s", p.output())
	case <-time.After(30 * time.Second):
		t.Fatalf("the program is not ready after 30 s:\n%s", p.output())
	}
	return p
}

// kill ends the program as a power cut would: nothing of it gets to run.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// stop ends the program in order and returns its exit code.
func (p *program) stop() int {
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.ended:
	case <-time.After(30 * time.Second):
		p.t.Fatalf("the program does not stop:\n%s", p.output())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// eventually waits for a condition, for a minute at most.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok() {
		select {
		case <-ctx.Done():
			t.Fatalf("not within a minute: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// contains reports whether the program has logged text so far.
func contains(p *program, text string) bool { return strings.Contains(p.output(), text) }

var silent = log.New(io.Discard, "", 0)

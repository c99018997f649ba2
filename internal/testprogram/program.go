package testprogram

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
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

// Binary builds the program once for all tests of a package; Main removes it.
var Binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "aigen-program-*")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "aigen")
	out, err := exec.Command("go", "build", "-o", path, "github.com/creativeflow/aigen/cmd/aigen").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w: %s", err, out)
	}
	return path, nil
})

// Main runs the tests of a package that uses Binary: `func TestMain(m *testing.M)`
// calls it, and os.Exit with what it returns.
func Main(m *testing.M) int {
	code := m.Run()
	if path, err := Binary(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	return code
}

// Program is one run of `aigen serve`.
type Program struct {
	t     *testing.T
	cmd   *exec.Cmd
	URL   string        // where it listens; set when it is ready
	Took  time.Duration // from the start to being ready
	Ended chan struct{}

	mu   sync.Mutex
	out  strings.Builder // standard output
	log  strings.Builder
	last []string // lines of the log
}

// The secrets that the program is started with.
const (
	JWTSecret      = "a secret for the end-to-end tests, 32+ bytes"
	CallbackSecret = "a callback secret for the tests"
)

// Environment is what the program gets; nothing of the machine's leaks in.
func Environment(dir string, settings map[string]string) []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	all := map[string]string{
		"DATA_DIR": dir, "LISTEN_ADDR": "127.0.0.1:0", "LOG_FORMAT": "json", "LOG_LEVEL": "info",
		"JWT_SECRET": JWTSecret, "N8N_CALLBACK_SECRET": CallbackSecret, "LEDGER_INITIAL_CREDITS": "1000000",
		"WORKER_RENDER": "false", "SHUTDOWN_TIMEOUT": "1m",
		"GENERATION_LIMIT_PER_MINUTE": "0", "MAX_QUEUED_PER_USER": "0", // tests load the service as few users
	}
	if settings["RABBITMQ_URL"]+settings["N8N_WEBHOOK_URL"] != "" {
		all["ASSET_INGEST"] = "false" // the engines of most tests report pictures that are nowhere
	}
	for k, v := range settings {
		all[k] = v
	}
	for k, v := range all {
		env = append(env, k+"="+v)
	}
	return env
}

// Launch starts the program without waiting for it.
func Launch(t *testing.T, dir string, settings map[string]string) (*Program, <-chan string) {
	t.Helper()
	path, err := Binary()
	require.NoError(t, err)
	p := &Program{t: t, cmd: exec.Command(path, "serve"), Ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Dir = Environment(dir, settings), dir
	// The program must not outlive a test that dies.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.cmd.Stdout = (*printed)(p)
	stderr, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	ready := make(chan string, 1)
	go p.read(stderr, ready)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.Ended
		if t.Failed() {
			t.Logf("the program said, in the end:\n%s", p.lastWords())
		}
	})
	return p, ready
}

func (p *Program) read(stderr io.Reader, ready chan<- string) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.mu.Lock()
		if p.log.Len() < 1<<20 {
			p.log.WriteString(lines.Text() + "\n")
		}
		if p.last = append(p.last, lines.Text()); len(p.last) > 2*lastLines {
			p.last = append([]string(nil), p.last[lastLines:]...)
		}
		p.mu.Unlock()
		var line struct{ Msg, URL string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "ready" {
			ready <- line.URL
		}
	}
	_ = p.cmd.Wait()
	close(p.Ended)
}

// Start starts the program and waits until it is ready.
func Start(t *testing.T, dir string, settings map[string]string) *Program {
	t.Helper()
	began := time.Now()
	p, ready := Launch(t, dir, settings)
	select {
	case p.URL = <-ready:
		p.Took = time.Since(began)
	case <-p.Ended:
		t.Fatalf("the program ended at its start:\n%s", p.Output())
	case <-time.After(2 * time.Minute):
		t.Fatalf("the program is not ready after 2 min:\n%s", p.Output())
	}
	return p
}

// Kill ends the program as a power cut would: nothing of it gets to run.
func (p *Program) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.Ended
}

// Stop ends the program in order and returns its exit code.
func (p *Program) Stop() int {
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-p.Ended:
	case <-time.After(2 * time.Minute):
		p.t.Fatalf("the program does not stop:\n%s", p.Output())
	}
	return p.cmd.ProcessState.ExitCode()
}

// lastLines of a log are shown of a test that failed, each up to lastWidth characters:
// more would bury what the test itself says.
const (
	lastLines = 20
	lastWidth = 300
)

func (p *Program) lastWords() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b strings.Builder
	for _, line := range p.last[max(0, len(p.last)-lastLines):] {
		fmt.Fprintf(&b, "%.*s\n", lastWidth, line)
	}
	return b.String()
}

// Output is what the program has logged so far, up to a megabyte.
func (p *Program) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Eventually waits for a condition, for a minute at most.
func Eventually(t *testing.T, what string, ok func() bool) {
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

// printed takes the standard output of a Program.
type printed Program

func (p *printed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

// Printed is what the program has written to its standard output so far.
func (p *Program) Printed() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

// Logged reports whether the program has logged text so far.
func (p *Program) Logged(text string) bool { return strings.Contains(p.Output(), text) }

// Tool runs another command of the program, beside a running service, and returns
// what it said and its exit code.
func Tool(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	path, err := Binary()
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = Environment(dir, map[string]string{"LEDGER_INITIAL_CREDITS": "0"}), dir
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// ExitCode waits for the program's end and tells its exit code.
func (p *Program) ExitCode() int {
	<-p.Ended
	return p.cmd.ProcessState.ExitCode()
}

// PID is the process id.
func (p *Program) PID() int { return p.cmd.Process.Pid }

// Signal sends the program a signal.
func (p *Program) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// ToolWith is Tool with settings.
func ToolWith(t *testing.T, dir string, settings map[string]string, args ...string) (string, int) {
	t.Helper()
	path, err := Binary()
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = Environment(dir, settings), dir
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		require.NoError(t, err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

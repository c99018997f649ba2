package e2e

import (
	"bytes"
	"fmt"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// example takes a program out of docs/integrations.md.
func example(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/integrations.md")
	require.NoError(t, err)
	m := regexp.MustCompile("(?s)<!-- example: " + regexp.QuoteMeta(name) + " -->\n```\\w+\n(.*?)```").FindSubmatch(page)
	require.NotNil(t, m, "the page has no example %s", name)
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, m[1], 0o600))
	return path
}

// runExample runs a program until the test's end.
func runExample(t *testing.T, address string, env map[string]string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for k, v := range env {
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out lockedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("the example said:\n%s", out.String())
		}
	})
	testprogram.Eventually(t, "the example listens", func() bool {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// The engine in Python, as the page on integrations has it.
func TestExampleInPython(t *testing.T) {
	t.Parallel()
	python := testenv.Program(t, "/usr/bin/python3", "python3")
	port := freeAddress(t)
	url := "http://" + port
	runExample(t, port, map[string]string{
		"N8N_CALLBACK_SECRET": testprogram.CallbackSecret, "PUBLIC_URL": url, "PORT": port[len("127.0.0.1:"):],
	}, python, example(t, "engine.py"))
	wholeByExample(t, map[string]string{"N8N_WEBHOOK_URL": url})
}

// The engine in Go, as the page on integrations has it.
func TestExampleInGo(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "engine")
	out, err := exec.Command("go", "build", "-o", binary, example(t, "engine.go")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	broker := testenv.RabbitMQ(t)
	queue, address := testenv.Queue(t, broker), freeAddress(t)
	settings := map[string]string{"RABBITMQ_URL": broker, "GENERATION_JOB_QUEUE": queue}
	// The service declares the queue.
	p := testprogram.Start(t, t.TempDir(), settings)
	require.Equal(t, 0, p.Stop())
	runExample(t, address, map[string]string{
		"RABBITMQ_URL": broker, "GENERATION_JOB_QUEUE": queue, "FOLDER": t.TempDir(), "LISTEN_ADDR": address, "PUBLIC_URL": "http://" + address,
	}, binary)
	wholeByExample(t, settings)
}

// wholeByExample takes a generation to its end, and looks at its pictures.
func wholeByExample(t *testing.T, settings map[string]string) {
	t.Helper()
	dir := t.TempDir()
	p := testprogram.Start(t, dir, settings)
	u := testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a red fox")
	require.NoError(t, err)
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	g, err := u.Get(p.URL, a.GenerationID)
	require.NoError(t, err)
	require.Len(t, g.SampleAssets, 2)
	_, err = u.Post(p.URL, g.ID, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[1].AssetID, "resolution": "300x200"})
	require.NoError(t, err)
	u.Until(t, p.URL, g.ID, "Completed")
	g, err = u.Get(p.URL, g.ID)
	require.NoError(t, err)
	for url, size := range map[string]string{g.SampleAssets[0].URL: "512x512", g.FinalAsset.URL: "300x200"} {
		img, err := png.Decode(bytes.NewReader(testprogram.Picture(t, url)))
		require.NoError(t, err)
		assert.Equal(t, size, fmt.Sprintf("%dx%d", img.Bounds().Dx(), img.Bounds().Dy()))
	}
	require.Equal(t, 0, p.Stop())
	testprogram.Audit(t, dir)
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

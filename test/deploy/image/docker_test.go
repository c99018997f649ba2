package image

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// image is what is tested; `make e2e-image` names it.
func image(t *testing.T) string {
	t.Helper()
	name := os.Getenv("AIGEN_IMAGE")
	if name == "" {
		t.Skip("AIGEN_IMAGE names no image: run `make e2e-image`")
	}
	return name
}

// docker runs a command of the client to its end.
func docker(args ...string) *exec.Cmd {
	name := os.Getenv("DOCKER")
	if name == "" {
		name = "docker"
	}
	return exec.Command(name, args...)
}

// must returns what a command printed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, err := docker(args...).CombinedOutput()
	require.NoError(t, err, "docker %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
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
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// volume makes a named volume that goes with the test.
func volume(t *testing.T) string {
	t.Helper()
	image(t) // else there is nothing to test
	name := "aigen-test-" + uuid.NewString()
	must(t, "volume", "create", name)
	t.Cleanup(func() { must(t, "volume", "rm", name) })
	return name
}

// container is one that runs the service, as docs/operations.md says to run it.
type container struct {
	t    *testing.T
	name string
	url  string
}

// run starts a container on the volume and waits until Docker calls it healthy. Its
// root file system is read-only, it has no capability, and its port is published on
// loopback alone.
func run(t *testing.T, volume string) *container {
	t.Helper()
	c := &container{t: t, name: "aigen-test-" + uuid.NewString()}
	must(t, "run", "--detach", "--name", c.name,
		"--read-only", "--tmpfs", "/tmp", "--volume", volume+":/data",
		"--cap-drop", "ALL", "--security-opt", "no-new-privileges",
		"--stop-timeout", "60", "--publish", "127.0.0.1::8000",
		"--env", "JWT_SECRET=a secret for the image's tests, 32+ bytes",
		"--env", "N8N_CALLBACK_SECRET=a callback secret for the tests",
		"--env", "LEDGER_INITIAL_CREDITS=100",
		image(t))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the container said:\n%s", must(t, "logs", c.name))
		}
		must(t, "rm", "--force", c.name)
	})
	c.url = "http://" + must(t, "port", c.name, "8000/tcp")
	eventually(t, "the container is healthy", func() bool {
		require.Equal(t, "running", must(t, "inspect", "--format", "{{.State.Status}}", c.name))
		return must(t, "inspect", "--format", "{{.State.Health.Status}}", c.name) == "healthy"
	})
	return c
}

// stop sends SIGTERM, as `docker stop` and Kubernetes do, and returns the exit code.
func (c *container) stop() string {
	c.t.Helper()
	must(c.t, "stop", c.name)
	return must(c.t, "inspect", "--format", "{{.State.ExitCode}}", c.name)
}

// said is whether a line with this message is in the log.
func (c *container) said(message string) bool {
	for line := range strings.Lines(must(c.t, "logs", c.name)) {
		var entry struct{ Msg string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == message {
			return true
		}
	}
	return false
}

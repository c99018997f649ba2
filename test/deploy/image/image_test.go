package image

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// atMost is the size of the image, in bytes.
const atMost = 40_000_000

func TestMetadata(t *testing.T) {
	t.Parallel()
	var images []struct {
		Size   int64
		Config struct {
			User, WorkingDir, StopSignal string
			Entrypoint, Cmd, Env         []string
			Labels                       map[string]string
			Volumes, ExposedPorts        map[string]struct{}
			Healthcheck                  struct{ Test []string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(must(t, "image", "inspect", image(t))), &images))
	require.Len(t, images, 1)
	require.Less(t, images[0].Size, int64(atMost))
	c := images[0].Config
	require.Equal(t, "65532:65532", c.User, "a number: Kubernetes cannot tell of a name that it is not root")
	require.Equal(t, []string{"/usr/local/bin/aigen"}, c.Entrypoint)
	require.Equal(t, []string{"serve"}, c.Cmd)
	require.Equal(t, []string{"CMD", "/usr/local/bin/aigen", "healthcheck"}, c.Healthcheck.Test, "the exec form: there is no shell")
	require.Equal(t, "SIGTERM", c.StopSignal)
	require.Contains(t, c.Volumes, "/data")
	require.Contains(t, c.ExposedPorts, "8000/tcp")
	require.Contains(t, c.Env, "DATA_DIR=/data")
	require.Contains(t, c.Env, "LISTEN_ADDR=0.0.0.0:8000")

	const oci = "org.opencontainers.image."
	version := c.Labels[oci+"version"]
	require.Contains(t, must(t, "run", "--rm", image(t), "version"), "aigen "+version+" ", "the label says what the program says")
	require.Equal(t, os.Getenv("AIGEN_VERSION"), version, "the build argument VERSION")
	require.Regexp(t, "^[0-9a-f]{40}$", c.Labels[oci+"revision"])
	_, err := time.Parse(time.RFC3339, c.Labels[oci+"created"])
	require.NoError(t, err)
	for _, label := range []string{"title", "description", "source", "documentation", "licenses"} {
		require.NotEmpty(t, c.Labels[oci+label], label)
	}
}

func TestHoldsTheProgramAndNothingElse(t *testing.T) {
	t.Parallel()
	name := "aigen-test-" + uuid.NewString()
	must(t, "create", "--name", name, image(t))
	t.Cleanup(func() { must(t, "rm", "--volumes", name) })
	out, err := docker("export", name).Output()
	require.NoError(t, err)

	files := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(out)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		path := "/" + strings.TrimSuffix(h.Name, "/")
		if path == "/data" {
			require.Equal(t, 65532, h.Uid, "the volume belongs to the user")
			require.Equal(t, int64(0o700), h.Mode&0o777, "and is for nobody else")
		}
		// What Docker itself puts into each container is empty.
		if h.Typeflag == tar.TypeReg && h.Size > 0 {
			files[path], err = io.ReadAll(r)
			require.NoError(t, err)
			require.Zero(t, h.Uid, "%s is not the user's to change", path)
		}
	}
	require.Len(t, files, 3)
	require.Contains(t, string(files["/LICENSE"]), "Apache License")
	require.Contains(t, string(files["/etc/ssl/certs/ca-certificates.crt"]), "BEGIN CERTIFICATE")
	program, err := elf.NewFile(bytes.NewReader(files["/usr/local/bin/aigen"]))
	require.NoError(t, err)
	for _, p := range program.Progs {
		require.NotEqual(t, elf.PT_INTERP, p.Type, "a static program needs no loader")
	}
}

// The contract, section 6: secrets that the service made for itself are for loopback.
func TestRefusesTheNetworkWithoutSecrets(t *testing.T) {
	t.Parallel()
	out, err := docker("run", "--rm", image(t)).CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.ExitCode(), "%s", out)
	require.Contains(t, string(out), "JWT_SECRET")
	require.Contains(t, string(out), "N8N_CALLBACK_SECRET")
}

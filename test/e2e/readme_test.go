package e2e

import (
	"bytes"
	"context"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

var tourBlock = regexp.MustCompile("(?s)<!-- tour -->\n```bash\n(.*?)```")

// TestReadmeTour pastes the README's tour into bash, as a reader would.
func TestReadmeTour(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	require.NoError(t, err)
	blocks := tourBlock.FindAllStringSubmatch(string(readme), -1)
	require.GreaterOrEqual(t, len(blocks), 5, "the tour's blocks are marked")
	var script strings.Builder
	for _, b := range blocks {
		script.WriteString(b[1])
	}
	for _, program := range []string{"curl", "file"} {
		testenv.Program(t, program, program)
	}
	const address = "http://127.0.0.1:8000"
	require.Equal(t, 1, strings.Count(script.String(), address))

	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"WORKER_RENDER": "true", "LEDGER_INITIAL_CREDITS": "100"})
	path, err := testprogram.Binary()
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	require.NoError(t, os.Symlink(path, filepath.Join(dir, "bin", "aigen")))

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", strings.Replace(script.String(), address, p.URL, 1))
	cmd.Dir, cmd.Env = dir, testprogram.Environment(dir, nil)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	assert.Contains(t, string(out), "event: samples_ready")
	assert.Contains(t, string(out), "event: generation_completed")
	assert.Contains(t, string(out), `"available":"98.00"`, "four samples and a final picture")
	b, err := os.ReadFile(filepath.Join(dir, "fox.png"))
	require.NoError(t, err, "%s", out)
	img, err := png.Decode(bytes.NewReader(b))
	require.NoError(t, err)
	assert.Equal(t, img.Bounds().Dx(), img.Bounds().Dy(), "InstagramPost is square")
}

package e2e

import (
	"bufio"
	"bytes"
	"image/png"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestWholeGeneration makes a real picture by the real program.
func TestWholeGeneration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, map[string]string{"WORKER_RENDER": "true"})
	u := newUser(t)
	a, err := u.create(p.url, "", "a red fox, watercolour")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw)
	id := a.GenerationID
	u.until(t, p.url, id, "AwaitingSelection")
	g, err := u.get(p.url, id)
	require.NoError(t, err)
	require.Len(t, g.SampleAssets, 2)
	first, second := picture(t, g.SampleAssets[0].URL), picture(t, g.SampleAssets[1].URL)
	assert.NotEqual(t, first, second, "samples differ")
	a, err = u.post(p.url, id, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[1].AssetID, "resolution": "320x240"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw)
	u.until(t, p.url, id, "Completed")
	g, err = u.get(p.url, id)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(picture(t, g.FinalAsset.URL)))
	require.NoError(t, err)
	assert.Equal(t, 320, img.Bounds().Dx())
	assert.Equal(t, 240, img.Bounds().Dy())
	assert.Equal(t, 0, p.stop())
	audit(t, dir)
}

func (u *user) until(t *testing.T, url, id, status string) {
	t.Helper()
	eventually(t, status, func() bool {
		a, err := u.get(url, id)
		require.NoError(t, err)
		require.NotContains(t, []string{"Failed", "ContentRejected"}, a.Status, "%s", a.raw)
		return a.Status == status
	})
}

func picture(t *testing.T, url string) []byte {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusOK, res.StatusCode)
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return b
}

// TestDrain stops the program while streams are open and jobs under way: the
// clients are told, the exit is clean, and the next start finishes the work.
func TestDrain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"WORKER_RENDER": "true", "WORKER_CONCURRENCY": "1"}
	p := start(t, dir, settings)
	u := newUser(t)
	ids := make([]string, 8)
	for i := range ids {
		a, err := u.create(p.url, "", "a fox "+strings.Repeat("x", i))
		require.NoError(t, err)
		ids[i] = a.GenerationID
	}
	last := ids[len(ids)-1]
	req, err := http.NewRequest(http.MethodGet, p.url+"/api/v1/generations/"+last+"/events", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+u.token)
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	require.True(t, lines.Scan(), "the stream begins")

	began := time.Now()
	require.Equal(t, 0, p.stop(), "exit code of a clean stop")
	assert.Less(t, time.Since(began), 15*time.Second)
	for lines.Scan() { // the rest of the stream
	}
	require.NoError(t, lines.Err(), "the stream was ended, not cut")
	audit(t, dir)

	p = start(t, dir, settings)
	for _, id := range ids {
		u.until(t, p.url, id, "AwaitingSelection")
	}
	assert.Equal(t, 0, p.stop())
	audit(t, dir)
}

// TestTwoServersOneFile: the second says what is wrong instead of sharing the file.
func TestTwoServersOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, nil)
	second, _ := launch(t, dir, nil)
	<-second.ended
	assert.Equal(t, 1, second.cmd.ProcessState.ExitCode())
	assert.Contains(t, second.output(), "aigen.db")
}

// TestBadSettings names every fault at once and exits with 3.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	p, _ := launch(t, t.TempDir(), map[string]string{
		"SAMPLES_TIMEOUT": "soon", "CREDIT_COST_SAMPLE": "-1", "LISTEN_ADDR": "nowhere", "JWT_SECRET": "short",
	})
	<-p.ended
	assert.Equal(t, 3, p.cmd.ProcessState.ExitCode())
	for _, name := range []string{"SAMPLES_TIMEOUT", "CREDIT_COST_SAMPLE", "LISTEN_ADDR", "JWT_SECRET"} {
		assert.Contains(t, p.output(), name)
	}
	assert.NotContains(t, p.output(), "short,")
}

// TestTools runs the commands beside a running service.
func TestTools(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, map[string]string{"LEDGER_INITIAL_CREDITS": "0"})
	u := newUser(t)
	a, err := u.create(p.url, "", "a fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusPaymentRequired, a.HTTP)
	require.Equal(t, "insufficient_credits", a.Code)

	out, code := tool(t, dir, "credits", "grant", "--user", u.id.String(), "--amount", "0.50", "--reference", "welcome")
	require.Equal(t, 0, code, out)
	out, code = tool(t, dir, "credits", "grant", "--user", u.id.String(), "--amount", "0.50", "--reference", "welcome")
	require.Equal(t, 0, code, out)
	assert.Contains(t, out, "balance 0.50", "a repeat adds nothing")
	a, err = u.create(p.url, "", "a fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.raw)

	out, code = tool(t, dir, "token", "--user", u.id.String())
	require.Equal(t, 0, code)
	fromTool := &user{token: strings.TrimSpace(out), client: http.DefaultClient}
	a, err = fromTool.get(p.url, a.GenerationID)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, a.HTTP)

	out, code = tool(t, dir, "healthcheck", "--url", p.url)
	assert.Equal(t, 0, code, out)
	out, code = tool(t, dir, "doctor")
	assert.Equal(t, 0, code, out)
	assert.NotContains(t, out, testSecret)
	assert.NotContains(t, out, callbackSecret)
	out, code = tool(t, dir, "deliveries", "list")
	assert.Equal(t, 0, code, out)
	_, code = tool(t, dir, "token", "--user", "nobody")
	assert.Equal(t, 2, code)
	_, code = tool(t, dir, "credits", "grant", "--user", u.id.String(), "--amount", "-1")
	assert.Equal(t, 2, code)
	require.Equal(t, 0, p.stop())
	_, code = tool(t, dir, "healthcheck", "--url", p.url)
	assert.Equal(t, 1, code)
}

func tool(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	path, err := binary()
	require.NoError(t, err)
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = environment(dir, map[string]string{"LEDGER_INITIAL_CREDITS": "0"}), dir
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// TestSecretsAreMadeAndKept: without any secret set the program makes its own, for
// its own eyes only, and a token made before a restart is good after it.
func TestSecretsAreMadeAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := map[string]string{"JWT_SECRET": "", "N8N_CALLBACK_SECRET": ""}
	p := start(t, dir, none)
	for _, name := range []string{"jwt.secret", "callback.secret"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	require.Equal(t, 0, p.stop())
	public, _ := launch(t, dir, map[string]string{"JWT_SECRET": "", "LISTEN_ADDR": "0.0.0.0:0"})
	<-public.ended
	assert.Equal(t, 3, public.cmd.ProcessState.ExitCode())
	assert.Contains(t, public.output(), "JWT")
}

package e2e

import (
	"bufio"
	"bytes"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// TestWholeGeneration makes a real picture by the real program.
func TestWholeGeneration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"WORKER_RENDER": "true"})
	u := testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a red fox, watercolour")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	id := a.GenerationID
	u.Until(t, p.URL, id, "AwaitingSelection")
	g, err := u.Get(p.URL, id)
	require.NoError(t, err)
	require.Len(t, g.SampleAssets, 2)
	first, second := testprogram.Picture(t, g.SampleAssets[0].URL), testprogram.Picture(t, g.SampleAssets[1].URL)
	assert.NotEqual(t, first, second, "samples differ")
	a, err = u.Post(p.URL, id, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[1].AssetID, "resolution": "320x240"})
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	u.Until(t, p.URL, id, "Completed")
	g, err = u.Get(p.URL, id)
	require.NoError(t, err)
	img, err := png.Decode(bytes.NewReader(testprogram.Picture(t, g.FinalAsset.URL)))
	require.NoError(t, err)
	assert.Equal(t, 320, img.Bounds().Dx())
	assert.Equal(t, 240, img.Bounds().Dy())
	assert.Equal(t, 0, p.Stop())
	testprogram.Audit(t, dir)
}

// TestDrain stops the program while streams are open and jobs under way: the
// clients are told, the exit is clean, and the next start finishes the work.
func TestDrain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	settings := map[string]string{"WORKER_RENDER": "true", "WORKER_CONCURRENCY": "1"}
	p := testprogram.Start(t, dir, settings)
	u := testprogram.NewUser(t)
	ids := make([]string, 8)
	for i := range ids {
		a, err := u.Create(p.URL, "", "a fox "+strings.Repeat("x", i))
		require.NoError(t, err)
		ids[i] = a.GenerationID
	}
	last := ids[len(ids)-1]
	req, err := http.NewRequest(http.MethodGet, p.URL+"/api/v1/generations/"+last+"/events", nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+u.Token)
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	require.True(t, lines.Scan(), "the stream begins")

	require.Equal(t, 0, p.Stop(), "exit code of a clean stop")
	for lines.Scan() { // the rest of the stream
	}
	require.NoError(t, lines.Err(), "the stream was ended, not cut")
	testprogram.Audit(t, dir)

	p = testprogram.Start(t, dir, settings)
	for _, id := range ids {
		u.Until(t, p.URL, id, "AwaitingSelection")
	}
	assert.Equal(t, 0, p.Stop())
	testprogram.Audit(t, dir)
}

// TestTwoServersOneFile: the second says what is wrong instead of sharing the file.
func TestTwoServersOneFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testprogram.Start(t, dir, nil)
	second, _ := testprogram.Launch(t, dir, nil)
	<-second.Ended
	assert.Equal(t, 1, second.ExitCode())
	assert.Contains(t, second.Output(), "aigen.db")
}

// TestBadSettings names every fault at once and exits with 3.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	p, _ := testprogram.Launch(t, t.TempDir(), map[string]string{
		"SAMPLES_TIMEOUT": "soon", "CREDIT_COST_SAMPLE": "-1", "LISTEN_ADDR": "nowhere", "JWT_SECRET": "short",
	})
	<-p.Ended
	assert.Equal(t, 3, p.ExitCode())
	for _, name := range []string{"SAMPLES_TIMEOUT", "CREDIT_COST_SAMPLE", "LISTEN_ADDR", "JWT_SECRET"} {
		assert.Contains(t, p.Output(), name)
	}
	assert.NotContains(t, p.Output(), "short,")
}

// TestTools runs the commands beside a running service.
func TestTools(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"LEDGER_INITIAL_CREDITS": "0"})
	u := testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusPaymentRequired, a.HTTP)
	require.Equal(t, "insufficient_credits", a.Code)

	out, code := testprogram.Tool(t, dir, "credits", "grant", "--user", u.ID.String(), "--amount", "0.50", "--reference", "welcome")
	require.Equal(t, 0, code, out)
	out, code = testprogram.Tool(t, dir, "credits", "grant", "--user", u.ID.String(), "--amount", "0.50", "--reference", "welcome")
	require.Equal(t, 0, code, out)
	assert.Contains(t, out, "balance 0.50", "a repeat adds nothing")
	a, err = u.Create(p.URL, "", "a fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)

	out, code = testprogram.Tool(t, dir, "token", "--user", u.ID.String())
	require.Equal(t, 0, code)
	fromTool := &testprogram.User{Token: strings.TrimSpace(out), Client: http.DefaultClient}
	a, err = fromTool.Get(p.URL, a.GenerationID)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, a.HTTP)

	out, code = testprogram.Tool(t, dir, "healthcheck", "--url", p.URL)
	assert.Equal(t, 0, code, out)
	out, code = testprogram.Tool(t, dir, "doctor")
	assert.Equal(t, 0, code, out)
	assert.NotContains(t, out, testprogram.JWTSecret)
	assert.NotContains(t, out, testprogram.CallbackSecret)
	out, code = testprogram.Tool(t, dir, "deliveries", "list")
	assert.Equal(t, 0, code, out)
	_, code = testprogram.Tool(t, dir, "token", "--user", "nobody")
	assert.Equal(t, 2, code)
	_, code = testprogram.Tool(t, dir, "credits", "grant", "--user", u.ID.String(), "--amount", "-1")
	assert.Equal(t, 2, code)
	require.Equal(t, 0, p.Stop())
	_, code = testprogram.Tool(t, dir, "healthcheck", "--url", p.URL)
	assert.Equal(t, 1, code)
}

// TestSecretsAreMadeAndKept: without any secret set the program makes its own, for
// its own eyes only, and a token made before a restart is good after it.
func TestSecretsAreMadeAndKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := map[string]string{"JWT_SECRET": "", "N8N_CALLBACK_SECRET": ""}
	p := testprogram.Start(t, dir, none)
	for _, name := range []string{"jwt.secret", "callback.secret"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode().Perm(), name)
	}
	require.Equal(t, 0, p.Stop())
	public, _ := testprogram.Launch(t, dir, map[string]string{"JWT_SECRET": "", "LISTEN_ADDR": "0.0.0.0:0"})
	<-public.Ended
	assert.Equal(t, 3, public.ExitCode())
	assert.Contains(t, public.Output(), "JWT")
}

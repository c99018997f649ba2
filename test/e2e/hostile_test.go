package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// TestURLsOfCallbacksAreNeverFetched: an engine may name any address. It is stored and
// shown to the user, and nobody of ours ever asks at it: what can be reached from where
// the service stands (metadata servers, databases) is not the engine's to reach. What
// would run or pretend in a page is not even stored.
func TestURLsOfCallbacksAreNeverFetched(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, "the secrets of the metadata server")
	}))
	t.Cleanup(inside.Close)
	told := startLeaks(t, `{}`) // the notification service gets the URLs too
	e := testprogram.WebhookEngine(t)
	p := testprogram.Start(t, t.TempDir(), map[string]string{"N8N_WEBHOOK_URL": e.URL, "NOTIFICATION_SERVICE_URL": told.url})
	u := testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a fox")
	require.NoError(t, err)
	j := e.Next(t)
	assets := func(samples string, final string) map[string]any {
		if final != "" {
			return map[string]any{"status": "success", "stage": "final_asset_generated", "results": map[string]any{"finalAsset": map[string]any{"assetId": "f", "url": final}}}
		}
		return map[string]any{"status": "success", "stage": "samples_generated", "results": map[string]any{"sampleAssets": []any{
			map[string]any{"assetId": "s1", "url": samples, "metadata": map[string]any{"thumbnail": inside.URL + "/meta"}},
		}}}
	}
	for _, bad := range []string{
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "data:image/svg+xml,<svg onload=alert(1)>",
		"data:text/html;base64,AAAA", "vbscript:x", "file:///etc/passwd", "ftp://x/y", "//evil.example/x.png", "\\\\evil\\x", "/\\evil.example", "http:///x",
		"http:x", "https://", "about:blank", "blob:http://x/y", "gopher://127.0.0.1:6379/_x", "x.png", "", "http://a b/c",
	} {
		status, body, err := j.Report(assets(bad, ""))
		require.NoError(t, err)
		assert.Equal(t, http.StatusUnprocessableEntity, status, "%q: %s", bad, body)
	}
	status, body, err := j.Report(assets(inside.URL+"/latest/meta-data/?a=<script>", ""))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, body)
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	_, err = u.Post(p.URL, a.GenerationID, "select-sample", "", map[string]any{"sampleId": "s1"})
	require.NoError(t, err)
	j = e.Next(t)
	status, body, err = j.Report(assets("", inside.URL+"/final.png"))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, body)
	u.Until(t, p.URL, a.GenerationID, "Completed")
	g, err := u.Get(p.URL, a.GenerationID)
	require.NoError(t, err)
	assert.Equal(t, inside.URL+"/final.png", g.FinalAsset.URL, "shown as it came")
	testprogram.Eventually(t, "the notification with the URL", func() bool { return strings.Contains(told.bodies(), "final.png") })
	require.Equal(t, 0, p.Stop())
	assert.Zero(t, asked.Load(), "somebody fetched what an engine named")
}

// TestAssetsCannotBeLeft: by no spelling does a path below /assets lead to another file,
// on the real program and by bytes on the wire that no client would send.
func TestAssetsCannotBeLeft(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := testprogram.Start(t, dir, map[string]string{"WORKER_RENDER": "true"})
	u := testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a fox")
	require.NoError(t, err)
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	g, err := u.Get(p.URL, a.GenerationID)
	require.NoError(t, err)
	good, err := url.Parse(g.SampleAssets[0].URL)
	require.NoError(t, err)
	const link, folder = "11111111-1111-8111-8111-111111111111.png", "22222222-2222-8222-8222-222222222222.png"
	require.NoError(t, os.Symlink("../aigen.db", filepath.Join(dir, "assets", link)))
	require.NoError(t, os.Symlink("/etc", filepath.Join(dir, "assets", folder)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "assets", "plain.txt"), []byte("x"), 0o600))

	conn := func(target string) (int, string) {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.URL, "http://"))
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetDeadline(time.Now().Add(20*time.Second)))
		_, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", target)
		require.NoError(t, err)
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		require.NoError(t, err)
		defer res.Body.Close()
		raw, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, string(raw)
	}
	status, picture := conn(good.Path)
	require.Equal(t, http.StatusOK, status)
	require.True(t, strings.HasPrefix(picture, "\x89PNG"))
	var targets []string
	for _, up := range []string{"..", "%2e%2e", "%2E%2e", ".%2e", "%252e%252e", "%c0%ae%c0%ae", "..%00", "..;", "....", "..%5c.."} {
		for _, slash := range []string{"/", "%2f", "%2F", "%252f", "%5c", "\\", "//"} {
			for _, file := range []string{"aigen.db", "jwt.secret", "callback.secret", "assets" + slash + "plain.txt"} {
				targets = append(targets, "/assets/"+up+slash+file, "/assets"+slash+up+slash+file, "/assets/x"+slash+up+slash+up+slash+file)
			}
			targets = append(targets, "/assets/"+strings.Repeat(up+slash, 12)+"etc"+slash+"passwd")
		}
	}
	targets = append(targets, "/assets/"+link, "/assets/"+folder, "/assets/"+folder+"/passwd", "/assets/plain.txt", "/assets/", "/assets", "/assets/.",
		good.Path+"%00", good.Path+"%00.txt", good.Path+"/", good.Path+"/..", "/assets//etc/passwd", "/assets/%00", "/assets/C:%5cx",
		good.Path+".orig", good.Path+"/original", "http://x/assets/../aigen.db", good.Path+"::$DATA")
	for _, target := range targets {
		status, body := conn(target)
		assert.GreaterOrEqual(t, status, 300, target)
		assert.NotContains(t, body, "SQLite format", target)
		assert.NotContains(t, body, "root:", target)
	}
	// A redirect, where there is one, stays here.
	assert.Greater(t, len(targets), 500)
}

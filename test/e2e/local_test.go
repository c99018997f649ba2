package e2e

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// browser gets a page as one does, and says where it has ended.
func browser(t *testing.T, c *http.Client, address string) (status int, ended string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	req.Header.Set("Accept", "text/html")
	res, err := c.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	return res.StatusCode, res.Request.URL.Path
}

// The address that serve prints lets its reader in; nothing else does, and the log,
// which others may read, does not have it. It is the same after a restart.
func TestTheConsoleOpensWithTheKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	none := map[string]string{"JWT_SECRET": ""}
	key := ""
	for range 2 {
		p := testprogram.Start(t, dir, none)
		var address string
		testprogram.Eventually(t, "the address is printed", func() bool {
			address = regexp.MustCompile(`http://\S+/\?key=\S+`).FindString(p.Printed())
			return address != ""
		})
		require.True(t, strings.HasPrefix(address, p.URL+"/?key="), address)
		_, made, _ := strings.Cut(address, "?key=")
		assert.False(t, p.Logged(made))
		if key != "" {
			assert.Equal(t, key, made)
		}
		key = made

		jar, err := cookiejar.New(nil)
		require.NoError(t, err)
		c := &http.Client{Jar: jar}
		for _, page := range []string{"/", "/operator/system", "/generations"} {
			status, ended := browser(t, c, p.URL+page)
			assert.Equal(t, http.StatusOK, status)
			assert.Equal(t, "/sign-in", ended, page)
		}
		_, ended := browser(t, c, address)
		assert.Equal(t, "/", ended)
		status, ended := browser(t, c, p.URL+"/operator/system")
		assert.Equal(t, http.StatusOK, status)
		assert.Equal(t, "/operator/system", ended)
		require.Equal(t, 0, p.Stop())
	}
	out, code := testprogram.ToolWith(t, dir, map[string]string{"JWT_SECRET": "", "LISTEN_ADDR": "127.0.0.1:8123"}, "console")
	require.Equal(t, 0, code, out)
	assert.Equal(t, "http://127.0.0.1:8123/?key="+key+"\n", out)

	p := testprogram.Start(t, t.TempDir(), nil)
	assert.NotContains(t, p.Printed(), "key=", "with a JWT setting there is no local user")
	_, ended := browser(t, http.DefaultClient, p.URL+"/?key="+key)
	assert.Equal(t, "/sign-in", ended)
}

// While the service is away, any user of the machine may take its port: who listens
// there gets no token, unless they have its secret.
func TestATokenGoesOnlyToTheServiceItself(t *testing.T) {
	t.Parallel()
	var tokens atomic.Int32
	squatter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			tokens.Add(1)
		}
		w.Header().Set("Aigen-Proof", "AAAA")
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(squatter.Close)
	dir := t.TempDir()
	_, port, err := net.SplitHostPort(squatter.Listener.Addr().String())
	require.NoError(t, err)
	at := map[string]string{"LISTEN_ADDR": "127.0.0.1:" + port}
	for _, args := range [][]string{
		{"watch"}, {"watch", "--server", squatter.URL},
		{"generate", "a fox", "--samples", "1", "--server", squatter.URL, "--out", filepath.Join(dir, "fox.png")},
	} {
		out, code := testprogram.ToolWith(t, dir, at, args...)
		assert.Equal(t, 1, code, out)
		assert.Contains(t, out, "does not prove")
	}
	assert.Zero(t, tokens.Load())

	p := testprogram.Start(t, dir, nil)
	_, port, err = net.SplitHostPort(strings.TrimPrefix(p.URL, "http://"))
	require.NoError(t, err)
	out, code := testprogram.ToolWith(t, dir, map[string]string{"LISTEN_ADDR": "127.0.0.1:" + port},
		"generate", "a fox", "--samples", "1", "--out", filepath.Join(dir, "fox.png"))
	require.Equal(t, 0, code, out)
	out, code = testprogram.Tool(t, dir, "generate", "a fox", "--samples", "1", "--server", p.URL, "--out", filepath.Join(dir, "fox2.png"))
	require.Equal(t, 0, code, out)
	out, code = testprogram.ToolWith(t, dir, map[string]string{"JWT_SECRET": "another secret, of more than 32 bytes"},
		"generate", "a fox", "--samples", "1", "--server", p.URL, "--out", filepath.Join(dir, "fox3.png"))
	require.Equal(t, 1, code, out)
	assert.Contains(t, out, "does not prove")
}

// Commands that look at a database leave it as it is: to bring its schema up to date
// would break an older service that runs on it, and to make one would hide that it is
// gone.
func TestWhatOnlyLooksMigratesNothing(t *testing.T) {
	t.Parallel()
	user := testprogram.NewUser(t).ID.String()
	looks := [][]string{
		{"deliveries", "list"}, {"deliveries", "retry", "--all"}, {"deliveries", "drop", user, "--reason", "a test"},
		{"credits", "balance", "--user", user}, {"reconcile"},
	}
	dir := t.TempDir()
	for _, args := range looks {
		out, code := testprogram.Tool(t, dir, args...)
		assert.Equal(t, 1, code, "%v: %s", args, out)
		assert.Contains(t, out, "there is no database yet", args)
	}
	out, code := testprogram.ToolWith(t, dir, map[string]string{"DATA_DIR": filepath.Join(dir, "data")}, "doctor")
	assert.Equal(t, 0, code, out)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "nothing was made")

	p := testprogram.Start(t, dir, nil)
	db := testprogram.Audit(t, dir)
	newest := testprogram.Count(t, db, "SELECT max(version) FROM schema_migrations")
	_, err = db.Exec("DELETE FROM schema_migrations WHERE version = ?", newest)
	require.NoError(t, err)
	for _, args := range append(looks, []string{"doctor"}, []string{"credits", "grant", "--user", user, "--amount", "1"}) {
		out, code := testprogram.Tool(t, dir, args...)
		assert.Equal(t, 1, code, "%v: %s", args, out)
		assert.Contains(t, out, "run `aigen migrate`", args)
	}
	assert.Equal(t, newest-1, testprogram.Count(t, db, "SELECT max(version) FROM schema_migrations"))
	out, code = testprogram.Tool(t, dir, "migrate")
	assert.Equal(t, 1, code, out)
	assert.Contains(t, out, "needs the service to be stopped")

	_, err = db.Exec("INSERT INTO schema_migrations SELECT 99, name, checksum, applied_at FROM schema_migrations LIMIT 1")
	require.NoError(t, err)
	require.Equal(t, 0, p.Stop())
	out, code = testprogram.Tool(t, dir, "deliveries", "list")
	assert.Equal(t, 1, code)
	assert.Contains(t, out, "made by a newer version of aigen")
	assert.Contains(t, out, "run that version, or restore the backup")

	out, code = testprogram.Tool(t, t.TempDir(), "credits", "grant", "--user", user, "--amount", "1")
	assert.Equal(t, 0, code, out)
	assert.Contains(t, out, "so one was made")
}

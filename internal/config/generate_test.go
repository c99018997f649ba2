package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

func TestEnsureSecretsMakesAndKeeps(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	c := mustLoad(t, nil)
	before := c
	require.True(t, c.NeedsTokenSecret() && c.NeedsCallbackSecret())
	require.NoError(t, config.EnsureSecrets(dir, &c))

	assert.Len(t, c.Auth.Secret.Reveal(), 43, "32 bytes in base64url")
	assert.NotEqual(t, c.Auth.Secret, c.Callback.Secrets[0])
	assert.Equal(t, "generated", settingOf(t, c, "JWT_SECRET").Source)
	assert.Equal(t, "default", settingOf(t, before, "JWT_SECRET").Source, "a copy made before is left alone")
	assertMode(t, dir, 0o700)
	assertMode(t, filepath.Join(dir, "jwt.secret"), 0o600)
	assertMode(t, filepath.Join(dir, "callback.secret"), 0o600)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, 2, "no temporary file is left")

	again := mustLoad(t, nil)
	require.NoError(t, config.EnsureSecrets(dir, &again))
	assert.Equal(t, c.Auth.Secret, again.Auth.Secret)
	assert.Equal(t, c.Callback.Secrets, again.Callback.Secrets)
}

func assertMode(t *testing.T, path string, want os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, want, info.Mode().Perm(), path)
}

func TestEnsureSecretsLeavesWhatIsSet(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	c := mustLoad(t, nil, "JWT_JWKS_URL=https://h/k", "N8N_CALLBACK_SECRET="+otherSecret)
	require.NoError(t, config.EnsureSecrets(dir, &c))
	assert.Empty(t, c.Auth.Secret)
	assert.Equal(t, otherSecret, c.Callback.Secrets[0].Reveal())
	assert.NoDirExists(t, dir)
}

func TestEnsureSecretsRefusesBadFiles(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"readable by the group": {longSecret, 0o640, "chmod 600"},
		"writable by others":    {longSecret, 0o602, "chmod 600"},
		"empty":                 {"", 0o600, "at least 32 bytes"},
		"cut off":               {longSecret[:31] + "\n", 0o600, "at least 32 bytes"},
		"binary":                {strings.Repeat("\x00", 64), 0o600, "at least 32 bytes"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path := filepath.Join(dir, "jwt.secret")
			require.NoError(t, os.WriteFile(path, []byte(tt.text), 0o600))
			require.NoError(t, os.Chmod(path, tt.mode))
			c := mustLoad(t, nil)
			faults := faultsOf(t, config.EnsureSecrets(dir, &c))
			require.Len(t, faults, 1)
			assert.Equal(t, "JWT_SECRET", faults[0].Setting)
			assert.Equal(t, "file "+path, faults[0].Source)
			assert.Contains(t, faults[0].Problem, tt.want)
			assert.NotContains(t, faults[0].Problem, longSecret[:20])
			assert.Empty(t, c.Auth.Secret)
			assert.Len(t, c.Callback.Secrets, 1, "the other secret is made all the same")
		})
	}
}

func TestEnsureSecretsNamesBothFaults(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	c := mustLoad(t, nil)
	assert.Len(t, faultsOf(t, config.EnsureSecrets(filepath.Join(file, "data"), &c)), 2)

	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "jwt.secret"), 0o700))
	assert.ErrorContains(t, config.EnsureSecrets(dir, &c), "not a regular file")
}

// Two programs that start at once (serve and token, say) must not end with
// different secrets: the tokens of one would be refused by the other.
func TestEnsureSecretsRaced(t *testing.T) {
	t.Parallel()
	const processes = 20
	for range 10 {
		dir := filepath.Join(t.TempDir(), "data")
		got := make([]config.Config, processes)
		errs := make([]error, processes)
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i := range processes {
			wg.Go(func() {
				<-start
				errs[i] = config.EnsureSecrets(dir, &got[i])
			})
		}
		close(start)
		wg.Wait()
		for i := range processes {
			require.NoError(t, errs[i])
			assert.Equal(t, got[0].Auth.Secret, got[i].Auth.Secret)
			assert.Equal(t, got[0].Callback.Secrets, got[i].Callback.Secrets)
		}
	}
}

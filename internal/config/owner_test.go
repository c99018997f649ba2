//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/config"
)

// A .env that others own or may write could send the keys of the environment to an
// address of theirs.
func TestADotEnvOfOthersIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(path, []byte("ODOO_SERVICE_URL=http://127.0.0.1:8670\n"), 0o600))
	look := func(path string) (string, error) {
		c, err := config.Load(config.Options{Environ: []string{"ODOO_API_KEY=the-key-of-production"}, DotEnvPath: path})
		return c.Credits.OdooURL.Reveal(), err
	}
	chmod := func(mode os.FileMode) { require.NoError(t, os.Chmod(path, mode)) }
	for _, mode := range []os.FileMode{0o600, 0o644, 0o444} {
		chmod(mode)
		url, err := look(path)
		require.NoError(t, err)
		assert.Equal(t, "http://127.0.0.1:8670", url)
	}
	for _, mode := range []os.FileMode{0o602, 0o666, 0o646} {
		chmod(mode)
		url, err := look(path)
		require.ErrorContains(t, err, "can be changed by other users")
		assert.Empty(t, url, "nothing of it counts")
	}
	chmod(0o600)
	if os.Geteuid() != 0 {
		return // only root can give a file away
	}
	require.NoError(t, os.Chown(path, 0, 65534))
	chmod(0o664)
	_, err := look(path)
	require.ErrorContains(t, err, "can be changed by other users", "a group of others")
	require.NoError(t, os.Chown(path, 65534, 65534))
	chmod(0o600)
	_, err = look(path)
	require.ErrorContains(t, err, "belongs to another user (uid 65534)")
	require.NoError(t, os.Chown(path, 0, 0))
	link := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.Symlink(path, link))
	_, err = look(link)
	require.NoError(t, err)
	require.NoError(t, os.Lchown(link, 65534, 65534))
	_, err = look(link)
	require.ErrorContains(t, err, "belongs to another user", "a link that others made to a file of ours")
}

func TestNoDotEnvAtAll(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Options{Environ: []string{}, DotEnvPath: os.DevNull})
	require.NoError(t, err)
}

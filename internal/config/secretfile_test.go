package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func noLinks(string, string) error { return &os.LinkError{Op: "link", Err: syscall.EPERM} }

// Where there are no hard links the secret is made all the same, once.
func TestSecretWithoutHardLinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data", "jwt.secret")
	errs := make([]error, 8)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { errs[i] = createSecret(path, noLinks) })
	}
	wg.Wait()
	made := 0
	for _, err := range errs {
		if err == nil {
			made++
		} else {
			require.ErrorIs(t, err, fs.ErrExist)
		}
	}
	require.Equal(t, 1, made)
	secret, modeless, err := readSecret(path)
	require.NoError(t, err)
	require.False(t, modeless)
	require.Len(t, secret.Reveal(), 43)
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, left, 1)
}

// A mode that nobody can change is no reason to refuse what was just made.
func TestSecretMode(t *testing.T) {
	t.Parallel()
	yes, no := func(string) bool { return true }, func(string) bool { return false }
	for name, tt := range map[string]struct {
		dir, file os.FileMode
		probe     func(string) bool
		modeless  bool
		refused   bool
	}{
		"ours":                          {0o700, 0o600, no, false, false},
		"all files are 0777":            {0o777, 0o777, yes, true, false},
		"others read":                   {0o777, 0o604, no, false, true},
		"the group reads":               {0o755, 0o640, no, false, true},
		"the folder is the group's":     {0o770, 0o660, no, false, false},
		"and setgid, as for fsGroup":    {0o770 | os.ModeSetgid, 0o660, no, false, false},
		"the group's, but others read":  {0o770, 0o664, no, false, true},
		"the group reads the folder":    {0o750, 0o640, no, false, true},
		"others write, nothing is kept": {0o777, 0o602, yes, true, false},
	} {
		dir := filepath.Join(t.TempDir(), "data")
		require.NoError(t, os.Mkdir(dir, 0o700))
		path := filepath.Join(dir, "jwt.secret")
		require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
		require.NoError(t, os.Chmod(path, tt.file))
		require.NoError(t, os.Chmod(dir, tt.dir))
		info, err := os.Stat(path)
		require.NoError(t, err)
		modeless, err := checkMode(path, info, tt.probe)
		require.Equal(t, tt.modeless, modeless, name)
		require.Equal(t, tt.refused, err != nil, name)
	}
	require.False(t, keepsNoModes(t.TempDir()))
}

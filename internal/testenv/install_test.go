package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// An apt-get that fails where another one is at work, as Debian's does.
const jealousApt = `#!/bin/sh
mkdir %[1]s/held || { echo "E: Could not get lock"; exit 100; }
i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done
case " $* " in *" install "*) echo x >>%[1]s/installed ;; esac
rmdir %[1]s/held
`

// Tests of several packages install what they miss at the same moment.
func TestInstallationsWaitForEachOther(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apt := filepath.Join(dir, "apt-get")
	require.NoError(t, os.WriteFile(apt, fmt.Appendf(nil, jealousApt, dir), 0o700))
	there := func() bool {
		_, err := os.Stat(filepath.Join(dir, "installed"))
		return err == nil
	}
	var all errgroup.Group
	for range 8 {
		all.Go(func() error { return aptInstall(apt, filepath.Join(dir, "lock"), "a-server", there) })
	}
	require.NoError(t, all.Wait())
	times, err := os.ReadFile(filepath.Join(dir, "installed"))
	require.NoError(t, err)
	require.Equal(t, "x\n", string(times), "who waited finds it there")
}

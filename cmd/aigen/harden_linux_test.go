package main

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The test's own process is sealed, which does it no harm.
func TestSealMemory(t *testing.T) {
	t.Parallel()
	require.NoError(t, disableDumps())
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_CORE, &limit))
	assert.Equal(t, syscall.Rlimit{}, limit)
	dumpable, _, err := syscall.RawSyscall6(syscall.SYS_PRCTL, syscall.PR_GET_DUMPABLE, 0, 0, 0, 0, 0)
	require.Zero(t, err)
	assert.Zero(t, dumpable)
	require.NoError(t, disableDumps(), "twice is as good as once")
}

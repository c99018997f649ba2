package main

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCollectorPercent(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for alive, want := range map[uint64]int{0: 400, 10 * mib: 400, 16 * mib: 400, 17 * mib: 200, 32 * mib: 200, 33 * mib: 100, 4096 * mib: 100} {
		assert.Equal(t, want, collectorPercent(alive), "%d MiB", alive/mib)
	}
	runtime.GC()
	assert.Positive(t, liveHeap())
}

//go:build unix

package sqlite

import (
	"os"
	"syscall"
)

// links is the number of names that a file has.
func links(info os.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink) //nolint:unconvert // 16 or 32 bits on other systems
	}
	return 1
}

//go:build unix

package config

import (
	"os"
	"slices"
	"syscall"
)

// ownGroup is the file's group if this process is in it, else -1.
func ownGroup(info os.FileInfo) int {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	gid := int(s.Gid)
	if groups, err := os.Getgroups(); gid != os.Getegid() && (err != nil || !slices.Contains(groups, gid)) {
		return -1
	}
	return gid
}

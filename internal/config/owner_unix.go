//go:build unix

package config

import (
	"os"
	"syscall"
)

// checkOwner refuses a file that another user owns or may write to: it could send the
// secrets of the environment to an address of theirs. Root may write to any file anyway.
// A group of the owner alone, which many systems give each user, is nobody else.
func checkOwner(info os.FileInfo) error {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	owner, mode := int(s.Uid), info.Mode().Perm()
	switch {
	case info.Mode()&os.ModeDevice != 0:
		return nil // /dev/null, in place of a file: only root makes devices
	case owner != 0 && owner != os.Geteuid():
		return problemf("belongs to another user (uid %d): take it over with `chown`, set its settings in the environment, or start elsewhere", owner)
	case info.Mode()&os.ModeSymlink != 0:
		return nil // who may change what it points to is told by that
	case mode&0o002 != 0, mode&0o020 != 0 && s.Gid != s.Uid:
		return problemf("can be changed by other users (mode %04o): run `chmod go-w` on it", mode)
	}
	return nil
}

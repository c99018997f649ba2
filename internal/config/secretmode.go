package config

import (
	"os"
	"path/filepath"
	"runtime"
)

// checkMode refuses a secret that others on the machine may touch. Its error is a
// problem for a Fault. modeless: the file system keeps no modes, so that nothing can be
// said, and nothing be done about it.
func checkMode(path string, info os.FileInfo, keepsNoModes func(dir string) bool) (modeless bool, err error) {
	mode := info.Mode().Perm()
	// Windows has no such bits; there the directory's access list decides.
	if mode&othersMayTouch == 0 || runtime.GOOS == "windows" {
		return false, nil
	}
	dir := filepath.Dir(path)
	if mode&worldMayTouch == 0 && sharedWithGroup(dir, info) {
		return false, nil
	}
	if keepsNoModes(dir) {
		return true, nil
	}
	return false, problemf("can be read or changed by other users (mode %04o): run `chmod 600` on it, or remove it to have a new secret made", mode)
}

// sharedWithGroup reports whether the folder was given to a group that we are in, as
// Kubernetes does for fsGroup (chmod -R g+rwX). Who is in it could put another secret
// there anyway.
func sharedWithGroup(dir string, file os.FileInfo) bool {
	const groupWrites = 0o070
	d, err := os.Stat(dir)
	group := ownGroup(file)
	return err == nil && group >= 0 && ownGroup(d) == group && d.Mode().Perm()&groupWrites == groupWrites
}

// keepsNoModes tries what chmod does in dir: nothing on the shares that WSL, Docker
// Desktop and CIFS mount.
func keepsNoModes(dir string) bool {
	f, err := os.CreateTemp(dir, ".mode-*")
	if err != nil {
		return false
	}
	defer func() { _, _ = f.Close(), os.Remove(f.Name()) }()
	_ = f.Chmod(ownerOnly)
	info, err := f.Stat()
	return err == nil && info.Mode().Perm()&othersMayTouch != 0
}

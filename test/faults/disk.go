package faults

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// disk is a small file system of its own: a tmpfs, so that full means what it says.
// Mounting needs root, as a container of CI has.
type disk struct{ path string }

const diskSize = 256 << 20

func newDisk(path string) (*disk, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", diskSize)); err != nil {
		return nil, fmt.Errorf("mount a small disk at %s (the run on SQLite needs root for it): %w", path, err)
	}
	return &disk{path}, nil
}

func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill takes all that is free. What the program frees meanwhile it may have back.
func (d *disk) fill() error {
	f, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, piece := range []int{1 << 20, 4096} {
		zeros := make([]byte, piece)
		for {
			if _, err := f.Write(zeros); err != nil {
				break // no space left on the device: so it is meant
			}
		}
	}
	return nil
}

func (d *disk) free() error {
	if err := os.Remove(d.ballast()); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

func (d *disk) close() error {
	if err := syscall.Unmount(d.path, syscall.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", d.path, err)
	}
	return nil
}

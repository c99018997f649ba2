package worker

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// folder is where the files are: a root that cannot be left, whatever a name says. It
// follows its path: a folder that was removed and made again is opened again.
type folder struct {
	path string

	mu   sync.Mutex
	root *os.Root

	probing sync.Mutex // guards what follows; a probe may wait for a slow disk
	probed  time.Time
	fault   error
}

// make opens the folder, made if need be. It is the only time that it is made: one that
// is gone later may be a disk that is not mounted, and what was in it is missed.
func (f *folder) make(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var err error
	if f.path, err = filepath.Abs(dir); err != nil {
		return err
	}
	f.root, err = os.OpenRoot(f.path)
	return err
}

// open returns the folder that is at the path now.
func (f *folder) open() (*os.Root, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	is, err := os.Stat(f.path)
	if err != nil {
		return nil, err
	}
	if was, err := f.root.Stat("."); err == nil && os.SameFile(is, was) {
		return f.root, nil
	}
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return nil, err
	}
	_ = f.root.Close() // of a folder that is gone
	f.root = root
	return root, nil
}

func (f *folder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.root.Close()
}

const (
	probeSize = 256 << 10   // bytes: a small picture; the database may lie on the same disk
	probeFor  = time.Second // /readyz is asked by anybody
)

// probe tries to write what a picture needs. Its answer holds for a moment.
func (f *folder) probe() error {
	f.probing.Lock()
	defer f.probing.Unlock()
	if time.Since(f.probed) >= probeFor {
		f.fault = f.tryWrite()
		f.probed = time.Now()
	}
	return f.fault
}

func (f *folder) tryWrite() error {
	root, err := f.open()
	if err != nil {
		return err
	}
	name := "probe." + rand.Text() + partSuffix // of a process that is killed here, clear removes it
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, bytes.NewReader(make([]byte, probeSize)))
	if closed := file.Close(); err == nil {
		err = closed
	}
	if removed := root.Remove(name); err == nil {
		err = removed
	}
	return err
}

// Check says why no picture could be kept just now, nil if one could: the folder is
// gone, full, or read-only.
func (a *Assets) Check() error {
	if err := a.folder.probe(); err != nil {
		return fmt.Errorf("the folder of the pictures cannot be written to: %w", err)
	}
	return nil
}

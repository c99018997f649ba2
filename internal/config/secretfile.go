package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	secretBytes    = 32 // of randomness in a made secret
	minKept        = 32 // bytes of text; a shorter file was cut off or edited
	ownerOnly      = 0o600
	ownerOnlyDir   = 0o700
	othersMayTouch = 0o077
	worldMayTouch  = 0o007
)

// ensureSecret reads the secret at path, and makes it first where there is none.
// The error is a problem for a Fault. For modeless see checkMode.
func ensureSecret(path string) (_ Secret, modeless bool, _ error) {
	secret, modeless, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, modeless, err
	}
	if err := createSecret(path, os.Link); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, problemf("cannot be made (%s): correct DATA_DIR, or set the secret yourself", readProblem(err))
	}
	// Read back, and not kept from memory: another process may have been first,
	// and then its secret is the one.
	secret, modeless, err = readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, problem("was removed while it was being made: start again")
	}
	return secret, modeless, err
}

// readSecret is fs.ErrNotExist where there is no file, else a problem.
func readSecret(path string) (_ Secret, modeless bool, _ error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, fs.ErrNotExist
	}
	if err != nil {
		return "", false, problemf("cannot be read (%s): correct DATA_DIR, or set the secret yourself", readProblem(err))
	}
	if !info.Mode().IsRegular() {
		return "", false, problem("is not a regular file: remove it, and a new secret is made")
	}
	if modeless, err = checkMode(path, info, keepsNoModes); err != nil {
		return "", false, err
	}
	data, err := readLimited(path)
	if err != nil {
		return "", false, problemf("cannot be read (%s): correct its owner, or set the secret yourself", readProblem(err))
	}
	text := strings.TrimRight(string(data), "\r\n")
	if len(text) < minKept || hasControl(text) {
		return "", false, problemf("does not hold a secret of at least %d bytes of text: remove it, and a new one is made (tokens from the old one end)", minKept)
	}
	return Secret(text), modeless, nil
}

// createSecret puts a new secret at path, whole or not at all; fs.ErrExist when
// there is one already.
//
// A hard link and not a rename puts it there, because a rename would replace the
// file of a process that came first, which already uses what it wrote. Both are
// atomic; only the link refuses. File systems without hard links get the file under its
// name at once: a crash in between leaves one that is too short, which is said.
func createSecret(path string, link func(from, to string) error) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, ownerOnlyDir); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*") // O_EXCL, mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(temp.Name())) }()
	if err := writeSynced(temp, newSecret()); err != nil {
		return err
	}
	switch err := link(temp.Name(), path); {
	case errors.Is(err, fs.ErrExist):
		return err
	case err != nil:
		if err := createUnlinked(path); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func createUnlinked(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, ownerOnly) //nolint:gosec // below DATA_DIR
	if err != nil {
		return err
	}
	return writeSynced(f, newSecret())
}

func newSecret() string {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails (Go 1.24): it ends the program instead
	return base64.RawURLEncoding.EncodeToString(raw) + "\n"
}

// writeSynced writes, flushes to the disk and closes. Without the flush a power
// cut could leave an empty file under the final name.
func writeSynced(f *os.File, text string) error {
	_, err := f.WriteString(text)
	_ = f.Chmod(ownerOnly) // it was made so; readSecret looks whether it is
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir makes the new name itself outlive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // directories cannot be opened for this there
	}
	d, err := os.Open(dir) //nolint:gosec // DATA_DIR, the operator's choice
	if err != nil {
		return err
	}
	_ = d.Sync() // some file systems cannot do it for a directory
	return d.Close()
}

package config

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
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
)

// ensureSecret reads the secret at path, and makes it first where there is none.
// The error is a problem for a Fault.
func ensureSecret(path string) (Secret, error) {
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if err := createSecret(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", problemf("cannot be made (%s): correct DATA_DIR, or set the secret yourself", cause(err))
	}
	// Read back, and not kept from memory: another process may have been first,
	// and then its secret is the one.
	secret, err = readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", problem("was removed while it was being made: start again")
	}
	return secret, err
}

// readSecret is fs.ErrNotExist where there is no file, else a problem.
func readSecret(path string) (Secret, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fs.ErrNotExist
	}
	if err != nil {
		return "", problemf("cannot be read (%s): correct DATA_DIR, or set the secret yourself", readProblem(err))
	}
	if !info.Mode().IsRegular() {
		return "", problem("is not a regular file: remove it, and a new secret is made")
	}
	// Windows has no such bits; there the directory's access list decides.
	if mode := info.Mode().Perm(); mode&othersMayTouch != 0 && runtime.GOOS != "windows" {
		return "", problemf("can be read or changed by other users (mode %04o): run `chmod 600` on it, or remove it to have a new secret made", mode)
	}
	data, err := readLimited(path)
	if err != nil {
		return "", problemf("cannot be read (%s): correct its owner, or set the secret yourself", readProblem(err))
	}
	text := strings.TrimRight(string(data), "\r\n")
	if len(text) < minKept || hasControl(text) {
		return "", problemf("does not hold a secret of at least %d bytes of text: remove it, and a new one is made (tokens from the old one end)", minKept)
	}
	return Secret(text), nil
}

// createSecret puts a new secret at path, whole or not at all; fs.ErrExist when
// there is one already.
//
// A hard link and not a rename puts it there, because a rename would replace the
// file of a process that came first, which already uses what it wrote. Both are
// atomic; only the link refuses.
func createSecret(path string) (err error) {
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
	if err := os.Link(temp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
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
	return errors.Join(err, f.Chmod(ownerOnly), f.Sync(), f.Close())
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
	return errors.Join(d.Sync(), d.Close())
}

// cause is the innermost reason, without the paths of temporary files.
func cause(err error) string {
	var link *os.LinkError
	if errors.As(err, &link) {
		return fmt.Sprintf("hard link: %s", link.Err)
	}
	return readProblem(err)
}

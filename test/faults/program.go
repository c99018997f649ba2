package faults

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Build builds the program with the tag "faults", which lets its clock be set wrong,
// and returns its path. All else is the program that is released.
func Build(folder string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "aigen")
	cmd := exec.Command("go", "build", "-tags", "faults", "-o", path, "./cmd/aigen")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, out)
	}
	return path, nil
}

// moduleRoot is the folder of the sources: the program is built from them.
func moduleRoot() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	root := filepath.Dir(filepath.Dir(filepath.Dir(file)))
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
		return root, nil
	}
	// Built with -trimpath: then from where we are.
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "cmd", "aigen", "main.go")); err == nil {
			return dir, nil
		}
	}
	return "", errors.New("run it within the sources of aigen: it builds the program from them")
}

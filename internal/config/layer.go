package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxFile bounds what is read of a file, in bytes, so that a path such as
// /dev/zero is a fault and not a hang.
const maxFile = 1 << 20

// layer is one place that values come from: the environment, or the .env file.
type layer struct {
	name   string
	values map[string]string
}

// found is the value of one setting, or why there is none.
type found struct {
	raw    string
	source string
	fault  string
}

// lookup asks the layers in turn; the first in which the setting is not empty
// decides, also when what it says is faulty.
func (l *loader) lookup(name string) (found, bool) {
	for _, layer := range l.layers {
		value, path := layer.values[name], layer.values[name+fileSuffix]
		switch {
		case value != "" && path != "":
			return found{source: layer.name, fault: "is set beside " + name + fileSuffix + ": keep one of the two"}, true
		case value != "":
			return found{raw: value, source: layer.name}, true
		case path != "":
			return l.readValue(name, path), true
		}
	}
	return found{}, false
}

// readValue reads a setting from the file that NAME_FILE names. The trailing line
// break that editors and `echo` leave is not part of the value.
func (l *loader) readValue(name, path string) found {
	source := "file " + path
	data, err := l.options.ReadFile(path)
	if _, is := quoted(path); err != nil && is {
		return found{source: source, fault: "cannot be read: remove the quotes around the path in " + name + fileSuffix}
	}
	if err != nil {
		return found{source: source, fault: fmt.Sprintf("cannot be read (%s): correct %s, or the file's permissions", readProblem(err), name+fileSuffix)}
	}
	raw := strings.TrimRight(string(data), "\r\n")
	if raw == "" {
		return found{source: source, fault: "is empty: write the value into the file, or unset " + name + fileSuffix}
	}
	return found{raw: raw, source: source}
}

// readProblem is the cause without the path, which a path error repeats.
func readProblem(err error) string {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err.Error()
	}
	return err.Error()
}

// readOwn is readLimited for a file that was not named by anybody, but lies in the
// folder that a command happens to be run in: it has to be ours.
func readOwn(path string) (_ []byte, err error) {
	if link, err := os.Lstat(path); err == nil {
		if err := checkOwner(link); err != nil {
			return nil, err
		}
	}
	f, err := os.Open(path) //nolint:gosec // as readLimited
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := checkOwner(info); err != nil {
		return nil, err
	}
	return readAll(f)
}

// readLimited is os.ReadFile with an upper bound.
func readLimited(path string) (_ []byte, err error) {
	f, err := os.Open(path) //nolint:gosec // naming the file is what the setting is for
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readAll(f)
}

func readAll(f *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, problemf("larger than %d bytes", maxFile)
	}
	return data, nil
}

// environMap reads NAME=value pairs; of repeated names the last counts, as in
// os/exec.
func environMap(environ []string) map[string]string {
	out := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			out[name] = value
		}
	}
	return out
}

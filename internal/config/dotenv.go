package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// maxDotEnv bounds the .env file in bytes. Finding the faulty line is quadratic,
// and no settings file comes near it.
const maxDotEnv = 64 << 10

// reference is a $NAME, ${NAME} or $(NAME that godotenv replaces; group 1 is an
// escaping backslash, group 2 the name.
var reference = regexp.MustCompile(`(\\)?\$\(?\{?([A-Z0-9_]+)`)

// readDotEnv reads the .env file; a missing one is an empty one. It is false when
// there is a file that could not be read as a whole.
//
// Nothing of the file's text gets into a fault: godotenv's own errors quote it,
// secrets included, so only the line number is taken from them.
func (l *loader) readDotEnv() (map[string]string, bool) {
	path := l.options.DotEnvPath
	data, err := l.options.readDotEnv(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, true
	}
	var untrusted problem
	if errors.As(err, &untrusted) {
		l.fault(path, "", untrusted.Error())
		return nil, false
	}
	if err != nil {
		l.fault(path, "", fmt.Sprintf("cannot be read (%s): correct it, or remove the file", readProblem(err)))
		return nil, false
	}
	if len(data) > maxDotEnv {
		l.fault(path, "", fmt.Sprintf("is larger than %d bytes: leave only settings in it", maxDotEnv))
		return nil, false
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf")) // as some editors on Windows write
	values, err := parseDotEnv(data)
	if err != nil {
		l.fault(path, "", fmt.Sprintf("line %d is not NAME=value: correct it, and look for a quote that is not closed", faultyLine(data)))
		return nil, false
	}
	l.checkReferences(data, values)
	return values, true
}

// parseDotEnv is godotenv, which takes a last line without = for a value without
// a name.
func parseDotEnv(data []byte) (map[string]string, error) {
	values, err := godotenv.UnmarshalBytes(data)
	if err != nil {
		return nil, err
	}
	if _, nameless := values[""]; nameless {
		return nil, problem("a line without a name")
	}
	return values, nil
}

// faultyLine is the number of the line that the first bad statement begins on. It
// takes lines together until they parse, as quoted values may span several; those
// that never do begin with the faulty one.
func faultyLine(data []byte) int {
	lines := bytes.SplitAfter(data, []byte("\n"))
	start := 0
	for end := 1; end <= len(lines); end++ {
		if _, err := parseDotEnv(bytes.Join(lines[start:end], nil)); err == nil {
			start = end
		}
	}
	return min(start+1, len(lines))
}

// checkReferences finds the passwords that godotenv has cut up: an unquoted $ABC
// is replaced by the value of ABC, and by nothing where the file has no ABC.
func (l *loader) checkReferences(data []byte, values map[string]string) {
	// The same text without a $ in it, hence without replacements. NUL cannot
	// be in a value that is accepted, so it can stand for $.
	literal, err := parseDotEnv(bytes.ReplaceAll(data, []byte("$"), []byte{0}))
	if err != nil {
		return
	}
	var c Config
	for _, f := range fieldsOf(&c) {
		for _, name := range []string{f.name, f.name + fileSuffix} {
			written := strings.ReplaceAll(literal[name], "\x00", "$")
			if written != values[name] && hasUnknownReference(written, values) {
				l.fault(name, l.options.DotEnvPath, "has a $ that would be replaced by nothing: put the value in single quotes to keep the $")
			}
		}
	}
}

func hasUnknownReference(written string, values map[string]string) bool {
	return slices.ContainsFunc(reference.FindAllStringSubmatch(written, -1), func(m []string) bool {
		_, known := values[m[2]]
		return m[1] == "" && !known
	})
}

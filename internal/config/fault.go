package config

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fault is one thing wrong with the settings. It holds no secret, and no value of
// a setting that may contain one.
type Fault struct {
	Setting string `json:"setting"`          // its name, or the path of the .env file
	Source  string `json:"source,omitempty"` // "environment", ".env", "file /path", "default"; may be empty
	Problem string `json:"problem"`          // what is wrong and what to change, one line
}

// String is the fault in one line: setting, where it was set, problem.
func (f Fault) String() string {
	where := ""
	if f.Source != "" {
		where = " (" + f.Source + ")"
	}
	return oneLine(f.Setting + where + ": " + f.Problem)
}

// Warning is something odd that does not keep the service from starting.
type Warning Fault

// String is the warning in one line.
func (w Warning) String() string { return Fault(w).String() }

// Error is returned by Load and EnsureSecrets: everything that is wrong, at once,
// so that nobody has to fix one setting a start.
type Error struct {
	Faults []Fault // at least one, in the order of the settings
}

// Error is one line a fault.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// asError is nil when there is no fault.
func asError(faults []Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &Error{Faults: faults}
}

// problem is an error whose text is meant for the Problem of a Fault.
type problem string

func (p problem) Error() string { return string(p) }

func problemf(format string, args ...any) error {
	return problem(fmt.Sprintf(format, args...))
}

// maxShown is how many bytes of a value a fault repeats.
const maxShown = 40

// shown repeats a value that is no secret. Long ones and those of several lines
// are left out: they are where an unclosed quote in .env has swallowed the lines
// after it, secrets among them.
func shown(value string) string {
	if len(value) > maxShown || hasControl(value) {
		return "the value"
	}
	return fmt.Sprintf("%q", value)
}

func hasControl(s string) bool {
	return !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl)
}

// oneLine keeps a path with a line break in it from forging a second fault.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

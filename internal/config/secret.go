package config

import (
	"fmt"
	"io"
	"log/slog"
)

// masked stands for a secret wherever one would be printed.
const masked = "[secret]"

// Secret is a string that never prints itself: not by fmt with any verb, not by
// slog, not as JSON or text. An empty one prints as nothing, so that it can be
// told from one that is set.
type Secret string

// Reveal is the secret itself, for the one place that sends or compares it.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// GoString is for %#v.
func (s Secret) GoString() string { return fmt.Sprintf("%q", s.String()) }

// Format covers the verbs that ask for no Stringer, such as %x and %d.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for JSON, XML and everything else that marshals.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

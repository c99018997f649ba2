package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"strings"
)

// maskedPart stands for a password in a URL: [secret] would be percent-encoded.
const maskedPart = "xxxxx"

// URL is a checked URL. It prints with its credentials masked, in every way that
// [Secret] does; Reveal is the whole of it.
type URL string

// Reveal is the URL with its credentials, for the one place that dials it.
func (u URL) Reveal() string { return string(u) }

// String masks the password, the user name where it stands alone (tokens are
// given that way), and query parameters that sound like credentials. Where a password
// may reach beyond what seems to be the host, it masks all but the scheme.
func (u URL) String() string {
	if u == "" || strings.HasPrefix(string(u), sqlitePrefix) {
		return string(u)
	}
	parsed, err := parseHosts(string(u))
	if err != nil {
		return "[unreadable URL]"
	}
	if strayAt(string(u)) {
		return parsed.Scheme + "://" + maskedPart
	}
	if parsed.User != nil {
		if _, has := parsed.User.Password(); has {
			parsed.User = url.UserPassword(parsed.User.Username(), maskedPart)
		} else {
			parsed.User = url.User(maskedPart)
		}
	}
	parsed.RawQuery = maskQuery(parsed.RawQuery)
	return parsed.String()
}

// GoString is for %#v.
func (u URL) GoString() string { return fmt.Sprintf("%q", u.String()) }

// Format covers the verbs that ask for no Stringer.
func (u URL) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, u.String()) }

// LogValue is for slog.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText is for JSON, XML and everything else that marshals.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

func maskQuery(raw string) string {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return maskedPart // cannot tell which part is the secret
	}
	changed := false
	for name := range values {
		if soundsSecret(name) {
			values.Set(name, maskedPart)
			changed = true
		}
	}
	if !changed {
		return raw
	}
	return values.Encode()
}

func soundsSecret(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"pass", "pwd", "secret", "token", "key", "sig", "auth", "code"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

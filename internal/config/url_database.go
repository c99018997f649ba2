package config

import (
	"net/url"
	"regexp"
	"strings"
)

var keywordForm = regexp.MustCompile(`^\s*[A-Za-z_]+\s*=`)

// parseDatabase checks DATABASE_URL, whose scheme is in small letters.
func parseDatabase(raw string, schemes []string) (URL, error) {
	if keywordForm.MatchString(raw) {
		return "", problem("is in libpq's form of keywords: write a URL, postgres://user:password@host:port/database")
	}
	if strings.HasPrefix(raw, sqlitePrefix) {
		return parseSQLite(raw)
	}
	u, err := url.Parse(raw)
	if err != nil || strings.Contains(u.Fragment, "@") || u.User == nil && misplacedPassword(u) || strings.Contains(rawUser(raw), "@") {
		if hint := databaseHint(raw); hint != nil {
			return "", hint
		}
	}
	if _, err := parseParts(raw, schemes); err != nil {
		return "", err
	}
	return URL(raw), nil
}

// misplacedPassword reports whether what looks like a host and a path is a user and a
// password with a slash or a question mark.
func misplacedPassword(u *url.URL) bool {
	before, _, at := strings.Cut(u.RawQuery, "@")
	return strings.Contains(u.EscapedPath(), "@") || at && !strings.Contains(before, "=")
}

// databaseHint says what is wrong with a URL that cannot be read, nil if it cannot tell.
// It repeats no part of it.
func databaseHint(raw string) error {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok || scheme != "postgres" && scheme != "postgresql" {
		return nil
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	host := authority[strings.LastIndex(authority, "@")+1:]
	switch {
	case strings.HasPrefix(strings.ToLower(host), "%2f"):
		return problem("has a socket's path for its host: write it at the end, postgres://user@/database?host=/path/of/the/folder")
	case strings.Contains(host, "[") && strings.Contains(host, ","):
		return problem("has an IPv6 address among several hosts: write them at the end, postgres://user@/database?host=::1,10.0.0.1&port=5432,5432")
	case strings.Contains(rest, "@") || strings.Contains(authority, "%"):
		return problem("has special characters in the user or the password: percent-encode them " +
			"(% as %25, @ as %40, : as %3A, / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, a space as %20)")
	}
	return nil
}

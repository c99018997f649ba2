package config

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	sqlitePrefix = "sqlite:"
	maxURL       = 8192 // bytes
)

// parseURL checks scheme, host and port. No problem repeats any part of the
// value: what cannot be parsed cannot be masked either.
func parseURL(raw string, schemes []string, base string) (URL, error) {
	if len(raw) > maxURL {
		return "", problemf("is longer than %d bytes: shorten it", maxURL)
	}
	if slices.Contains(schemes, "sqlite") {
		return parseDatabase(raw, schemes)
	}
	u, err := parseParts(raw, schemes)
	if err != nil {
		return "", err
	}
	if base == "true" && (u.RawQuery != "" || u.ForceQuery) {
		return "", problem("has a ? part, but paths are appended to it: leave the ? part out")
	}
	if base != "" && u.RawQuery == "" {
		raw = strings.TrimRight(raw, "/")
	}
	return URL(raw), nil
}

func parseParts(raw string, schemes []string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, problem("is not a URL: write scheme://host, and percent-encode special characters in a password")
	}
	if !slices.Contains(schemes, u.Scheme) {
		return nil, problemf("has a scheme that is not known here: begin it with %s", schemeList(schemes))
	}
	if err := checkTarget(u); err != nil {
		return nil, err
	}
	if u.Fragment != "" || strings.HasSuffix(raw, "#") {
		return nil, problem("has a # part: leave it out, or write %23 if it belongs to a password")
	}
	return u, nil
}

// checkTarget checks what is dialled: a host and port, or a socket's path.
func checkTarget(u *url.URL) error {
	if u.Scheme == "unix" {
		if u.Host != "" || u.Path == "" || u.Path == "/" {
			return problem("names no socket: write unix:///path/to/socket")
		}
		return nil
	}
	// libpq's way to a Unix socket is a host in the query.
	inQuery := strings.HasPrefix(u.Scheme, "postgres") && u.Query().Get("host") != ""
	if u.Hostname() == "" && !inQuery {
		return problemf("names no host: write %s://host", u.Scheme)
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return problem("has a port outside 1–65535: correct the port")
		}
	}
	return nil
}

// parseSQLite reads sqlite:<path>; sqlite:///absolute and sqlite:////absolute are
// accepted because other tools write it so.
func parseSQLite(raw string) (URL, error) {
	path := strings.TrimPrefix(raw, sqlitePrefix)
	if strings.HasPrefix(path, "///") {
		path = "/" + strings.TrimLeft(path, "/")
	}
	switch {
	case strings.Trim(path, "/") == "":
		return "", problem("names no file: write sqlite:<path>")
	case strings.HasPrefix(path, "//"):
		return "", problem("has a host: write sqlite:<path>, without //")
	case strings.Contains(path, ":memory:"):
		return "", problem("is a database in memory, which would lose credits at every stop: name a file")
	case strings.ContainsAny(path, "?#"):
		return "", problem("has options after the path: write sqlite:<path> alone")
	}
	return URL(sqlitePrefix + path), nil
}

func schemeList(schemes []string) string {
	out := make([]string, len(schemes))
	for i, s := range schemes {
		out[i] = s + "://"
		if s == "sqlite" {
			out[i] = sqlitePrefix
		}
	}
	return strings.Join(out, ", ")
}

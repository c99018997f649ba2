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
func (f field) parseURL(raw string) (URL, error) {
	schemes, base := strings.Fields(f.tag.Get("schemes")), f.tag.Get("base")
	if len(raw) > maxURL {
		return "", problemf("is longer than %d bytes: shorten it", maxURL)
	}
	raw = lowerScheme(raw)
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
		// The whole address of the endpoint is pasted as often as its base.
		raw = strings.TrimSuffix(strings.TrimRight(raw, "/"), f.tag.Get("endpoint"))
		raw = strings.TrimRight(raw, "/")
	}
	return URL(raw), nil
}

func parseParts(raw string, schemes []string) (*url.URL, error) {
	u, err := parseHosts(raw)
	if err != nil {
		return nil, problem("is not a URL: write scheme://host, and percent-encode special characters in a password")
	}
	if !slices.Contains(schemes, u.Scheme) {
		return nil, problemf("has a scheme that is not known here: begin it with %s", schemeList(schemes))
	}
	if u.Fragment != "" || strings.HasSuffix(raw, "#") {
		return nil, problem("has a # part: leave it out, or write %23 if it belongs to a password")
	}
	if !isHTTP(u.Scheme) && strayAt(raw) {
		return nil, problem("has an @ after the host: percent-encode special characters in a password (/ is %2F, ? is %3F, @ is %40)")
	}
	if strings.HasPrefix(u.Scheme, "postgres") && strings.Contains(rawUser(raw), "@") {
		// The driver ends the password at the first @, and package url at the last.
		return nil, problem("has an @ in the user or the password: write it as %40")
	}
	if err := checkTarget(u); err != nil {
		return nil, err
	}
	return u, nil
}

// lowerScheme writes the scheme as drivers expect it: pgx takes a URL that begins
// with POSTGRES:// for a list of keywords, and prints it.
func lowerScheme(raw string) string {
	scheme, rest, found := strings.Cut(raw, ":")
	if !found {
		return raw
	}
	return strings.ToLower(scheme) + ":" + rest
}

func isHTTP(scheme string) bool { return scheme == "http" || scheme == "https" }

// strayAt reports whether an @ follows where the host seems to end. A / or ? in a
// password that is not percent-encoded looks so: the true host comes after the @.
func strayAt(raw string) bool {
	_, rest, found := strings.Cut(raw, "://")
	if !found {
		return strings.Contains(raw, "@")
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		return false
	}
	host, after := rest[:end], rest[end:]
	if strings.Contains(host, "@") {
		after, _, _ = strings.Cut(after, "?") // a query may well hold an @
	}
	return host != "" && strings.Contains(after, "@")
}

// rawUser is what stands before the host, as it is spelt.
func rawUser(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest[:max(strings.LastIndex(rest, "@"), 0)]
}

// parseHosts is url.Parse for a URL that may name several hosts, as drivers of
// PostgreSQL and Redis take it: package url reads h1:1,h2 as a port that is no number.
func parseHosts(raw string) (*url.URL, error) {
	scheme, rest, _ := strings.Cut(raw, "://")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	begin := strings.LastIndex(rest[:end], "@") + 1
	first, more, several := strings.Cut(rest[begin:end], ",")
	if !several {
		return url.Parse(raw)
	}
	u, err := url.Parse(scheme + "://" + rest[:begin] + first + rest[end:])
	if err != nil {
		return nil, err
	}
	for host := range strings.SplitSeq(more, ",") {
		one, err := url.Parse("x://" + host)
		if err != nil || one.Host != host {
			return nil, problem("one of its hosts cannot be read")
		}
	}
	u.Host = rest[begin:end]
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
	hosts := strings.Split(u.Host, ",")
	if hostname(hosts[0]) == "" && !inQuery {
		return problemf("names no host: write %s://host", u.Scheme)
	}
	if len(hosts) > 1 && (isHTTP(u.Scheme) || strings.HasPrefix(u.Scheme, "amqp")) {
		return problem("names several hosts: name one, such as that of a balancer")
	}
	for _, host := range hosts {
		if err := checkPort(host); err != nil {
			return err
		}
	}
	return nil
}

// checkPort checks one host:port, where the port may be missing.
func checkPort(host string) error {
	if hostname(host) == "" && host != "" {
		return problem("names no host before a port: write host:port")
	}
	if port := (&url.URL{Host: host}).Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return problem("has a port outside 1–65535: correct the port")
		}
	}
	return nil
}

func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }

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

package redis

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// errURL says what is wanted and quotes nothing: a password with a character that
// is not escaped turns up in any part of a URL.
var errURL = errors.New("redis: REDIS_URL is not of the form redis://user:password@host:6379/0, rediss:// (TLS), " +
	"unix:///path?db=0, redis://host1,host2 (Cluster) or redis+sentinel://host1,host2/master; " +
	"write / @ : ? # in a password as %2F %40 %3A %3F %23")

// mode is how several servers work together.
type mode int

const (
	modeSingle mode = iota
	modeCluster
	modeSentinel
)

// address is what REDIS_URL says.
type address struct {
	mode   mode
	addrs  []string         // host:port; of Sentinels with modeSentinel
	driver *goredis.Options // for one server: the first of addrs
	master string           // the name that the Sentinels know the servers by

	sentinelUser, sentinelPassword string
}

// schemes are those of REDIS_URL, each with the driver's own and what it says of the mode.
var schemes = map[string]struct {
	plain string
	mode  mode
}{
	"redis": {"redis", modeSingle}, "rediss": {"rediss", modeSingle}, "unix": {"unix", modeSingle},
	"valkey": {"redis", modeSingle}, "valkeys": {"rediss", modeSingle},
	"redis+cluster": {"redis", modeCluster}, "rediss+cluster": {"rediss", modeCluster},
	"redis+sentinel": {"redis", modeSentinel}, "rediss+sentinel": {"rediss", modeSentinel},
	"redis-sentinel": {"redis", modeSentinel}, "rediss-sentinel": {"rediss", modeSentinel},
}

// parseAddress reads REDIS_URL. Several hosts are a Cluster's, and a master's name
// makes them Sentinels.
func parseAddress(raw string) (address, error) {
	raw, hosts := splitHosts(raw)
	u, err := url.Parse(raw)
	if err != nil {
		return address{}, errURL
	}
	scheme, known := schemes[u.Scheme]
	if !known || (u.Host == "" && scheme.plain != "unix") {
		return address{}, errURL
	}
	a := address{mode: scheme.mode}
	query := u.Query()
	a.takeSentinel(query)
	if a.master != "" {
		a.mode = modeSentinel
	} else if len(hosts) > 1 && a.mode == modeSingle {
		a.mode = modeCluster
	}
	one := url.URL{Scheme: scheme.plain, User: u.User, Host: hosts[0], Path: u.Path}
	if a.mode == modeSentinel {
		a.takeMaster(&one)
		if a.master == "" {
			return address{}, errors.New("redis: REDIS_URL names no master for its Sentinels: write redis+sentinel://host:26379/master, or ?master_name=master")
		}
	}
	if a.driver, err = parseServer(one, query); err != nil {
		return address{}, err
	}
	if a.mode == modeCluster && a.driver.DB != 0 {
		return address{}, errNoDatabases
	}
	if a.driver.TLSConfig != nil && (len(hosts) > 1 || a.mode == modeSentinel) {
		a.driver.TLSConfig.ServerName = "" // each host has a certificate of its own
	}
	for _, host := range hosts {
		a.addrs = append(a.addrs, withPort(host, a.mode))
	}
	if a.driver.Network != "unix" {
		a.driver.Addr = a.addrs[0]
	}
	return a, nil
}

// splitHosts takes the hosts out of a URL, and leaves the first in it: package url
// reads several, h1:1,h2, as a port that is no number.
func splitHosts(raw string) (one string, hosts []string) {
	scheme, rest, _ := strings.Cut(raw, "://")
	end := len(rest)
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		end = i
	}
	begin := strings.LastIndex(rest[:end], "@") + 1
	hosts = strings.Split(rest[begin:end], ",")
	if len(hosts) == 1 {
		return raw, hosts
	}
	return scheme + "://" + rest[:begin] + hosts[0] + rest[end:], hosts
}

// takeSentinel takes out of the query what only Sentinels have, as several clients
// spell it.
func (a *address) takeSentinel(query url.Values) {
	for into, names := range map[*string][]string{
		&a.master:           {"master_name", "sentinel_master_id", "sentinelMasterId", "service_name"},
		&a.sentinelUser:     {"sentinel_username"},
		&a.sentinelPassword: {"sentinel_password"},
	} {
		for _, name := range names {
			if value := query.Get(name); value != "" {
				*into = value
			}
			query.Del(name)
		}
	}
}

// takeMaster takes the master's name out of the path: /master or /master/0.
func (a *address) takeMaster(u *url.URL) {
	name, database, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if a.master == "" && !isNumber(name) {
		a.master = name
		u.Path = "/" + database
	}
}

func isNumber(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// withPort adds the usual port where there is none.
func withPort(host string, m mode) string {
	u := url.URL{Host: host}
	switch {
	case u.Port() != "":
		return host
	case m == modeSentinel:
		return host + ":26379"
	}
	return host + ":6379"
}

// parseServer reads the address and the options of one server. The driver's errors may
// quote any part; ours name the option at fault, and never its value.
func parseServer(u url.URL, query url.Values) (*goredis.Options, error) {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		alone := url.URL{Scheme: "redis", Host: "localhost", RawQuery: url.Values{name: query[name]}.Encode()}
		if u.Scheme == "rediss" {
			alone.Scheme = u.Scheme
		}
		if _, err := goredis.ParseURL(alone.String()); err != nil {
			return nil, optionError(name, strings.Contains(err.Error(), "unexpected option"))
		}
	}
	if u.Scheme != "unix" && strings.Trim(u.Path, "/") != "" && !isNumber(strings.Trim(u.Path, "/")) {
		return nil, errors.New("redis: REDIS_URL names a database that is not a number: write /0, or leave it out")
	}
	u.RawQuery = query.Encode()
	o, err := goredis.ParseURL(u.String())
	if err != nil {
		return nil, errURL
	}
	return o, nil
}

var optionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,40}$`)

func optionError(name string, unknown bool) error {
	switch {
	case !optionName.MatchString(name):
		return errURL // a password, perhaps
	case strings.HasPrefix(name, "ssl") || strings.HasPrefix(name, "tls"):
		return fmt.Errorf("redis: REDIS_URL has the option %q, which is not known here: TLS is rediss://, "+
			"a CA of your own is CA_CERTIFICATES_FILE, and ?skip_verify=true trusts every certificate", name)
	case unknown:
		return fmt.Errorf("redis: REDIS_URL has the option %q, which is not known here: remove it", name)
	}
	return fmt.Errorf("redis: the option %q of REDIS_URL has a value that it cannot have: correct or remove it", name)
}

package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

const defaultPoolSize = 10

// poolConfig reads the URL. Its errors say what is wrong without repeating any part
// that may be the password.
func poolConfig(raw string, o Options) (*pgxpool.Config, error) {
	u, err := url.Parse(raw)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		// What cannot be parsed cannot be masked either.
		return nil, errors.New("the database's URL cannot be read: write postgres://user:password@host:port/database, " +
			"and percent-encode special characters in the password")
	}
	raw = u.Scheme + raw[len(u.Scheme):] // in small letters: pgx takes others for no URL
	config, err := pgxpool.ParseConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("the database's URL cannot be used: %s", reason(err, secretsOf(u)))
	}
	if !u.Query().Has("pool_max_conns") {
		config.MaxConns = int32(min(orDefault(o.PoolSize, defaultPoolSize), 10_000)) //nolint:gosec // G115: bounded
	}
	if config.MaxConns < 1 {
		return nil, fmt.Errorf("the pool needs at least 1 connection, not %d", config.MaxConns)
	}
	// A replica that came back, or a new pooler, gets its share within the hour.
	config.MaxConnLifetimeJitter = config.MaxConnLifetime / 10
	config.AfterConnect = func(_ context.Context, c *pgx.Conn) error { return registerLists(c.TypeMap()) }
	tune(config.ConnConfig, u.Query())
	config.BeforeConnect = watchCommits
	return config, nil
}

func tune(c *pgx.ConnConfig, query url.Values) {
	if !query.Has("connect_timeout") {
		c.ConnectTimeout = 5 * time.Second
	}
	if _, named := c.RuntimeParams["application_name"]; !named {
		c.RuntimeParams["application_name"] = "aigen" // the one parameter that PgBouncer knows
	}
	c.DialFunc = (&net.Dialer{KeepAlive: 30 * time.Second, Timeout: c.ConnectTimeout}).DialContext
	// A call that was given up stops its query too. pgx by itself would close the
	// connection and leave the server at work.
	c.BuildContextWatcherHandler = func(p *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: p, DeadlineDelay: time.Second}
	}
}

// secretsOf lists what must not appear in an error.
func secretsOf(u *url.URL) []string {
	var list []string
	if p, ok := u.User.Password(); ok && p != "" {
		list = append(list, p, url.QueryEscape(p), url.PathEscape(p))
	}
	for name, values := range u.Query() {
		if strings.Contains(strings.ToLower(name), "password") {
			list = append(list, values...)
		}
	}
	return list
}

// reason is what pgx says of a URL, less the URL.
func reason(err error, secrets []string) string {
	var parse *pgconn.ParseConfigError
	if errors.As(err, &parse) {
		says, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), "cannot parse `"), "\x00")
		if i := strings.LastIndex(says, "`: "); i >= 0 {
			says = says[i+len("`: "):]
		}
		return masked(says, secrets)
	}
	return masked(err.Error(), secrets)
}

func masked(s string, secrets []string) string {
	for _, secret := range secrets {
		if secret != "" {
			s = strings.ReplaceAll(s, secret, "xxxxx")
		}
	}
	return s
}

// acquireWithin lends a connection. It is given up after patience, which is ours and not
// the caller's: then the database is busy.
func (s *Store) acquireWithin(ctx context.Context, patience time.Duration) (*pgxpool.Conn, error) {
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	c, err := s.pool.Acquire(wait)
	if err == nil || wait.Err() == nil {
		return c, err
	}
	if most := s.pool.Config().MaxConns; s.pool.Stat().AcquiredConns() >= most {
		err = fmt.Errorf("all %d connections were in use (raise DATABASE_POOL_SIZE): %w", most, err)
	}
	if ctx.Err() == nil {
		err = fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return nil, err
}

// pingPatience is how long an idle connection may take to answer: longer than a way that
// is merely slow. With it goes the second that the driver gives a query which it cancels.
const pingPatience = 2 * time.Second

// alive tries a connection that was idle. Where it says nothing, the others that are idle
// say nothing either, as a rule: the server stands still, has been replaced, or the way has
// forgotten them. All are dropped, since to find that out one by one takes this long each.
// The pool asks a closed one in vain, and replaces it.
func (s *Store) alive(ctx context.Context, p pgxpool.ShouldPingParams) (ask bool) {
	if p.IdleDuration <= s.pingAfter {
		return false
	}
	l := linkOf(p.Conn)
	l.tried.Store(true)
	try, cancel := context.WithTimeout(ctx, pingPatience)
	defer cancel()
	err := p.Conn.Ping(try)
	if err == nil {
		l.tried.Store(false)
		return false
	}
	if ctx.Err() == nil {
		s.pool.Reset()
	}
	// Its place in the pool is free when the driver is done with it, and that waits long
	// for an end that says nothing.
	_ = p.Conn.PgConn().Conn().Close()
	return true
}

package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/postgres"
)

func TestReopen(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000})
	c := write(t, s)
	want, err := s.Get(t.Context(), c.Generation.ID)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice is harmless")
	_, err = s.Get(t.Context(), c.Generation.ID)
	require.Error(t, err)
	require.Error(t, s.Apply(t.Context(), []*app.Change{accept(t, policy(), c.Generation.UserID)})[0])

	again := open(t, server, postgres.Options{InitialCredits: 9999})
	got, err := again.Get(t.Context(), c.Generation.ID)
	require.NoError(t, err)
	require.Equal(t, want, got)
	balance, err := again.Balance(t.Context(), c.Generation.UserID)
	require.NoError(t, err)
	require.EqualValues(t, 1000, balance.Balance, "opened once")
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(database(t))
	require.NoError(t, err)
	const password = "s3cr/t%41:x"
	server.User = url.UserPassword(server.User.Username(), password)
	edited := func(edit func(*url.URL)) string {
		u := *server
		edit(&u)
		return u.String()
	}
	for name, tt := range map[string]struct {
		url  string
		is   error
		says string
	}{
		"nothing":           {"", nil, "write postgres://"},
		"no URL":            {"postgres://u:s3cr/t@host:notaport/db", nil, "percent-encode"},
		"another scheme":    {edited(func(u *url.URL) { u.Scheme = "mysql" }), nil, "write postgres://"},
		"bad sslmode":       {edited(func(u *url.URL) { u.RawQuery = "sslmode=perhaps" }), nil, "sslmode"},
		"bad mode":          {edited(func(u *url.URL) { u.RawQuery = "default_query_exec_mode=quick" }), nil, "default_query_exec_mode"},
		"password in query": {edited(func(u *url.URL) { u.RawQuery = "password=" + url.QueryEscape(password) + "&sslmode=perhaps" }), nil, "sslmode"},
		"nobody listens":    {edited(func(u *url.URL) { u.Host = "127.0.0.1:1" }), postgres.ErrUnavailable, "refused"},
		"no such database":  {edited(func(u *url.URL) { u.Path = "/no_such_database" }), postgres.ErrRefused, "no_such_database"},
		"no such user":      {edited(func(u *url.URL) { u.User = url.UserPassword("nobody_at_all", password) }), postgres.ErrRefused, "nobody_at_all"},
		"no host":           {edited(func(u *url.URL) { u.Host = "host.invalid:5432" }), nil, "host.invalid"},
	} {
		_, err := postgres.Open(t.Context(), tt.url, postgres.Options{Logger: quiet})
		require.ErrorContains(t, err, tt.says, name)
		if tt.is != nil {
			require.ErrorIs(t, err, tt.is, name)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			require.NotContains(t, e.Error(), "s3cr", name)
		}
	}
	capitals := strings.Replace(strings.Replace(database(t), "postgres://", "POSTGRES://", 1), "postgresql://", "PostgreSQL://", 1)
	open(t, capitals, postgres.Options{Logger: quiet})
	_, err = postgres.Open(t.Context(), server.String(), postgres.Options{InitialCredits: -1})
	require.Error(t, err)
}

func TestForeignDatabase(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		`CREATE TABLE events (title text)`,
		`CREATE TABLE schema_migrations (version text)`, // as other programs have it
	} {
		server := database(t)
		_, err := raw(t, server).Exec(t.Context(), query)
		require.NoError(t, err)
		_, err = postgres.Open(t.Context(), server, postgres.Options{Logger: quiet})
		require.ErrorIs(t, err, postgres.ErrForeign, query)
	}
	server := database(t)
	_, err := raw(t, server).Exec(t.Context(), `CREATE TABLE songs (title text); CREATE TABLE events (title text); CREATE SCHEMA aigen`)
	require.NoError(t, err)
	s := open(t, with(t, server, "search_path", "aigen"), postgres.Options{InitialCredits: 1000})
	write(t, s)
	checkInvariants(t, s)
}

func TestUnfitEncoding(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(database(t))
	require.NoError(t, err)
	name := server.Path[1:] + "_latin"
	admin(t, server.String(), `CREATE DATABASE `+name+` ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
	t.Cleanup(func() { admin(t, server.String(), `DROP DATABASE `+name+` WITH (FORCE)`) })
	latin := *server
	latin.Path = "/" + name
	_, err = postgres.Open(t.Context(), latin.String(), postgres.Options{Logger: quiet})
	require.ErrorIs(t, err, postgres.ErrUnfit)
	require.ErrorContains(t, err, "LATIN1")
}

// A user who may not change the schema serves with one that is up to date.
func TestLesserUser(t *testing.T) {
	t.Parallel()
	server, err := url.Parse(database(t))
	require.NoError(t, err)
	owner := open(t, server.String(), postgres.Options{})
	name := server.Path[1:] + "_serves"
	super := server.String()
	admin(t, super, `CREATE USER `+name+`; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+name)
	t.Cleanup(func() { admin(t, super, `DROP OWNED BY `+name+`; DROP USER `+name) })
	server.User = url.User(name)
	s := open(t, server.String(), postgres.Options{InitialCredits: 1000})
	write(t, s)
	require.NoError(t, s.Ping(t.Context()))
	require.EqualValues(t, 1, checkInvariants(t, owner)["generations"])
}

// A server that is a standby, or set read-only, is named as what it is.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000, Logger: quiet})
	c := write(t, s)
	standby := open(t, with(t, server, "default_transaction_read_only", "on"), postgres.Options{Logger: quiet})
	require.ErrorIs(t, standby.Ping(t.Context()), postgres.ErrReadOnly)
	require.ErrorIs(t, standby.Apply(t.Context(), []*app.Change{accept(t, policy(), c.Generation.UserID)})[0], postgres.ErrReadOnly)
	_, err := standby.ClaimDeliveries(t.Context(), outbox.Claim{Queue: outbox.QueueJobs, Limit: 1, Now: time.Now(), Until: time.Now()})
	require.ErrorIs(t, err, postgres.ErrReadOnly)
	_, err = standby.Get(t.Context(), c.Generation.ID)
	require.NoError(t, err)
	require.NoError(t, s.Ping(t.Context()))
}

func TestPoolExhausted(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{PoolSize: 1, InitialCredits: 1000, Logger: quiet})
	c := write(t, s)
	db := raw(t, server)
	locked, err := db.Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), `SELECT 1 FROM accounts FOR UPDATE`)
	require.NoError(t, err)

	done := make(chan error, 1)
	change := accept(t, policy(), c.Generation.UserID)
	go func() { // has the connection, waits for the row
		done <- s.Apply(context.WithoutCancel(t.Context()), []*app.Change{change})[0]
	}()
	waitFor(t, db, somebodyWaits)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err = s.Get(ctx, c.Generation.ID)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "DATABASE_POOL_SIZE")
	require.ErrorIs(t, err, app.ErrStoreUnavailable)

	// It is our own patience that ends.
	s.SetPatience(100 * time.Millisecond)
	_, err = s.Get(t.Context(), c.Generation.ID)
	require.ErrorIs(t, err, postgres.ErrBusy)
	require.ErrorIs(t, err, app.ErrStoreUnavailable)
	require.ErrorContains(t, err, "DATABASE_POOL_SIZE")
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{accept(t, policy(), c.Generation.UserID)})[0], postgres.ErrBusy)
	require.NoError(t, locked.Rollback(t.Context()))
	require.NoError(t, <-done)
}

// A row that somebody holds for too long fails the call, clearly.
func TestBusy(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000, LockTimeout: 50 * time.Millisecond, Logger: quiet})
	c := write(t, s)
	locked, err := raw(t, server).Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), `SELECT 1 FROM accounts FOR UPDATE`)
	require.NoError(t, err)
	change := accept(t, policy(), c.Generation.UserID)
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{change})[0], postgres.ErrBusy)
	require.NoError(t, locked.Rollback(t.Context()))
	require.NoError(t, s.Apply(t.Context(), []*app.Change{change})[0])
	checkInvariants(t, s)
}

// Who hangs up while a row is waited for leaves no query behind.
func TestHangUp(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000, Logger: quiet})
	c := write(t, s)
	db := raw(t, server)
	locked, err := db.Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), `SELECT 1 FROM accounts FOR UPDATE`)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	change := accept(t, policy(), c.Generation.UserID)
	go func() { done <- s.Apply(ctx, []*app.Change{change})[0] }()
	waitFor(t, db, somebodyWaits)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	waitFor(t, db, nobodyWaits)
	require.NoError(t, locked.Rollback(t.Context()))
	require.EqualValues(t, 1, checkInvariants(t, s)["generations"])
}

func TestTextsThatPostgreSQLRefuses(t *testing.T) {
	t.Parallel()
	s := open(t, database(t), postgres.Options{InitialCredits: 1000})
	c := write(t, s)
	now := time.Now()
	claim := outbox.Claim{Queue: outbox.QueueJobs, Owner: "a", Limit: 1, Now: now, Until: now.Add(time.Minute)}
	for _, text := range []string{"cut in a letter: \xc3", "nul: \x00", "invalid: \xff\xfe"} {
		list, err := s.ClaimDeliveries(t.Context(), claim)
		require.NoError(t, err)
		require.Len(t, list, 1)
		require.NoError(t, s.FinishDeliveries(t.Context(), "a", []outbox.DeliveryResult{
			{ID: list[0].ID, Disposition: outbox.DispositionRetry, RetryAt: now, Error: text},
		}))
	}
	// One that must not be changed fails its change, alone.
	bad := accept(t, policy(), aigen.ID(uuid.New()))
	bad.Generation.AIModelUsed = "nul: \x00"
	good := accept(t, policy(), c.Generation.UserID)
	errs := s.Apply(t.Context(), []*app.Change{bad, good})
	require.Error(t, errs[0])
	require.NoError(t, errs[1])
	checkInvariants(t, s)
}

// Who waits for a lock, in this database: other tests have the others.
const (
	waiting       = `datname = current_database() AND wait_event_type = 'Lock'`
	somebodyWaits = `SELECT count(*) > 0 FROM pg_stat_activity WHERE ` + waiting
	nobodyWaits   = `SELECT count(*) = 0 FROM pg_stat_activity WHERE ` + waiting
)

// waitFor polls until a query says true.
func waitFor(t testing.TB, db *pgx.Conn, query string) {
	t.Helper()
	require.Eventually(t, func() bool {
		var ok bool
		require.NoError(t, db.QueryRow(context.Background(), query).Scan(&ok))
		return ok
	}, time.Minute, 5*time.Millisecond, query)
}

// A server that takes the connection and says nothing (it is stopped, or the way to it
// is cut without a word) cannot be reached: that passes, and is no defect of ours.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, err = postgres.Open(t.Context(), "postgres://u@"+l.Addr().String()+"/d?sslmode=disable&connect_timeout=1", postgres.Options{Logger: quiet})
	require.ErrorIs(t, err, postgres.ErrUnavailable)
	require.ErrorIs(t, err, app.ErrStoreUnavailable)
}

package postgres_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/postgres"
)

// pair is a primary whose commits wait for a standby.
type pair struct {
	*server

	t       *testing.T
	standby *server
	db      *pgx.Conn // to the primary
	frozen  int       // process that receives for the standby
}

// startPair makes the standby of a copy of the stopped primary, with no pg_basebackup: not
// every installation has one of the server's release.
func startPair(t *testing.T) *pair {
	t.Helper()
	primary := startServer(t)
	primary.stop("fast")
	standby := &server{t: t, dir: daemonDir(t), port: freePort(t)}
	for _, command := range []*exec.Cmd{
		asDaemon("cp", "-a", primary.dir+"/data", standby.dir+"/data"), asDaemon("touch", standby.dir+"/data/standby.signal"),
	} {
		out, err := command.CombinedOutput()
		require.NoError(t, err, "%s: %s", command, out)
	}
	primary.start()
	standby.more = fmt.Sprintf(" -c primary_conninfo='host=127.0.0.1 port=%d user=postgres'", primary.port)
	standby.start()
	t.Cleanup(func() { standby.stop("immediate") })
	p := &pair{server: primary, t: t, standby: standby, db: raw(t, primary.url())}
	for _, setting := range []string{`synchronous_standby_names = '*'`, `synchronous_commit = remote_apply`, `wal_sender_timeout = 0`} {
		_, err := p.db.Exec(t.Context(), `ALTER SYSTEM SET `+setting)
		require.NoError(t, err)
	}
	_, err := p.db.Exec(t.Context(), `SELECT pg_reload_conf()`)
	require.NoError(t, err)
	waitFor(t, p.db, `SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'`)
	t.Cleanup(p.thaw) // before the servers are stopped
	return p
}

// freeze makes the standby silent: it stays connected.
func (p *pair) freeze() {
	p.t.Helper()
	c := raw(p.t, p.standby.url())
	require.NoError(p.t, c.QueryRow(p.t.Context(), `SELECT pid FROM pg_stat_wal_receiver`).Scan(&p.frozen))
	require.NoError(p.t, syscall.Kill(p.frozen, syscall.SIGSTOP))
}

func (p *pair) thaw() {
	if p.frozen != 0 {
		_ = syscall.Kill(p.frozen, syscall.SIGCONT)
		p.frozen = 0
	}
}

// has reports whether a server has the generation.
func has(t *testing.T, server *server, id aigen.ID) bool {
	t.Helper()
	var n int
	require.NoError(t, raw(t, server.url()).QueryRow(context.Background(), `SELECT count(*) FROM generations WHERE id = '`+id.String()+`'`).Scan(&n))
	return n == 1
}

const commitWaits = `SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`

// While the standby says nothing no change is acknowledged, and none is made visible by
// giving up the wait; when it is back, all is there.
func TestSilentStandby(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	s := open(t, p.url(), postgres.Options{InitialCredits: 1000, Logger: quiet})
	known := write(t, s)
	s.SetPatience(500 * time.Millisecond)
	p.freeze()
	c := accept(t, policy(), aigen.ID(uuid.New()))
	another := accept(t, policy(), known.Generation.UserID)
	for _, change := range []*app.Change{c, another} {
		err := s.Apply(t.Context(), []*app.Change{change})[0]
		require.ErrorIs(t, err, postgres.ErrOutcomeUnknown)
		require.ErrorIs(t, err, app.ErrStoreUnavailable)
	}
	_, err := s.Grant(t.Context(), aigen.ID(uuid.New()), 500, "by hand", time.Now())
	require.ErrorIs(t, err, postgres.ErrOutcomeUnknown)
	_, err = s.Get(t.Context(), known.Generation.ID)
	require.NoError(t, err, "reads go on")

	// Others are refused soon, and take no more connections.
	require.Eventually(t, func() bool {
		err := s.Apply(t.Context(), []*app.Change{accept(t, policy(), aigen.ID(uuid.New()))})[0]
		require.ErrorIs(t, err, app.ErrStoreUnavailable)
		return strings.Contains(err.Error(), "synchronous standby that does not answer")
	}, time.Minute, 10*time.Millisecond)
	var waiting int
	require.NoError(t, p.db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`).Scan(&waiting))
	for range 3 {
		require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{accept(t, policy(), aigen.ID(uuid.New()))})[0], postgres.ErrBusy)
	}
	var now int
	require.NoError(t, p.db.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`).Scan(&now))
	require.Equal(t, waiting, now)
	require.False(t, has(t, p.server, c.Generation.ID), "its commit still waits")
	require.False(t, has(t, p.server, another.Generation.ID))

	s.SetPatience(20 * time.Second)
	p.thaw()
	waitFor(t, p.db, `SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
	require.True(t, has(t, p.standby, c.Generation.ID), "it was committed after all")
	require.True(t, has(t, p.standby, another.Generation.ID))
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{c})[0], app.ErrVersionConflict)
	require.True(t, has(t, p.standby, write(t, s).Generation.ID))
	checkInvariants(t, s)
}

// Somebody cancels the wait: the primary shows the change then, and may be alone with it.
func TestCancelledWaitForStandby(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	s := open(t, p.url(), postgres.Options{InitialCredits: 1000, Logger: quiet})
	write(t, s)
	cancelWait := func() {
		waitFor(t, p.db, commitWaits)
		_, err := p.db.Exec(t.Context(), `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
		require.NoError(t, err)
	}
	apply := func() (*app.Change, <-chan error) {
		c, done := accept(t, policy(), aigen.ID(uuid.New())), make(chan error, 1)
		go func() { done <- s.Apply(context.WithoutCancel(t.Context()), []*app.Change{c})[0] }()
		return c, done
	}
	p.freeze()
	c, done := apply()
	cancelWait()
	require.Eventually(t, func() bool { return has(t, p.server, c.Generation.ID) }, time.Minute, time.Millisecond)
	waitFor(t, p.db, commitWaits) // what was seen is to be proved
	require.False(t, has(t, p.standby, c.Generation.ID))
	require.Empty(t, done)
	p.thaw()
	require.NoError(t, <-done)
	require.True(t, has(t, p.standby, c.Generation.ID))

	s.SetPatience(2 * time.Second)
	p.freeze()
	c, done = apply()
	cancelWait()
	require.ErrorIs(t, <-done, postgres.ErrOutcomeUnknown)
	require.True(t, has(t, p.server, c.Generation.ID))
	require.False(t, has(t, p.standby, c.Generation.ID), "not acknowledged")
}

// The connection breaks while the commit waits: the driver must not ask the server to
// cancel it.
func TestConnectionLostWhileStandbyIsSilent(t *testing.T) {
	t.Parallel()
	p := startPair(t)
	way := startProxy(t, p.url())
	s := open(t, way.url(p.url()), postgres.Options{InitialCredits: 1000, Logger: quiet})
	write(t, s)
	p.freeze()
	c, done := accept(t, policy(), aigen.ID(uuid.New())), make(chan error, 1)
	s.SetPatience(3 * time.Second) // for the look at what became of it
	go func() { done <- s.Apply(context.WithoutCancel(t.Context()), []*app.Change{c})[0] }()
	waitFor(t, p.db, commitWaits)
	way.hangUp()
	err := <-done
	require.ErrorIs(t, err, postgres.ErrOutcomeUnknown)
	require.NotErrorIs(t, err, context.Canceled)
	require.False(t, has(t, p.server, c.Generation.ID), "the server still waits")
	p.thaw()
	require.Eventually(t, func() bool { return has(t, p.standby, c.Generation.ID) }, time.Minute, 10*time.Millisecond)
}

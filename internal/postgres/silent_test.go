package postgres_test

import (
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/postgres"
)

// A way that has forgotten its connections, as a firewall may: they stay open, and
// nothing comes through. New ones are well.

// forgotten opens a store on a way, with several idle connections in its pool, which the
// way then forgets.
func forgotten(t *testing.T) (s *postgres.Store, way *proxy, known *app.Change) {
	t.Helper()
	const connections = 4
	server := database(t)
	way = startProxy(t, server)
	s = open(t, way.url(server), postgres.Options{PoolSize: connections, InitialCredits: 1000, Logger: quiet})
	known = write(t, s)
	var all errgroup.Group
	held := make(chan struct{}, connections)
	release := make(chan struct{})
	for range connections {
		all.Go(func() error {
			return postgres.Internals{}.Hold(t.Context(), s, func(*pgx.Conn) { held <- struct{}{}; <-release })
		})
	}
	for range connections {
		<-held
	}
	close(release)
	require.NoError(t, all.Wait())
	s.SetPingAfter(time.Hour) // not on a machine that is slow by chance
	require.Equal(t, connections, way.forget())
	return s, way, known
}

// One call finds out that the way is silent. The next one does not try the other idle
// connections, one patience each.
func TestSilentConnectionsAreReplacedAtOnce(t *testing.T) {
	t.Parallel()
	read := func(s *postgres.Store, known *app.Change) error {
		_, err := s.Get(t.Context(), known.Generation.ID)
		return err
	}
	for name, call := range map[string]func(*postgres.Store, *proxy, *app.Change){
		"read": func(s *postgres.Store, _ *proxy, known *app.Change) {
			s.SetPatience(200 * time.Millisecond)
			require.ErrorIs(t, read(s, known), postgres.ErrBusy)
		},
		"ping": func(s *postgres.Store, _ *proxy, _ *app.Change) {
			s.SetPatience(200 * time.Millisecond)
			require.ErrorIs(t, s.Ping(t.Context()), postgres.ErrOutcomeUnknown)
		},
		"after a rest": func(s *postgres.Store, way *proxy, known *app.Change) {
			s.SetPingAfter(0)
			require.NoError(t, read(s, known), "its connection is tried first")
			require.Equal(t, 1, way.unansweredPings(), "and no other one")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, way, known := forgotten(t)
			call(s, way, known)
			require.LessOrEqual(t, postgres.Internals{}.Connections(s), 1, "those of before are gone, but for a new one")
			s.SetPatience(time.Minute)
			require.NoError(t, read(s, known))
			require.Eventually(t, func() bool { return way.forgottenOpen() == 0 }, time.Minute, 5*time.Millisecond)
		})
	}
}

// A commit and its answer are lost for good, and no standby is the reason: its connection
// is kept, with the locks that the server holds for it, for no longer than it takes to see
// that.
func TestConnectionOfLostAnswerIsGivenUp(t *testing.T) {
	t.Parallel()
	server := database(t)
	way := startProxy(t, server)
	// Without prepared statements the proxy can see the COMMIT.
	s := open(t, with(t, way.url(server), "default_query_exec_mode", "exec"), postgres.Options{InitialCredits: 1000, Logger: quiet})
	known := write(t, s)
	s.SetPatience(500 * time.Millisecond)
	s.SetLook(50 * time.Millisecond)
	way.arm(forgetAtCommit)
	change := func() error {
		return s.Apply(t.Context(), []*app.Change{accept(t, policy(), known.Generation.UserID)})[0]
	}
	if err := change(); err != nil { // its look at what became of it may have met the locks
		require.ErrorIs(t, err, postgres.ErrOutcomeUnknown)
	}
	require.True(t, way.fired())
	s.SetPatience(time.Minute)
	require.Eventually(t, func() bool { return s.Unanswered() == 0 && way.forgottenOpen() == 0 }, time.Minute, 5*time.Millisecond)
	require.NoError(t, change())
	checkInvariants(t, s)
}

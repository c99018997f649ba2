package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/postgres"
)

// A deadlock with somebody who locks in another order: the transaction that the
// server breaks off is done again.
func TestDeadlock(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000, Logger: quiet})
	users := []aigen.ID{write(t, s).Generation.UserID, write(t, s).Generation.UserID}
	slices.SortFunc(users, func(a, b aigen.ID) int { return bytes.Compare(a[:], b[:]) })
	lock := func(user aigen.ID) string {
		return `SELECT 1 FROM accounts WHERE user_id = '` + user.String() + `' FOR UPDATE`
	}

	// Each of the two looks for a deadlock once, a second after it began to wait, and the
	// first to find one is broken off. As a rule that is the store, which waits first; on a
	// busy machine it may be the other one, and then the deadlock is made once more.
	db, session, made := raw(t, server), raw(t, server), 0
	deadlock := func() (ofOther bool) {
		other, err := session.Begin(t.Context())
		require.NoError(t, err)
		_, err = other.Exec(t.Context(), lock(users[1]))
		require.NoError(t, err)
		done := make(chan error, 1)
		changes := []*app.Change{accept(t, policy(), users[1]), accept(t, policy(), users[0])}
		made += len(changes)
		go func() { // locks the first, waits for the second
			done <- errors.Join(s.Apply(context.WithoutCancel(t.Context()), changes)...)
		}()
		waitFor(t, db, somebodyWaits)
		_, err = other.Exec(t.Context(), lock(users[0]))
		var refused *pgconn.PgError
		if ofOther = errors.As(err, &refused) && refused.Code == "40P01"; ofOther {
			require.NoError(t, other.Rollback(t.Context()))
		} else {
			require.NoError(t, err)
			require.NoError(t, other.Commit(t.Context()))
		}
		require.NoError(t, <-done)
		return ofOther
	}
	for tries := 1; deadlock(); tries++ {
		require.Less(t, tries, 20, "the store was never the one that is broken off")
	}
	waitFor(t, db, `SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()`)
	require.EqualValues(t, 2+made, checkInvariants(t, s)["generations"])
}

// A serialization failure, as a server may report it whatever the isolation level.
func TestSerializationFailure(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000, Logger: quiet})
	failing := func(times int) {
		_, err := raw(t, server).Exec(t.Context(), `DROP SEQUENCE IF EXISTS tries CASCADE; CREATE SEQUENCE tries;
CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF nextval('tries') <= `+string(rune('0'+times))+` THEN RAISE EXCEPTION 'once more' USING ERRCODE = 'serialization_failure'; END IF;
	RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER fails AFTER INSERT ON events FOR EACH STATEMENT EXECUTE FUNCTION fail()`)
		require.NoError(t, err)
	}
	failing(3)
	c := write(t, s)
	require.EqualValues(t, 1, c.Events[0].Position)
	require.EqualValues(t, 1, checkInvariants(t, s)["generations"])
}

// A connection that is killed while it waits for a lock, and one that is killed in
// the pool, cost nobody anything.
func TestConnectionsKilled(t *testing.T) {
	t.Parallel()
	server := database(t)
	s := open(t, server, postgres.Options{InitialCredits: 1000, PoolSize: 2, Logger: quiet})
	c := write(t, s)
	db := raw(t, server)
	other := raw(t, server)
	locked, err := other.Begin(t.Context())
	require.NoError(t, err)
	_, err = locked.Exec(t.Context(), `SELECT 1 FROM accounts FOR UPDATE`)
	require.NoError(t, err)
	done := make(chan error, 1)
	change := accept(t, policy(), c.Generation.UserID)
	go func() { done <- s.Apply(context.WithoutCancel(t.Context()), []*app.Change{change})[0] }()
	waitFor(t, db, somebodyWaits)
	waitFor(t, db, `SELECT bool_and(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE `+waiting)
	require.NoError(t, locked.Rollback(t.Context()))
	require.NoError(t, <-done)
	for range 5 {
		waitFor(t, db, `SELECT count(pg_terminate_backend(pid)) >= 0 FROM pg_stat_activity
WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), `+pid(t, other)+`)`)
		_, err = s.Get(t.Context(), c.Generation.ID)
		require.NoError(t, err)
		waitFor(t, db, `SELECT count(pg_terminate_backend(pid)) >= 0 FROM pg_stat_activity
WHERE datname = current_database() AND pid NOT IN (pg_backend_pid(), `+pid(t, other)+`)`)
		write(t, s)
	}
	require.EqualValues(t, 7, checkInvariants(t, s)["generations"])
}

// While the server is gone calls fail soon and clearly; when it is back they work, by
// themselves, and all that was acknowledged is there.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := open(t, server.url(), postgres.Options{InitialCredits: 1000, Logger: quiet})
	s.SetPatience(time.Hour) // whoever waited for the server would not come back
	var written []aigen.ID
	for _, mode := range []string{"fast", "immediate"} {
		for range 3 {
			written = append(written, write(t, s).Generation.ID)
		}
		server.stop(mode)
		require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{accept(t, policy(), aigen.ID(uuid.New()))})[0], postgres.ErrUnavailable)
		_, err := s.Get(t.Context(), written[0])
		require.ErrorIs(t, err, postgres.ErrUnavailable)
		require.ErrorIs(t, s.Ping(t.Context()), postgres.ErrUnavailable)
		server.start()
		for _, id := range written {
			g, err := s.Get(t.Context(), id)
			require.NoError(t, err)
			require.EqualValues(t, 1, g.Version)
		}
	}
	write(t, s)
	require.EqualValues(t, len(written)+1, checkInvariants(t, s)["generations"])
}

// The connection is lost during the commit.
func TestLostCommit(t *testing.T) {
	t.Parallel()
	server := database(t)
	p := startProxy(t, server)
	// Without prepared statements the proxy can see the COMMIT.
	s := open(t, with(t, p.url(server), "default_query_exec_mode", "exec"), postgres.Options{InitialCredits: 1000, Logger: quiet})

	p.arm(dropAfterCommit)
	c := write(t, s)
	require.EqualValues(t, 1, c.Generation.Version)
	require.EqualValues(t, 1, c.Events[0].Position)
	require.True(t, p.fired())
	require.EqualValues(t, 1, checkInvariants(t, s)["generations"], "it was committed, and not done again")

	p.arm(dropBeforeCommit)
	write(t, s)
	require.True(t, p.fired())
	require.EqualValues(t, 2, checkInvariants(t, s)["generations"], "it was not, and was done again")

	// A change to a generation that is there, and its removal.
	p.arm(dropAfterCommit)
	c = next(t, policy(), c.Generation, cancelled(policy()))
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
	require.True(t, p.fired())
	require.EqualValues(t, 2, c.Generation.Version)
	require.EqualValues(t, 2, checkInvariants(t, s)["generations"])

	// The caller has gone: what was committed is found, what was not is not done again.
	for mode, want := range map[proxyMode]error{dropAfterCommitForGood: nil, holdCommitForGood: context.Canceled} {
		ctx, cancel := context.WithCancel(t.Context())
		change, done := accept(t, policy(), aigen.ID(uuid.New())), make(chan error, 1)
		p.arm(mode)
		go func() { done <- s.Apply(ctx, []*app.Change{change})[0] }()
		require.Eventually(t, p.fired, time.Minute, time.Millisecond)
		cancel()
		p.arm(forward)
		require.ErrorIs(t, <-done, want)
	}
	require.EqualValues(t, 3, checkInvariants(t, s)["generations"])

	s.SetPatience(500 * time.Millisecond)
	p.arm(dropAfterCommitForGood)
	lost := accept(t, policy(), aigen.ID(uuid.New()))
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{lost})[0], postgres.ErrOutcomeUnknown)
	require.Zero(t, lost.Generation.Version)
	p.arm(forward)
	require.EqualValues(t, 4, checkInvariants(t, s)["generations"], "nobody could tell")
}

// A commit is lost in a crash, and the server gives the number of its transaction to
// another. Meanwhile another process has taken the same step of one of the generations,
// not of the other: neither may be taken for ours.
func TestCommitLostInCrash(t *testing.T) {
	t.Parallel()
	// What is written before the crash must not reach the disk by itself.
	server := startServer(t, "wal_writer_delay=10s", "autovacuum=off")
	p := startProxy(t, server.url())
	o := postgres.Options{InitialCredits: 1000, Logger: quiet}
	s := open(t, with(t, p.url(server.url()), "default_query_exec_mode", "exec"), o)
	s.SetPatience(time.Minute) // for the server to be back
	other := open(t, server.url(), o)
	first, second := write(t, s).Generation, write(t, s).Generation
	load := func(id aigen.ID) *aigen.Generation {
		g, err := other.Get(t.Context(), id)
		require.NoError(t, err)
		return g
	}
	theirs := next(t, policy(), load(first.ID), cancelled(policy()))

	p.arm(holdCommitForGood)
	ours := []*app.Change{next(t, policy(), first, cancelled(policy())), next(t, policy(), second, cancelled(policy()))}
	done := make(chan []error, 1)
	go func() { done <- s.Apply(context.WithoutCancel(t.Context()), ours) }()
	require.Eventually(t, p.fired, time.Minute, time.Millisecond)
	server.stop("immediate")
	server.start()
	require.NoError(t, other.Apply(t.Context(), []*app.Change{theirs})[0])
	db := raw(t, server.url())
	for range 50 {
		_, err := db.Exec(t.Context(), `SELECT pg_current_xact_id()`)
		require.NoError(t, err)
	}
	p.arm(forward)
	errs := <-done
	require.ErrorIs(t, errs[0], app.ErrVersionConflict, "another process was quicker")
	require.NoError(t, errs[1])
	require.Equal(t, aigen.StatusCancelled, load(second.ID).Status, "it was lost, and done again")
	require.EqualValues(t, 2, checkInvariants(t, other)["generations"])
}

// A commit of every kind of change is lost, or its answer: each is written once, and the
// one that is refused is refused.
func TestLostCommitOfEveryKind(t *testing.T) {
	t.Parallel()
	p := policy()
	pending := func() *app.Change { // a generation that a remote credit service is asked about
		in, err := aigen.NewInput("a red fox in the snow", "", []byte(`{}`))
		require.NoError(t, err)
		return decided(t, p, aigen.New(p, aigen.ID(uuid.New()), p.NewID(), in, aigen.Options{}))
	}
	const created, asked, ended, chosen, discarded, refused = 0, 1, 2, 3, 4, 5
	for mode, name := range map[proxyMode]string{dropAfterCommit: "answer lost", dropBeforeCommit: "commit lost", dropAfterCommitForGood: "others go on"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, proxy, s := behindProxy(t)
			other := open(t, server, postgres.Options{InitialCredits: 1000, Logger: quiet})
			ripe, gone, stale := write(t, s), pending(), write(t, s)
			toEnd := write(t, s).Generation
			for _, c := range []*app.Change{next(t, p, ripe.Generation, sampled(p)), gone, next(t, p, stale.Generation.Clone(), cancelled(p))} {
				require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
			}
			changes := []*app.Change{
				created: accept(t, p, aigen.ID(uuid.New())),
				asked:   pending(),
				ended:   next(t, p, toEnd, cancelled(p)),
				chosen: next(t, p, ripe.Generation, func(g *aigen.Generation) error {
					return g.SelectSample(p, "s1", aigen.Resolution{})
				}),
				discarded: {Generation: gone.Generation, From: 1, Discard: true},
				refused:   next(t, p, stale.Generation, cancelled(p)),
			}
			require.Empty(t, changes[asked].Events)
			require.Empty(t, changes[chosen].Events)

			proxy.arm(mode)
			done := make(chan []error, 1)
			go func() { done <- s.Apply(context.WithoutCancel(t.Context()), changes) }()
			if mode == dropAfterCommitForGood {
				require.Eventually(t, proxy.fired, time.Minute, time.Millisecond)
				for _, i := range []int{created, asked, chosen} {
					var g *aigen.Generation
					require.Eventually(t, func() (ok bool) {
						g, ok = stored(t, other, changes[i].Generation.ID)
						return ok && g.Version == changes[i].From+1
					}, time.Minute, time.Millisecond)
					require.NoError(t, other.Apply(t.Context(), []*app.Change{{Generation: g, From: g.Version}})[0])
				}
				proxy.arm(forward)
			}
			errs := <-done
			require.True(t, mode == dropAfterCommitForGood || proxy.fired())
			for i, err := range errs {
				switch {
				case i == refused, i == chosen && mode == dropAfterCommitForGood:
					require.ErrorIs(t, err, app.ErrVersionConflict, i)
				default:
					require.NoError(t, err, i)
					require.Equal(t, changes[i].From+1, changes[i].Generation.Version, i)
				}
			}
			require.EqualValues(t, 1, changes[created].Events[0].Position)
			require.EqualValues(t, 2, changes[ended].Events[0].Position)
			_, ok := stored(t, other, gone.Generation.ID)
			require.False(t, ok)
			rows := checkInvariants(t, s)
			require.EqualValues(t, 5, rows["generations"])
			if mode != dropAfterCommitForGood {
				require.EqualValues(t, 7, rows["events"])
			}
		})
	}
}

func stored(t *testing.T, s *postgres.Store, id aigen.ID) (*aigen.Generation, bool) {
	t.Helper()
	g, err := s.Get(t.Context(), id)
	if errors.Is(err, aigen.ErrNotFound) {
		return nil, false
	}
	require.NoError(t, err)
	return g, true
}

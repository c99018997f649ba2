package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/creativeflow/aigen-orchestrator/internal/postgres"
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

	other, err := raw(t, server).Begin(t.Context())
	require.NoError(t, err)
	_, err = other.Exec(t.Context(), lock(users[1]))
	require.NoError(t, err)
	done := make(chan error, 1)
	changes := []*app.Change{accept(t, policy(), users[1]), accept(t, policy(), users[0])}
	go func() { // locks the first, waits for the second
		done <- errors.Join(s.Apply(context.WithoutCancel(t.Context()), changes)...)
	}()
	db := raw(t, server)
	waitFor(t, db, somebodyWaits)
	_, err = other.Exec(t.Context(), lock(users[0]))
	require.NoError(t, err, "the other one was first to wait, and is first to look for a deadlock")
	require.NoError(t, other.Commit(t.Context()))
	require.NoError(t, <-done)
	waitFor(t, db, `SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()`)
	require.EqualValues(t, 4, sound(t, s)["generations"])
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
	require.EqualValues(t, 1, sound(t, s)["generations"])
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
	require.EqualValues(t, 7, sound(t, s)["generations"])
}

// While the server is gone calls fail soon and clearly; when it is back they work, by
// themselves, and all that was acknowledged is there.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	server := startServer(t)
	s := open(t, server.url(), postgres.Options{InitialCredits: 1000, Logger: quiet})
	var written []aigen.ID
	for _, mode := range []string{"fast", "immediate"} {
		for range 3 {
			written = append(written, write(t, s).Generation.ID)
		}
		server.stop(mode)
		started := time.Now()
		require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{accept(t, policy(), aigen.ID(uuid.New()))})[0], postgres.ErrUnavailable)
		_, err := s.Get(t.Context(), written[0])
		require.ErrorIs(t, err, postgres.ErrUnavailable)
		require.ErrorIs(t, s.Ping(t.Context()), postgres.ErrUnavailable)
		require.Less(t, time.Since(started), 10*time.Second)
		server.start()
		for _, id := range written {
			g, err := s.Get(t.Context(), id)
			require.NoError(t, err)
			require.EqualValues(t, 1, g.Version)
		}
	}
	write(t, s)
	require.EqualValues(t, len(written)+1, sound(t, s)["generations"])
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
	require.EqualValues(t, 1, sound(t, s)["generations"], "it was committed, and not done again")

	p.arm(dropBeforeCommit)
	write(t, s)
	require.True(t, p.fired())
	require.EqualValues(t, 2, sound(t, s)["generations"], "it was not, and was done again")

	// A change to a generation that is there, and its removal.
	p.arm(dropAfterCommit)
	c = next(t, policy(), c.Generation, cancelled(policy()))
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
	require.True(t, p.fired())
	require.EqualValues(t, 2, c.Generation.Version)
	require.EqualValues(t, 2, sound(t, s)["generations"])

	s.SetPatience(500 * time.Millisecond)
	p.arm(dropAfterCommitForGood)
	lost := accept(t, policy(), aigen.ID(uuid.New()))
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{lost})[0], postgres.ErrOutcomeUnknown)
	require.Zero(t, lost.Generation.Version)
	p.arm(forward)
	require.EqualValues(t, 3, sound(t, s)["generations"], "nobody could tell")
}

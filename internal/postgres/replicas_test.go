package postgres_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/postgres"
)

// acceptFor writes a new generation of a user.
func acceptFor(t *testing.T, s *postgres.Store, user aigen.ID) *app.Change {
	t.Helper()
	c := accept(t, policy(), user)
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
	return c
}

// behindProxy is a store whose messages a proxy can count, and lose.
func behindProxy(t *testing.T) (server string, p *proxy, s *postgres.Store) {
	t.Helper()
	server = database(t)
	p = startProxy(t, server)
	// Without prepared statements the proxy can see the COMMIT, and nothing is prepared first.
	s = open(t, with(t, p.url(server), "default_query_exec_mode", "exec"), postgres.Options{InitialCredits: 1000, Logger: quiet})
	return server, p, s
}

// twoReplicas know nothing of what the other writes. A generation costs 1.00 of 4.00.
func twoReplicas(t *testing.T) (ours, other *postgres.Store) {
	t.Helper()
	server, o := database(t), postgres.Options{InitialCredits: 400, Logger: quiet}
	return open(t, server, o), open(t, server, o)
}

// Two replicas write the same account in turn.
func TestAccountsOfTwoReplicas(t *testing.T) {
	t.Parallel()
	ours, other := twoReplicas(t)
	user := aigen.ID(uuid.New())
	acceptFor(t, ours, user)
	acceptFor(t, other, user)
	c := acceptFor(t, ours, user)
	require.EqualValues(t, 3, c.Events[0].Position)
	acceptFor(t, other, user)

	// What ours knows would do for one more; there is nothing left.
	err := ours.Apply(t.Context(), []*app.Change{accept(t, policy(), user)})[0]
	require.ErrorIs(t, err, aigen.ErrInsufficientCredits)
	// What ours knows would not do; more was granted behind its back.
	_, err = other.Grant(t.Context(), user, 100, "more", time.Now())
	require.NoError(t, err)
	acceptFor(t, ours, user)
	require.EqualValues(t, 5, checkInvariants(t, ours)["generations"])
}

// A grant moves no position: the balance is looked at too.
func TestApplyAfterGrant(t *testing.T) {
	t.Parallel()
	ours, other := twoReplicas(t)
	user := aigen.ID(uuid.New())
	acceptFor(t, ours, user)
	_, err := other.Grant(t.Context(), user, 100, "more", time.Now())
	require.NoError(t, err)
	acceptFor(t, ours, user)
	require.EqualValues(t, 2, checkInvariants(t, ours)["generations"])
	balance, err := ours.Balance(t.Context(), user)
	require.NoError(t, err)
	require.Equal(t, app.Balance{Balance: 500, Reserved: 200, Available: 300}, balance)
}

// A key that another has taken meanwhile.
func TestApplyFindsKeyTaken(t *testing.T) {
	t.Parallel()
	ours, other := twoReplicas(t)
	user := aigen.ID(uuid.New())
	keyed := func() *app.Change {
		c := accept(t, policy(), user)
		c.Record = &app.IdempotencyRecord{UserID: user, Key: "k", GenerationID: c.Generation.ID, CreatedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour)}
		return c
	}
	require.NoError(t, other.Apply(t.Context(), []*app.Change{keyed()})[0])
	acceptFor(t, ours, user)
	require.ErrorIs(t, ours.Apply(t.Context(), []*app.Change{keyed()})[0], app.ErrKeyTaken)
	require.EqualValues(t, 2, checkInvariants(t, ours)["generations"])
}

// The connection is lost during the commit of a new generation.
func TestLostApply(t *testing.T) {
	t.Parallel()
	_, p, s := behindProxy(t)
	user := aigen.ID(uuid.New())
	acceptFor(t, s, user)

	p.arm(dropAfterCommit)
	c := acceptFor(t, s, user)
	require.True(t, p.fired())
	require.EqualValues(t, 1, c.Generation.Version)
	require.EqualValues(t, 2, c.Events[0].Position)
	require.EqualValues(t, 2, checkInvariants(t, s)["generations"], "it was committed, and not done again")

	acceptFor(t, s, user)
	p.arm(dropBeforeCommit)
	c = acceptFor(t, s, user)
	require.True(t, p.fired())
	require.EqualValues(t, 4, c.Events[0].Position)
	require.EqualValues(t, 4, checkInvariants(t, s)["generations"], "it was not, and was done again")

	acceptFor(t, s, user)
	s.SetPatience(500 * time.Millisecond)
	p.arm(dropAfterCommitForGood)
	lost := accept(t, policy(), user)
	require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{lost})[0], postgres.ErrOutcomeUnknown)
	require.Zero(t, lost.Generation.Version)
	p.arm(forward)
	require.EqualValues(t, 6, checkInvariants(t, s)["generations"], "nobody could tell")
}

// The connection is lost while the server waits for a row with all of the transaction in
// hand: it will be committed, later. Who looks for it waits for the same row.
func TestLostApplyInFlight(t *testing.T) {
	t.Parallel()
	server, p, s := behindProxy(t)
	user := aigen.ID(uuid.New())
	acceptFor(t, s, user)

	holder, err := raw(t, server).Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), `SELECT 1 FROM accounts FOR UPDATE`)
	require.NoError(t, err)
	c := accept(t, policy(), user)
	done := make(chan error, 1)
	go func() { done <- s.Apply(context.WithoutCancel(t.Context()), []*app.Change{c})[0] }()
	db := raw(t, server)
	waitFor(t, db, somebodyWaits)
	p.cut()
	waitFor(t, db, `SELECT count(*) > 1 FROM pg_stat_activity WHERE `+waiting) // it, and who looks for it
	require.NoError(t, holder.Rollback(t.Context()))
	require.NoError(t, <-done)
	require.EqualValues(t, 2, c.Events[0].Position)
	require.EqualValues(t, 2, checkInvariants(t, s)["generations"])
}

// A row that somebody holds for too long is waited for once.
func TestBusyAccount(t *testing.T) {
	t.Parallel()
	server := database(t)
	p := startProxy(t, server)
	o := postgres.Options{InitialCredits: 1000, LockTimeout: 100 * time.Millisecond, Logger: quiet}
	s := open(t, with(t, p.url(server), "default_query_exec_mode", "exec"), o)
	user := aigen.ID(uuid.New())
	acceptFor(t, s, user)
	holder, err := raw(t, server).Begin(t.Context())
	require.NoError(t, err)
	_, err = holder.Exec(t.Context(), `SELECT 1 FROM accounts FOR UPDATE`)
	require.NoError(t, err)
	var trips []int
	for range 5 {
		p.count()
		require.ErrorIs(t, s.Apply(t.Context(), []*app.Change{accept(t, policy(), user)})[0], postgres.ErrBusy)
		trips = append(trips, p.count())
	}
	// It and the rollback. The pool tries a connection that was idle for a second.
	require.Contains(t, trips, 2)
	require.NoError(t, holder.Rollback(t.Context()))
	acceptFor(t, s, user)
	require.EqualValues(t, 2, checkInvariants(t, s)["generations"])
}

// Replicas that write the same accounts at the same time, in batches, with grants in
// between: positions have no gaps, and the money is right.
func TestApplyOfManyReplicas(t *testing.T) {
	t.Parallel()
	server := database(t)
	users := make([]aigen.ID, 5)
	for i := range users {
		users[i] = aigen.ID(uuid.New())
	}
	const replicas, writers, rounds, most = 3, 2, 60, 6
	var wg sync.WaitGroup
	var mu sync.Mutex
	written := int64(0)
	stores := make([]*postgres.Store, replicas)
	for r := range stores {
		stores[r] = open(t, server, postgres.Options{InitialCredits: 2000, Logger: quiet})
	}
	for w := range replicas * writers {
		s, random := stores[w%replicas], rand.New(rand.NewPCG(7, uint64(w)))
		wg.Go(func() {
			for range rounds {
				changes := make([]*app.Change, 1+random.IntN(most))
				for i := range changes {
					changes[i] = accept(t, policy(), users[random.IntN(len(users))])
				}
				for _, err := range s.Apply(t.Context(), changes) {
					if err == nil {
						mu.Lock()
						written++
						mu.Unlock()
					} else {
						assert.ErrorIs(t, err, aigen.ErrInsufficientCredits)
					}
				}
				if random.IntN(10) == 0 {
					_, err := s.Grant(t.Context(), users[random.IntN(len(users))], 500, uuid.NewString(), time.Now())
					assert.NoError(t, err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, written, checkInvariants(t, stores[0])["generations"])
}

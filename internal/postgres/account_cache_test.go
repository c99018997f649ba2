package postgres

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func known(user aigen.ID, position int64) map[aigen.ID]*account {
	return map[aigen.ID]*account{user: {user: user, position: position, changed: true}}
}

// An account that is in a transaction is not guessed at, nor is one of which the other
// may still say something.
func TestGuessesOfBusyAccounts(t *testing.T) {
	t.Parallel()
	var g accountCache
	user := aigen.ID(uuid.New())
	users := []aigen.ID{user}
	require.Nil(t, g.acquire(users), "not known")
	g.join(users)
	g.join(users)
	g.endLocked(users, known(user, 1))
	require.Nil(t, g.acquire(users), "the second is under way")
	g.release(users)
	require.EqualValues(t, 1, g.acquire(users)[user].position)
	require.Nil(t, g.acquire(users), "the guess is under way")
	g.endOptimistic(users, known(user, 2), true)
	require.EqualValues(t, 2, g.acquire(users)[user].position)
	g.release(users)
	require.Empty(t, g.busy)

	// Two that end in the other order.
	g.join(users)
	g.join(users)
	g.endLocked(users, known(user, 4))
	g.endLocked(users, known(user, 3))
	require.EqualValues(t, 4, g.acquire(users)[user].position)
}

// The more often guesses are wrong, the less is guessed.
func TestGuessesPause(t *testing.T) {
	t.Parallel()
	var g accountCache
	user := aigen.ID(uuid.New())
	users := []aigen.ID{user}
	tries := func() (n int) { // until it is guessed at
		for {
			g.join(users)
			g.endLocked(users, known(user, 1))
			if n++; g.acquire(users) != nil {
				return n
			}
		}
	}
	require.Equal(t, 1, tries())
	for _, want := range []int{2, 3, 5, 9, 17} {
		g.endOptimistic(users, nil, false)
		require.NotContains(t, g.current, user, "it was wrong")
		require.Equal(t, want, tries())
	}
	g.endOptimistic(users, known(user, 1), true)
	require.Equal(t, 1, tries())
	g.endOptimistic(users, nil, false)
	require.Equal(t, 5, tries(), "one that is right makes up for half of those that were wrong")
}

func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	var g accountCache
	for range 3 * accountCacheSize {
		user := aigen.ID(uuid.New())
		g.join([]aigen.ID{user})
		g.endLocked([]aigen.ID{user}, known(user, 1))
		require.NotNil(t, g.acquire([]aigen.ID{user}))
		g.release([]aigen.ID{user})
	}
	require.LessOrEqual(t, len(g.current)+len(g.previous), 2*accountCacheSize)
}

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
	var g guesses
	user := aigen.ID(uuid.New())
	users := []aigen.ID{user}
	require.Nil(t, g.take(users), "not known")
	g.enter(users)
	g.enter(users)
	g.learned(users, known(user, 1))
	require.Nil(t, g.take(users), "the second is under way")
	g.leave(users)
	require.EqualValues(t, 1, g.take(users)[user].position)
	require.Nil(t, g.take(users), "the guess is under way")
	g.learn(users, known(user, 2), true)
	require.EqualValues(t, 2, g.take(users)[user].position)
	g.leave(users)
	require.Empty(t, g.busy)

	// Two that end in the other order.
	g.enter(users)
	g.enter(users)
	g.learned(users, known(user, 4))
	g.learned(users, known(user, 3))
	require.EqualValues(t, 4, g.take(users)[user].position)
}

// The more often guesses are wrong, the less is guessed.
func TestGuessesPause(t *testing.T) {
	t.Parallel()
	var g guesses
	user := aigen.ID(uuid.New())
	users := []aigen.ID{user}
	tries := func() (n int) { // until it is guessed at
		for {
			g.enter(users)
			g.learned(users, known(user, 1))
			if n++; g.take(users) != nil {
				return n
			}
		}
	}
	require.Equal(t, 1, tries())
	for _, want := range []int{2, 3, 5, 9, 17} {
		g.learn(users, nil, false)
		require.NotContains(t, g.young, user, "it was wrong")
		require.Equal(t, want, tries())
	}
	g.learn(users, known(user, 1), true)
	require.Equal(t, 1, tries())
	g.learn(users, nil, false)
	require.Equal(t, 5, tries(), "one that is right makes up for half of those that were wrong")
}

func TestGuessesAreBounded(t *testing.T) {
	t.Parallel()
	var g guesses
	for range 3 * guessesMost {
		user := aigen.ID(uuid.New())
		g.enter([]aigen.ID{user})
		g.learned([]aigen.ID{user}, known(user, 1))
		require.NotNil(t, g.take([]aigen.ID{user}))
		g.leave([]aigen.ID{user})
	}
	require.LessOrEqual(t, len(g.young)+len(g.old), 2*guessesMost)
}

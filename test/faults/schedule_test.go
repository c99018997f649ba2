package faults

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestScheduleRepeats(t *testing.T) {
	t.Parallel()
	for _, store := range []Store{PostgreSQL, SQLite} {
		a, b := Schedule(store, 600, 7), Schedule(store, 600, 7)
		require.Equal(t, a, b)
		require.NotEqual(t, a, Schedule(store, 600, 8))
	}
}

// The scale that issue 5 asks for, and every kind of fault, whatever the seed.
func TestScheduleIsLarge(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		all := Schedule(PostgreSQL, 600, seed)
		require.Greater(t, len(all), 2200, "seed %d", seed)
		kinds := map[Kind]int{}
		for i, f := range all {
			kinds[f.Kind]++
			require.Less(t, f.At, 600*time.Second)
			require.Equal(t, i+1, f.N)
			if i > 0 {
				require.GreaterOrEqual(t, f.At, all[i-1].At)
			}
		}
		for _, p := range plan {
			if p.postgres > 0 {
				require.Positive(t, kinds[p.kind], "seed %d has no %s", seed, p.kind)
			}
		}
	}
}

// What is left keeps its number and its moment: a look at one kind is one at that schedule.
func TestOnly(t *testing.T) {
	t.Parallel()
	all := Schedule(PostgreSQL, 60, 7)
	some := only(slices.Clone(all), []Kind{HalfOpen, ClockStep})
	require.NotEmpty(t, some)
	require.Less(t, len(some), len(all))
	for _, f := range some {
		require.Contains(t, []Kind{HalfOpen, ClockStep}, f.Kind)
		require.Equal(t, all[f.N-1], f)
	}
	require.Equal(t, all, only(all, nil))
	require.True(t, HalfOpen.Known())
	require.False(t, Kind("half_open").Known())
}

package app

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func numbered(n int) *aigen.Generation {
	return &aigen.Generation{ID: aigen.ID{0: byte(n), 1: byte(n >> 8), 15: 1}, Status: aigen.StatusProcessingSamples, Version: 1}
}

// However it meets the times at which the young become old, nothing is remembered for
// longer than a minute.
func TestNothingIsRememberedForLong(t *testing.T) {
	t.Parallel()
	for _, before := range []time.Duration{0, time.Second, 29 * time.Second, 30 * time.Second, 59 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			r := generationCache{clock: time.Now}
			r.put(numbered(1)) // the young begin here
			time.Sleep(before)
			g := numbered(2)
			r.put(g)
			for age := time.Duration(0); age < 3*time.Minute; age += time.Second {
				require.Equal(t, age < time.Minute, r.get(g.ID) != nil, "after %s, put at %s", age, before)
				time.Sleep(time.Second)
			}
		})
	}
}

func TestNotMuchIsRemembered(t *testing.T) {
	t.Parallel()
	r := generationCache{clock: time.Now}
	for n := range 5 * cacheSize {
		r.put(numbered(n))
		require.NotNil(t, r.get(numbered(n).ID))
		require.LessOrEqual(t, len(r.current)+len(r.previous), 2*cacheSize)
	}
}

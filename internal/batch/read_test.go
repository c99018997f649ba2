package batch_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/batch"
)

// library is a store that loads many at once.
type library struct {
	app.GenerationRepository

	queries atomic.Int64
	hold    chan struct{} // the first queries wait for it
	fail    error

	mu    sync.Mutex
	sizes []int
	known map[aigen.ID]*aigen.Generation
}

func (l *library) GetMany(_ context.Context, ids []aigen.ID) (map[aigen.ID]*aigen.Generation, error) {
	if l.queries.Add(1) <= 2 && l.hold != nil {
		<-l.hold
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sizes = append(l.sizes, len(ids))
	if l.fail != nil {
		return nil, l.fail
	}
	found := map[aigen.ID]*aigen.Generation{}
	for _, id := range ids {
		if g, ok := l.known[id]; ok {
			found[id] = g.Clone()
		}
	}
	return found, nil
}

func newLibrary(t *testing.T, n int) (*library, []aigen.ID, *batch.Repository) {
	t.Helper()
	l := &library{known: map[aigen.ID]*aigen.Generation{}}
	var ids []aigen.ID
	for range n {
		g := newChange(t).Generation
		l.known[g.ID] = g
		ids = append(ids, g.ID)
	}
	return l, ids, batch.New(l, batch.Options{Size: 64})
}

// Those who ask while others are being answered share queries; each gets what it has
// asked for, and its own copy of it.
func TestCrowdSharesQueries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, crowdSharesQueries)
}

func crowdSharesQueries(t *testing.T) {
	l, ids, r := newLibrary(t, 100)
	l.hold = make(chan struct{})
	const each = 4
	got := make([]*aigen.Generation, each*len(ids))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			g, err := r.Get(context.Background(), ids[i%len(ids)])
			assert.NoError(t, err)
			g.Version += int64(i) // as every verb does: nobody else may be looking at it
			got[i] = g
		})
	}
	synctest.Wait() // two queries are held, all others are waiting
	close(l.hold)
	wg.Wait()
	assert.LessOrEqual(t, l.queries.Load(), int64(2+(len(got)+63)/64), "queries for %d loads", len(got))
	assert.LessOrEqual(t, slices.Max(l.sizes), 64)
	seen := map[*aigen.Generation]bool{}
	for i, g := range got {
		require.Equal(t, ids[i%len(ids)], g.ID)
		require.False(t, seen[g], "two have the same value to change")
		seen[g] = true
	}
}

func TestLoneLoadGoesAtOnce(t *testing.T) {
	t.Parallel()
	l, ids, r := newLibrary(t, 3)
	for _, id := range ids {
		g, err := r.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, id, g.ID)
	}
	assert.Equal(t, []int{1, 1, 1}, l.sizes)
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	l, ids, r := newLibrary(t, 1)
	_, err := r.Get(t.Context(), newChange(t).Generation.ID)
	require.ErrorIs(t, err, aigen.ErrNotFound)

	l.fail = errors.New("gone")
	_, err = r.Get(t.Context(), ids[0])
	require.ErrorIs(t, err, l.fail)
	l.fail = nil

	// Who hangs up does not wait for the query, and those with it get their answer.
	l.hold = make(chan struct{})
	l.queries.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := r.Get(ctx, ids[0])
		left <- err
	}()
	cancel()
	require.ErrorIs(t, <-left, context.Canceled)
	close(l.hold)
	_, err = r.Get(t.Context(), ids[0])
	require.NoError(t, err)
}

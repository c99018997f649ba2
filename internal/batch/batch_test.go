package batch_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/batch"
	"github.com/creativeflow/aigen/internal/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// counted counts transactions and can hold the first one up.
type counted struct {
	app.GenerationRepository
	transactions atomic.Int64
	hold         chan struct{}
	fail         error
}

func (c *counted) Apply(ctx context.Context, changes []*app.Change) []error {
	if c.transactions.Add(1) == 1 && c.hold != nil {
		<-c.hold
	}
	if c.fail != nil {
		errs := make([]error, len(changes))
		for i := range errs {
			errs[i] = c.fail
		}
		return errs
	}
	return c.GenerationRepository.Apply(ctx, changes)
}

func setup(t *testing.T) (*counted, *batch.Repository) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	c := &counted{GenerationRepository: s}
	return c, batch.New(c, batch.Options{Size: 64})
}

func newChange(t *testing.T) *app.Change {
	t.Helper()
	p := &aigen.Policy{Now: time.Now, NewID: func() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }}
	in, err := aigen.NewInput("a fox", "", nil)
	require.NoError(t, err)
	return &app.Change{Generation: aigen.New(p, p.NewID(), p.NewID(), in, aigen.Options{})}
}

func one(ctx context.Context, r *batch.Repository, c *app.Change) error {
	return r.Apply(ctx, []*app.Change{c})[0]
}

// A crowd shares transactions; each gets its own result, whatever its neighbour's.
func TestCrowdSharesTransactions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, crowdSharesTransactions)
}

func crowdSharesTransactions(t *testing.T) {
	c, r := setup(t)
	c.hold = make(chan struct{})
	const n = 500
	var wg sync.WaitGroup
	for i := range n {
		change := newChange(t)
		if i%5 == 0 {
			change.From = 7 // of a generation that is not there
		}
		wg.Go(func() {
			err := one(context.Background(), r, change)
			if i%5 == 0 {
				assert.ErrorIs(t, err, app.ErrVersionConflict)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, int64(1), change.Generation.Version)
			_, err = r.Get(context.Background(), change.Generation.ID)
			assert.NoError(t, err)
		})
	}
	synctest.Wait() // one transaction is held, all others are waiting
	close(c.hold)
	wg.Wait()
	assert.LessOrEqual(t, c.transactions.Load(), int64(1+(n+63)/64), "transactions for %d changes", n)
}

// A lone change is not kept waiting for company.
func TestLoneChangeGoesAtOnce(t *testing.T) {
	t.Parallel()
	c, r := setup(t)
	for range 10 {
		require.NoError(t, one(t.Context(), r, newChange(t)))
	}
	assert.Equal(t, int64(10), c.transactions.Load())
}

// Changes of one generation keep their order, also within one batch.
func TestOrderWithinGeneration(t *testing.T) {
	t.Parallel()
	_, r := setup(t)
	first := newChange(t)
	second := &app.Change{Generation: first.Generation.Clone(), From: 1}
	stale := &app.Change{Generation: first.Generation.Clone(), From: 1}
	errs := r.Apply(t.Context(), []*app.Change{first, second, stale})
	require.NoError(t, errs[0])
	require.NoError(t, errs[1])
	require.ErrorIs(t, errs[2], app.ErrVersionConflict)
	g, err := r.Get(t.Context(), first.Generation.ID)
	require.NoError(t, err)
	assert.Equal(t, int64(2), g.Version)
}

// Who hangs up before the transaction begins leaves nothing behind, and spoils
// nothing for the others.
func TestHangUp(t *testing.T) {
	t.Parallel()
	c, r := setup(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	change := newChange(t)
	require.ErrorIs(t, one(gone, r, change), context.Canceled)
	_, err := r.Get(t.Context(), change.Generation.ID)
	require.ErrorIs(t, err, aigen.ErrNotFound)
	assert.Zero(t, c.transactions.Load())
	require.NoError(t, one(t.Context(), r, newChange(t)))
}

func TestFaultOfTheDatabaseReachesAll(t *testing.T) {
	t.Parallel()
	c, r := setup(t)
	c.fail = errors.New("disk full")
	var wg sync.WaitGroup
	for range 20 {
		change := newChange(t)
		wg.Go(func() { assert.ErrorIs(t, one(context.Background(), r, change), c.fail) })
	}
	wg.Wait()
	c.fail = nil
	require.NoError(t, one(t.Context(), r, newChange(t)))
}

// A transaction that waits for a row, or for a database that went away, holds up those
// in it and nobody else.
func TestStuckTransactionHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, stuckTransactionHoldsUpNobodyElse)
}

func stuckTransactionHoldsUpNobodyElse(t *testing.T) {
	c, _ := setup(t)
	c.hold = make(chan struct{})
	r := batch.New(c, batch.Options{Writers: 2})
	stuck, first := make(chan error, 1), newChange(t)
	go func() { stuck <- one(t.Context(), r, first) }()
	synctest.Wait()
	for range 3 { // again and again, and alone each time
		require.NoError(t, one(t.Context(), r, newChange(t)))
	}
	require.Empty(t, stuck)
	close(c.hold)
	require.NoError(t, <-stuck)
}

// A second writer that is not needed does not begin: a few share the next transaction.
func TestFewWaitForEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, fewWaitForEachOther)
}

func fewWaitForEachOther(t *testing.T) {
	c, _ := setup(t)
	c.hold = make(chan struct{})
	r := batch.New(c, batch.Options{Writers: 2, Patience: time.Hour})
	done, first := make(chan error, 20), newChange(t)
	go func() { done <- one(t.Context(), r, first) }()
	synctest.Wait()
	for range cap(done) - 1 {
		next := newChange(t)
		go func() { done <- one(t.Context(), r, next) }()
	}
	synctest.Wait() // they may begin no transaction of their own
	require.Equal(t, int64(1), c.transactions.Load())
	close(c.hold)
	for range cap(done) {
		require.NoError(t, <-done)
	}
	require.Equal(t, int64(2), c.transactions.Load())
}

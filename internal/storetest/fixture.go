package storetest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// fixture is a fresh store, with a clock that stands still and ids that count up.
type fixture struct {
	Store

	t      *testing.T
	ctx    context.Context //nolint:containedctx // of the test
	policy *aigen.Policy
	clock  *clock
}

func setup(t *testing.T, open Open, o Options) *fixture {
	t.Helper()
	w := &fixture{Store: open(t, o), t: t, ctx: t.Context(), clock: &clock{}}
	ids := newIDs()
	w.policy = &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 10 * time.Second, MaxStageAttempts: 3,
		RetryDelay: func(int) time.Duration { return time.Second },
		Now:        w.clock.now, NewID: ids.next,
	}
	t.Cleanup(func() {
		if !t.Failed() {
			w.checkInvariants()
		}
	})
	return w
}

// clock is moved by hand.
type clock struct{ moved atomic.Int64 }

var start = time.Date(2026, 11, 23, 10, 0, 0, 123_456_000, time.UTC)

func (c *clock) now() time.Time { return start.Add(time.Duration(c.moved.Load())) }

func (c *clock) advance(d time.Duration) { c.moved.Add(int64(d)) }

// ids counts up after a random start, so that tests which share a database do not meet.
type ids struct {
	prefix [8]byte
	n      atomic.Uint64
}

func newIDs() *ids {
	i := new(ids)
	_, _ = rand.Read(i.prefix[:]) // never fails
	return i
}

func (i *ids) next() (id aigen.ID) {
	copy(id[:], i.prefix[:])
	binary.BigEndian.PutUint64(id[8:], i.n.Add(1))
	return id
}

func (w *fixture) now() time.Time { return w.clock.now() }

func (w *fixture) id() aigen.ID { return w.policy.NewID() }

func (w *fixture) must(err error) {
	w.t.Helper()
	require.NoError(w.t, err)
}

// checkInvariants checks what must hold after every test.
func (w *fixture) checkInvariants() {
	w.t.Helper()
	_, faults, err := w.Audit(context.WithoutCancel(w.ctx))
	w.must(err)
	require.Empty(w.t, faults)
}

// rows counts everything that is in the store.
func (w *fixture) rows() map[string]int64 {
	w.t.Helper()
	rows, _, err := w.Audit(w.ctx)
	w.must(err)
	return rows
}

func (w *fixture) apply(changes ...*app.Change) {
	w.t.Helper()
	errs := w.Apply(w.ctx, changes)
	require.Len(w.t, errs, len(changes))
	w.must(errors.Join(errs...))
}

func (w *fixture) get(id aigen.ID) *aigen.Generation {
	w.t.Helper()
	g, err := w.Get(w.ctx, id)
	w.must(err)
	return g
}

func (w *fixture) balance(user aigen.ID) app.Balance {
	w.t.Helper()
	b, err := w.Balance(w.ctx, user)
	w.must(err)
	return b
}

// parallel runs f n times at once and waits.
func (w *fixture) parallel(n int, f func(i int) error) {
	w.t.Helper()
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	w.must(errors.Join(errs...))
}

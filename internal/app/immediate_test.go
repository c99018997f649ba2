package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// flakyStore lets a test stand between relay and store.
type flakyStore struct {
	outbox.Store

	blind atomic.Bool  // claims find nothing
	full  atomic.Int32 // so often no lease is released: the disk is full
	hold  sync.RWMutex // claims of jobs wait for it
	held  atomic.Int32 // so many do
}

func (o *flakyStore) ReleaseLeases(ctx context.Context, owner string, now time.Time) (int, error) {
	if o.full.Add(-1) >= 0 {
		return 0, fmt.Errorf("the disk is full: %w", app.ErrStoreUnavailable)
	}
	return o.Store.ReleaseLeases(ctx, owner, now)
}

func (o *flakyStore) ClaimDeliveries(ctx context.Context, c outbox.Claim) ([]outbox.Delivery, error) {
	if o.blind.Load() {
		return nil, nil
	}
	if c.Queue == outbox.QueueJobs {
		o.held.Add(1)
		o.hold.RLock()
		defer o.hold.RUnlock()
		o.held.Add(-1)
	}
	return o.Store.ClaimDeliveries(ctx, c)
}

// commits lets a test stand between service and store.
type commits struct {
	app.GenerationRepository

	after func() error // what a caller learns of a change that was written
}

func (c *commits) Apply(ctx context.Context, changes []*app.Change) []error {
	errs := c.GenerationRepository.Apply(ctx, changes)
	if errs[0] == nil && c.after != nil {
		errs[0] = c.after()
	}
	return errs
}

// immediate is a workbench whose relay runs with these settings, on what stands between.
func (w *fixture) immediate(to app.JobPublisher, lease time.Duration) (*flakyStore, *commits) {
	w.t.Helper()
	o, c := &flakyStore{Store: w.store}, &commits{GenerationRepository: w.store}
	var err error
	w.Service, err = app.New(app.Config{Policy: w.policy, Store: c, Ledger: w.store})
	require.NoError(w.t, err)
	w.relay = newRelay(w.Service, o, to, w.notifier, tokensFor(w.t), outbox.Config{
		Owner: "express", Lease: lease, Poll: 10 * time.Millisecond, StopGrace: 100 * time.Millisecond,
	})
	return o, c
}

// settled waits until the relay has looked once, so that it knows of nothing older.
func (w *fixture) settled() {
	w.t.Helper()
	w.create()
	w.until("the first job", func() bool { return len(w.engine.taken()) > 0 })
	w.until("nothing is left", func() bool { return len(w.deliveries()) == 0 })
}

func TestWhatIsWrittenBeginsWithoutAClaim(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	o, _ := w.immediate(w.engine, time.Minute)
	w.run()
	w.settled()
	o.blind.Store(true)
	for range 5 {
		w.create()
	}
	w.until("the jobs", func() bool { return len(w.engine.taken()) == 6 })
	w.until("nothing is left", func() bool { return len(w.deliveries()) == 0 })
}

// What comes while all places are taken waits behind those that came before, also where
// a place is free by then.
func TestNobodyOvertakes(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 10_000})
	gate := &gatedEngine{got: make(chan aigen.ID, 100), open: make(chan struct{})}
	o, _ := w.immediate(gate, time.Hour)
	w.run()
	for range gate.Window() {
		w.create()
	}
	var begun []aigen.ID
	begins := func(n int) {
		for range n {
			begun = append(begun, <-gate.got)
		}
	}
	begins(gate.Window()) // no more are claimed
	o.hold.Lock()
	free := sync.OnceFunc(o.hold.Unlock)
	defer free()
	first := w.create() // finds no place
	gate.open <- struct{}{}
	w.until("one has ended", func() bool { return len(w.deliveries()) == gate.Window() })
	w.until("the place is kept for a claim", func() bool { return o.held.Load() == 1 })
	second := w.create()
	gate.open <- struct{}{}
	w.until("another one has ended", func() bool { return len(w.deliveries()) == gate.Window() })
	third := w.create() // finds a place that others wait for
	for _, d := range w.deliveries() {
		assert.Equal(t, slices.Contains(begun, d.GenerationID), d.Leased)
	}
	free()
	begins(2)
	assert.ElementsMatch(t, []aigen.ID{first, second}, begun[gate.Window():])
	close(gate.open)
	begins(1)
	assert.Equal(t, third, begun[len(begun)-1])
}

// A job that comes after a while goes at once; those that come soon after it wait for
// each other.
func TestJobsGather(t *testing.T) {
	t.Parallel()
	synctest.Test(t, jobsGather)
}

func jobsGather(t *testing.T) {
	w := setup(t, options{credits: 10_000})
	const wait = 2 * time.Second
	gatherer := &gatheringEngine{wait: wait, groups: make(chan int, 100)}
	w.immediate(gatherer, time.Minute)
	w.run()
	w.create()
	require.Equal(t, 1, <-gatherer.groups) // it was claimed, or went by express
	time.Sleep(wait)                       // in which no job comes
	began := time.Now()
	w.create()
	require.Equal(t, 1, <-gatherer.groups)
	require.Zero(t, time.Since(began))
	for range 5 {
		w.create()
	}
	require.Equal(t, 5, <-gatherer.groups)
	require.Equal(t, wait, time.Since(began))
	w.until("nothing is left", func() bool { return len(w.deliveries()) == 0 })
}

// gatheringEngine likes jobs to come together, and tells how many did.
type gatheringEngine struct {
	wait   time.Duration
	groups chan int
}

func (*gatheringEngine) Window() int             { return 100 }
func (g *gatheringEngine) Linger() time.Duration { return g.wait }

func (g *gatheringEngine) Publish(_ context.Context, jobs []app.JobMessage, done func(int, error)) {
	g.groups <- len(jobs)
	for i := range jobs {
		done(i, nil)
	}
}

// gatedEngine tells of each job that it is given, and ends one each time it is opened.
type gatedEngine struct {
	got  chan aigen.ID
	open chan struct{}
}

func (*gatedEngine) Window() int { return 3 }

func (g *gatedEngine) Publish(ctx context.Context, jobs []app.JobMessage, done func(int, error)) {
	for _, j := range jobs {
		g.got <- j.GenerationID
	}
	for i := range jobs {
		select {
		case <-g.open:
			done(i, nil)
		case <-ctx.Done():
			done(i, outbox.ErrReturned)
		}
	}
}

// The answer to the commit was lost: the job is due at once, not when its lease ends.
func TestUnknownCommitIsGivenBack(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	_, c := w.immediate(w.engine, time.Hour)
	w.run()
	w.settled()
	c.after = func() error { return errors.Join(app.ErrStoreUnavailable, errors.New("lost")) }
	_, err := w.initiate(app.RequestKey{})
	require.ErrorIs(t, err, app.ErrStoreUnavailable)
	w.until("the job", func() bool { return len(w.engine.taken()) == 2 })
}

// A commit took longer than the lease: another may have the job by then.
func TestLateCommitBeginsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, lateCommitBeginsNothing)
}

func lateCommitBeginsNothing(t *testing.T) {
	w := setup(t, options{credits: 1000})
	o, c := w.immediate(w.engine, 300*time.Millisecond)
	w.run()
	w.settled()
	o.blind.Store(true) // nobody else takes it just yet
	c.after = func() error {
		time.Sleep(250 * time.Millisecond) // more than two thirds of the lease
		return nil
	}
	id := w.create()
	assert.Len(t, w.engine.taken(), 1)
	o.blind.Store(false)
	w.until("the job, by a claim", func() bool { return len(w.engine.taken()) == 2 })
	assert.Equal(t, id, w.engine.taken()[1].GenerationID)
}

func TestStoppedRelayTakesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	w.immediate(w.engine, time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.relay.Run(ctx) }()
	w.settled()
	cancel()
	require.NoError(t, <-done)
	w.create()
	list := w.deliveries()
	require.Len(t, list, 1)
	assert.False(t, list[0].Leased)
	assert.Zero(t, list[0].Attempts)
}

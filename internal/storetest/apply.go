package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

func testVersionConflict(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.create(w.id())
	mine, theirs := w.get(g.ID), w.get(g.ID)
	w.must(theirs.Cancel(w.policy))
	w.apply(w.change(theirs))
	before := w.rows()

	// The refund is one that the ledger would refuse too: the version comes first.
	w.report(mine, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	c := w.change(mine)
	require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{c})[0], app.ErrVersionConflict)
	require.EqualValues(t, 1, c.Generation.Version, "not touched")
	require.Zero(t, c.Events[0].Position, "not touched")
	require.Equal(t, before, w.rows())
	require.Equal(t, theirs, w.get(g.ID))

	again := w.accepted(g.UserID)
	again.Generation.ID = g.ID
	again.Events, again.Postings = nil, nil
	require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{again})[0], app.ErrVersionConflict, "the id is in use")
}

func testNeighbours(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 75}) // for one run of two samples
	g := w.create(w.id())
	taken := w.record(g, "key")
	w.apply(&app.Change{Generation: g, From: 1, Record: taken})

	good1, good2 := w.accepted(w.id()), w.accepted(w.id())
	poor := w.accepted(g.UserID)
	conflict := &app.Change{Generation: w.get(g.ID), From: 1}
	key := w.accepted(w.id())
	key.Record = w.record(g, "key")
	batch := []*app.Change{conflict, good1, poor, key, good2}
	errs := w.Apply(w.ctx, batch)

	require.ErrorIs(t, errs[0], app.ErrVersionConflict)
	require.NoError(t, errs[1])
	require.ErrorIs(t, errs[2], aigen.ErrInsufficientCredits)
	require.ErrorIs(t, errs[3], app.ErrKeyTaken)
	require.NoError(t, errs[4])
	for i, c := range batch {
		_, err := w.Get(w.ctx, c.Generation.ID)
		if c != conflict {
			require.Equal(t, errs[i] == nil, err == nil)
			require.Equal(t, errs[i] == nil, c.Events[0].Position == 1)
		}
	}
	require.Equal(t, app.Balance{Balance: 75, Reserved: 50, Available: 25}, w.balance(g.UserID))
	require.Equal(t, app.Balance{Balance: 75, Available: 75}, w.balance(key.Generation.UserID))
}

// A change that only the schema refuses is a defect of ours; it fails, alone.
func testBrokenRow(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	user := w.id()
	before := w.accepted(user)
	broken := w.accepted(user)
	broken.Deliveries[0].Kind = "no such kind"
	after := w.accepted(user)
	errs := w.Apply(w.ctx, []*app.Change{before, broken, after})
	require.NoError(t, errs[0])
	require.Error(t, errs[1])
	require.NoError(t, errs[2])
	_, err := w.Get(w.ctx, broken.Generation.ID)
	require.ErrorIs(t, err, aigen.ErrNotFound)
	require.EqualValues(t, 100, w.balance(user).Reserved)
	require.EqualValues(t, 1, before.Events[0].Position)
	require.EqualValues(t, 2, after.Events[0].Position, "no gap")
	require.Error(t, w.Apply(w.ctx, []*app.Change{broken})[0])
}

func testTwiceInOneBatch(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	first := w.accepted(w.id())
	g := first.Generation.Clone()
	g.Version = 1
	w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	second := w.change(g)
	stale := &app.Change{Generation: first.Generation.Clone(), From: 1}
	errs := w.Apply(w.ctx, []*app.Change{first, second, stale})
	require.NoError(t, errors.Join(errs[:2]...))
	require.ErrorIs(t, errs[2], app.ErrVersionConflict)
	require.EqualValues(t, 2, second.Generation.Version)
	require.Equal(t, second.Generation, w.get(g.ID))
	require.Equal(t, app.Balance{Balance: 950, Available: 950}, w.balance(g.UserID))
}

func testNothingLeft(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 49})
	g := w.pending(w.id())
	w.apply(w.change(g))
	before := w.rows()
	for range 2 {
		c := w.accepted(w.id()) // needs 50
		c.Record = w.record(c.Generation, "key")
		c.Deliveries = append(c.Deliveries, w.delivery(c.Generation, outbox.DeliverNotify))
		require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{c})[0], aigen.ErrInsufficientCredits)
		require.Zero(t, c.Generation.Version)
		require.Zero(t, c.Events[0].Position)
		require.Equal(t, before, w.rows())
	}
	require.Empty(t, w.Apply(w.ctx, nil))
}

func testCancelledContext(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	before := w.rows()
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	for _, err := range w.Apply(ctx, []*app.Change{w.accepted(w.id()), w.accepted(w.id())}) {
		require.ErrorIs(t, err, context.Canceled)
	}
	_, err := w.Get(ctx, w.id())
	require.ErrorIs(t, err, context.Canceled)
	_, err = w.ClaimDeliveries(ctx, outbox.Claim{Queue: outbox.QueueJobs, Owner: "a", Limit: 1, Now: w.now(), Until: w.now()})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, w.rows())
	w.create(w.id()) // and the store goes on
}

// Each writer repeats until it wins; every win counts once.
func testManyWriters(t *testing.T, open Open) {
	const writers = 50
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.create(w.id())
	w.parallel(writers, func(int) error {
		for {
			mine, err := w.Get(w.ctx, g.ID)
			if err != nil {
				return err
			}
			mine.LastEvent++
			event := aigen.Event{GenerationID: g.ID, UserID: g.UserID, Seq: mine.LastEvent, Type: aigen.EventSamplesRetrying, At: w.now()}
			err = w.Apply(w.ctx, []*app.Change{{Generation: mine, From: mine.Version, Events: []aigen.Event{event}}})[0]
			if err == nil || !errors.Is(err, app.ErrVersionConflict) {
				return err
			}
		}
	})
	require.EqualValues(t, 1+writers, w.get(g.ID).Version)
	events, err := w.Events(w.ctx, g.ID, 0, 1000)
	w.must(err)
	require.Len(t, events, 1+writers)
	for i, e := range events {
		require.EqualValues(t, i+1, e.Seq)
		require.EqualValues(t, i+1, e.Position, fmt.Sprint(e))
	}
}

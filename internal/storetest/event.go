package storetest

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func testEvents(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	user := w.id()
	c := w.accepted(user)
	other := w.accepted(user)
	w.apply(c)
	w.apply(other)
	want := append([]aigen.Event(nil), c.Events...)
	w.clock.advance(time.Second)
	g := c.Generation
	w.report(g, aigen.Report{Kind: aigen.ReportFailure, Failure: aigen.Failure{Code: "gpu", Message: "<busy>", Retryable: true}})
	w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	more := w.change(g)
	require.Len(t, more.Events, 2)
	w.apply(more)
	want = append(want, more.Events...)

	got, err := w.Events(w.ctx, g.ID, 0, 100)
	w.must(err)
	require.Equal(t, want, got)
	got, err = w.Events(w.ctx, g.ID, 1, 1)
	w.must(err)
	require.Equal(t, want[1:2], got)

	all, err := w.UserEvents(w.ctx, user, 0, 100)
	w.must(err)
	require.Equal(t, []aigen.Event{want[0], other.Events[0], want[1], want[2]}, all)
	for i, e := range all {
		require.EqualValues(t, i+1, e.Position)
	}
	page, err := w.UserEvents(w.ctx, user, 1, 2)
	w.must(err)
	require.Equal(t, all[1:3], page)
	position, err := w.LastPosition(w.ctx, user)
	w.must(err)
	require.EqualValues(t, 4, position)
}

func testPositions(t *testing.T, open Open) {
	const writers, each = 16, 6
	w := setup(t, open, Options{InitialCredits: 100000})
	users := []aigen.ID{w.id(), w.id(), w.id()}
	w.parallel(writers, func(i int) error {
		for n := range each {
			batch := []*app.Change{w.accepted(users[(i+n)%3]), w.accepted(users[(i+n+1)%3])}
			if err := errors.Join(w.Apply(w.ctx, batch)...); err != nil {
				return err
			}
		}
		return nil
	})
	total := 0
	for _, user := range users {
		events, err := w.UserEvents(w.ctx, user, 0, 10000)
		w.must(err)
		for i, e := range events {
			require.EqualValues(t, i+1, e.Position)
		}
		position, err := w.LastPosition(w.ctx, user)
		w.must(err)
		require.EqualValues(t, len(events), position)
		total += len(events)
	}
	require.Equal(t, 2*writers*each, total)
}

// Someone who follows a user's events by position while they are written sees all
// of them, in order: none is committed behind one that was seen already.
func testReaderMissesNothing(t *testing.T, open Open) {
	const writers, each = 8, 10
	w := setup(t, open, Options{InitialCredits: 100000})
	user := w.id()
	written := make(chan struct{})
	var seen int64
	followed := make(chan error, 1)
	go func() { followed <- follow(w, user, written, &seen) }()
	w.parallel(writers, func(int) error {
		for range each {
			if err := w.Apply(w.ctx, []*app.Change{w.accepted(user)})[0]; err != nil {
				return err
			}
		}
		return nil
	})
	close(written)
	w.must(<-followed)
	require.EqualValues(t, writers*each, seen)
}

func follow(w *fixture, user aigen.ID, written <-chan struct{}, seen *int64) error {
	for last := false; ; {
		select {
		case <-written:
			last = true
		default:
		}
		events, err := w.UserEvents(w.ctx, user, *seen, 7)
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.Position != *seen+1 {
				return errors.New("a position was skipped")
			}
			*seen++
		}
		if last && len(events) == 0 {
			return nil
		}
	}
}

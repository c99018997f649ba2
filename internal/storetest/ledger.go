package storetest

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
)

func testGrant(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	user := w.id()
	require.Equal(t, app.Balance{Balance: 10000, Available: 10000}, w.balance(user))
	require.Zero(t, w.rows()["accounts"], "looking opens no account")
	for range 3 { // the same grant, repeated
		b, err := w.Grant(w.ctx, user, 250, "campaign", w.now())
		w.must(err)
		require.Equal(t, app.Balance{Balance: 10250, Available: 10250}, b)
	}
	b, err := w.Grant(w.ctx, user, 1, "another", w.now())
	w.must(err)
	require.EqualValues(t, 10251, b.Balance)
	b, err = w.Grant(w.ctx, w.id(), 5, "campaign", w.now())
	w.must(err)
	require.EqualValues(t, 10005, b.Balance, "references are each user's own")
	for _, bad := range []aigen.Credits{0, -1, aigen.MaxCredits + 1} {
		_, err := w.Grant(w.ctx, user, bad, "bad", w.now())
		require.Error(t, err)
	}
	_, err = w.Grant(w.ctx, user, 1, "", w.now())
	require.Error(t, err)
	w.parallel(8, func(int) error {
		_, err := w.Grant(w.ctx, user, 100, "at once", w.now())
		return err
	})
	require.Equal(t, app.Balance{Balance: 10351, Available: 10351}, w.balance(user))
}

func testInsufficient(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 99})
	user := w.id()
	first := w.create(user) // holds 50
	err := w.Apply(w.ctx, []*app.Change{w.accepted(user)})[0]
	require.ErrorIs(t, err, aigen.ErrInsufficientCredits)
	var e *aigen.Error
	require.ErrorAs(t, err, &e)
	require.NotEmpty(t, e.Message)
	require.Contains(t, e.Detail, "0.49", "what is available")
	_, err = w.Grant(w.ctx, user, 1, "one hundredth", w.now())
	w.must(err)
	w.create(user) // exactly what is there
	require.Equal(t, app.Balance{Balance: 100, Reserved: 100}, w.balance(user))
	w.must(first.Cancel(w.policy))
	w.apply(w.change(first))
	require.Equal(t, app.Balance{Balance: 100, Reserved: 50, Available: 50}, w.balance(user))
}

// move applies one movement, carried by g.
func (w *fixture) post(g *aigen.Generation, kind ledger.Kind, run aigen.ID, amount aigen.Credits) error {
	carrier := g.Clone()
	err := w.Apply(w.ctx, []*app.Change{{
		Generation: carrier, From: g.Version, Postings: []ledger.Posting{w.posting(g, kind, run, amount)},
	}})[0]
	g.Version = carrier.Version
	return err
}

func testOneEnd(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.pending(w.id())
	w.apply(w.change(g))
	for _, tt := range []struct{ end, other ledger.Kind }{
		{ledger.Deduct, ledger.Refund}, {ledger.Refund, ledger.Deduct},
	} {
		run := w.id()
		require.Error(t, w.post(g, tt.end, run, 30), "not reserved")
		for range 2 {
			w.must(w.post(g, ledger.Reserve, run, 30))
		}
		require.Error(t, w.post(g, ledger.Reserve, run, 31), "another amount")
		require.Error(t, w.post(g, tt.end, run, 31), "another amount")
		for range 2 {
			w.must(w.post(g, tt.end, run, 30))
		}
		before, rows := w.balance(g.UserID), w.rows()
		require.Error(t, w.post(g, tt.other, run, 30), "never both")
		w.must(w.post(g, ledger.Reserve, run, 30)) // a late repeat
		require.Equal(t, before, w.balance(g.UserID))
		require.Equal(t, rows, w.rows())
	}
	require.Equal(t, app.Balance{Balance: 970, Available: 970}, w.balance(g.UserID))
	for _, bad := range []aigen.Credits{0, -1} {
		require.Error(t, w.post(g, ledger.Reserve, w.id(), bad))
	}
	require.Error(t, w.post(g, "no such kind", w.id(), 1))

	// A whole life in one change, and a grant by a movement.
	run := w.id()
	w.apply(&app.Change{Generation: g, From: g.Version, Postings: []ledger.Posting{
		w.posting(g, ledger.Grant, w.id(), 500), w.posting(g, ledger.Reserve, run, 1200),
		w.posting(g, ledger.Reserve, run, 1200), w.posting(g, ledger.Deduct, run, 1200),
	}})
	require.Equal(t, app.Balance{Balance: 270, Available: 270}, w.balance(g.UserID))
}

// With a remote credit service users have events and no account. When the ledger
// is used later, they still start with the initial credits.
func testCounterFirst(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 500})
	c := w.accepted(w.id())
	c.Postings = nil
	w.apply(c)
	user := c.Generation.UserID
	require.Equal(t, app.Balance{Balance: 500, Available: 500}, w.balance(user))
	next := w.create(user)
	require.Equal(t, app.Balance{Balance: 500, Reserved: 50, Available: 450}, w.balance(user))
	events, err := w.UserEvents(w.ctx, user, 0, 10)
	w.must(err)
	require.Len(t, events, 2)
	require.Equal(t, next.ID, events[1].GenerationID)
	require.EqualValues(t, 2, events[1].Position)
}

// Whatever runs at once, no more is held than there is.
func testParallelReservations(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 500}) // for ten
	user := w.id()
	var held atomic.Int64
	w.parallel(16, func(int) error {
		errs := w.Apply(w.ctx, []*app.Change{w.accepted(user), w.accepted(user)})
		for i, err := range errs {
			if err == nil {
				held.Add(1)
			} else if errors.Is(err, aigen.ErrInsufficientCredits) {
				errs[i] = nil
			}
		}
		return errors.Join(errs...)
	})
	require.EqualValues(t, 10, held.Load())
	require.Equal(t, app.Balance{Balance: 500, Reserved: 500}, w.balance(user))
}

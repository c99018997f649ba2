package app_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/reconcile"
)

// twoBooks are both sides of a comparison, in memory.
type twoBooks struct {
	outbox.Store

	here  []reconcile.BookedRun
	waits []outbox.Delivery

	there   map[aigen.ID]reconcile.KeptReservation
	listed  bool
	poor    bool // nothing new can be afforded
	changes int
}

func (b *twoBooks) Runs(_ context.Context, after reconcile.RunPlace, limit int) ([]reconcile.BookedRun, error) {
	from := 0
	if after != (reconcile.RunPlace{}) {
		from = slices.IndexFunc(b.here, func(r reconcile.BookedRun) bool { return r.RunPlace == after }) + 1
	}
	return b.here[from:min(len(b.here), from+limit)], nil
}

func (b *twoBooks) ListDeliveries(_ context.Context, q outbox.DeliveryQuery) ([]outbox.Delivery, error) {
	if !q.After.IsZero() {
		return nil, nil
	}
	return b.waits, nil
}

func (b *twoBooks) Reservations(_ context.Context, q reconcile.ReservationQuery) (reconcile.ReservationPage, error) {
	if !b.listed {
		return reconcile.ReservationPage{}, reconcile.ErrNotOffered
	}
	var all []reconcile.KeptReservation
	for _, k := range b.there {
		if !k.CreatedAt.Before(q.Since) && (q.OlderThan.IsZero() || k.CreatedAt.Before(q.OlderThan)) {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(x, y reconcile.KeptReservation) int { return slices.Compare(x.Reference[:], y.Reference[:]) })
	// Pages of two, whatever was asked for.
	from := 0
	_, _ = fmt.Sscan(q.Cursor, &from)
	page := reconcile.ReservationPage{Reservations: all[from:min(len(all), from+2)]}
	if from+2 < len(all) {
		page.Next = fmt.Sprint(from + 2)
	}
	return page, nil
}

var errConflict = &outbox.PermanentError{Err: errors.New("already settled")}

func (b *twoBooks) move(op app.CreditOperation, from, to aigen.ReservationState) error {
	k, ok := b.there[op.Reference]
	switch {
	case ok && k.State == to:
		return nil
	case ok && k.State != from, !ok && from != "":
		return errConflict
	case ok && (k.Amount != op.Amount || k.UserID != op.UserID):
		return errConflict
	}
	b.changes++
	b.there[op.Reference] = reconcile.KeptReservation{CreditOperation: op, State: to, CreatedAt: k.CreatedAt}
	return nil
}

func (b *twoBooks) Reserve(_ context.Context, op app.CreditOperation) error {
	if _, ok := b.there[op.Reference]; !ok && b.poor {
		return aigen.ErrInsufficientCredits
	}
	return b.move(op, "", aigen.ReservationHeld)
}

func (b *twoBooks) Deduct(_ context.Context, op app.CreditOperation) error {
	return b.move(op, aigen.ReservationHeld, aigen.ReservationDeducted)
}

func (b *twoBooks) Refund(_ context.Context, op app.CreditOperation) error {
	return b.move(op, aigen.ReservationHeld, aigen.ReservationRefunded)
}

func (b *twoBooks) Balance(_ context.Context, user aigen.ID) (balance app.Balance, err error) {
	for _, k := range b.there {
		if k.UserID == user && k.State == aigen.ReservationHeld {
			balance.Reserved += k.Amount
		}
	}
	return balance, nil
}

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// pair adds a run with these states on both sides; "" is none.
func (b *twoBooks) pair(here, there aigen.ReservationState) reconcile.BookedRun {
	at := noon.Add(-time.Hour)
	run := reconcile.BookedRun{
		RunPlace: reconcile.RunPlace{GenerationID: newID(), Number: 1}, ID: newID(), UserID: newID(), Amount: 50, Reservation: here, CreatedAt: at,
	}
	if here != "" {
		b.here = append(b.here, run)
	}
	if there != "" {
		if b.there == nil {
			b.there = map[aigen.ID]reconcile.KeptReservation{}
		}
		b.there[run.ID] = reconcile.KeptReservation{
			CreditOperation: app.CreditOperation{UserID: run.UserID, GenerationID: run.GenerationID, Reference: run.ID, Amount: run.Amount},
			State:           there, CreatedAt: at,
		}
	}
	return run
}

func (b *twoBooks) reconcile(t *testing.T, mend bool) reconcile.Reconciliation {
	t.Helper()
	if b.there == nil {
		b.there = map[aigen.ID]reconcile.KeptReservation{}
	}
	r := reconcile.Reconciler{Runs: b, Outbox: b, Credits: b, List: b, Now: func() time.Time { return noon }, Grace: 10 * time.Minute, Repair: mend}
	got, err := r.Reconcile(t.Context())
	require.NoError(t, err)
	return got
}

const (
	held, deducted, refunded    = aigen.ReservationHeld, aigen.ReservationDeducted, aigen.ReservationRefunded
	pending, refused, releasing = aigen.ReservationPending, aigen.ReservationRefused, aigen.ReservationReleasing
)

// TestReconcileEveryPair goes through every pair of states. mended is what the credit
// service has afterwards, "" if a person has to act.
func TestReconcileEveryPair(t *testing.T) {
	t.Parallel()
	type pair struct{ here, there aigen.ReservationState }
	agree := reconcile.DifferenceKind("")
	table := map[pair]struct {
		kind   reconcile.DifferenceKind
		mended aigen.ReservationState
	}{
		{"", held}: {reconcile.UnknownHere, refunded}, {"", deducted}: {reconcile.PaidAndLost, ""}, {"", refunded}: {agree, ""},
		{pending, ""}: {reconcile.Undecided, ""}, {pending, held}: {reconcile.Undecided, ""}, {pending, deducted}: {reconcile.Undecided, ""}, {pending, refunded}: {reconcile.Undecided, ""},
		{releasing, ""}: {reconcile.Undecided, ""}, {releasing, held}: {reconcile.Undecided, ""}, {releasing, deducted}: {reconcile.Undecided, ""}, {releasing, refunded}: {reconcile.Undecided, ""},
		{held, ""}: {reconcile.UnknownThere, held}, {held, held}: {agree, ""}, {held, deducted}: {reconcile.SettledThereOnly, ""}, {held, refunded}: {reconcile.SettledThereOnly, ""},
		{deducted, ""}: {reconcile.UnknownThere, deducted}, {deducted, held}: {reconcile.NotSettledThere, deducted}, {deducted, deducted}: {agree, ""},
		{deducted, refunded}: {reconcile.SettledOtherwise, ""},
		{refunded, ""}:       {agree, ""}, {refunded, held}: {reconcile.NotSettledThere, refunded}, {refunded, deducted}: {reconcile.SettledOtherwise, ""},
		{refunded, refunded}: {agree, ""},
		{refused, ""}:        {agree, ""}, {refused, held}: {reconcile.NeverHeldHere, refunded}, {refused, deducted}: {reconcile.SettledOtherwise, ""}, {refused, refunded}: {agree, ""},
	}
	tried := 0
	for _, here := range []aigen.ReservationState{"", pending, held, deducted, refunded, refused, releasing} {
		for _, there := range []aigen.ReservationState{"", held, deducted, refunded} {
			if here == "" && there == "" {
				continue
			}
			want, ok := table[pair{here, there}]
			require.True(t, ok, "%q %q", here, there)
			tried++
			b := &twoBooks{listed: true}
			run := b.pair(here, there)
			for range 2 { // to look changes nothing, however often
				got := b.reconcile(t, false)
				if want.kind == agree {
					assert.Empty(t, got.Differences, "%q %q", here, there)
					continue
				}
				require.Len(t, got.Differences, 1, "%q %q", here, there)
				d := got.Differences[0]
				assert.Equal(t, want.kind, d.Kind, "%q %q", here, there)
				assert.Equal(t, run.ID, d.Reference)
				assert.Equal(t, run.UserID, d.UserID)
				assert.Equal(t, run.Amount, d.Amount)
				assert.Equal(t, want.mended != "", d.Repairable(), "%q %q", here, there)
				assert.False(t, d.Mended)
				assert.Equal(t, 1, got.Left())
			}
			require.Zero(t, b.changes)
			got := b.reconcile(t, true)
			if want.mended == "" {
				assert.Zero(t, b.changes, "%q %q", here, there)
				assert.Equal(t, len(got.Differences), got.Left())
				continue
			}
			assert.Zero(t, got.Left(), "%q %q: %+v", here, there, got.Differences)
			assert.Equal(t, want.mended, b.there[run.ID].State)
			assert.Empty(t, b.reconcile(t, false).Differences, "what is mended is no difference any more")
		}
	}
	assert.Equal(t, len(table), tried)
}

func TestReconcileLeavesAloneWhatMoves(t *testing.T) {
	t.Parallel()
	b := &twoBooks{listed: true}
	queued, young, free, old := b.pair(deducted, held), b.pair(deducted, held), b.pair(held, ""), b.pair(deducted, held)
	dead := b.pair(refunded, held)
	b.here[1].CreatedAt, b.here[2].Amount = noon.Add(-time.Minute), 0
	b.there[young.ID] = withTime(b.there[young.ID], noon.Add(-time.Minute))
	stranger := b.pair("", held) // made a moment ago for a run that is being written
	b.there[stranger.ID] = withTime(b.there[stranger.ID], noon.Add(-time.Minute))
	b.waits = []outbox.Delivery{
		{ID: newID(), RunID: queued.ID, State: outbox.DeliveryWaiting},
		{ID: newID(), RunID: dead.ID, State: outbox.DeliveryDead, LastError: "refused: x"},
	}
	got := b.reconcile(t, false)
	assert.Equal(t, 2, got.UnderWay, "%s, %s", queued.ID, free.ID)
	require.Len(t, got.Differences, 2)
	for _, d := range got.Differences {
		assert.Contains(t, []aigen.ID{old.ID, dead.ID}, d.Reference)
		assert.Equal(t, d.Reference == dead.ID, strings.Contains(d.Detail, "refused: x"))
	}
}

// TestReconcileWhatWasReservedLate: a run can be much older than its reservation, and the
// two clocks differ.
func TestReconcileWhatWasReservedLate(t *testing.T) {
	t.Parallel()
	b := &twoBooks{listed: true}
	late, early, lost := b.pair(held, held), b.pair(deducted, deducted), b.pair("", held)
	b.there[late.ID] = withTime(b.there[late.ID], noon.Add(-time.Second))
	b.there[early.ID] = withTime(b.there[early.ID], early.CreatedAt.Add(-time.Minute))
	b.there[lost.ID] = withTime(b.there[lost.ID], early.CreatedAt.Add(-time.Minute))
	r := reconcile.Reconciler{
		Runs: b, Outbox: b, Credits: b, List: b, Now: func() time.Time { return noon }, Grace: 10 * time.Minute, Since: early.CreatedAt,
	}
	got, err := r.Reconcile(t.Context())
	require.NoError(t, err)
	assert.Empty(t, got.Differences, "what was lost is older than Since")
	assert.Equal(t, 2, got.Runs)
	r.Since = time.Time{}
	got, err = r.Reconcile(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Differences, 1)
	assert.Equal(t, lost.ID, got.Differences[0].Reference)
}

func withTime(k reconcile.KeptReservation, at time.Time) reconcile.KeptReservation {
	k.CreatedAt = at
	return k
}

func TestReconcileAmountsAndPoverty(t *testing.T) {
	t.Parallel()
	b := &twoBooks{listed: true, poor: true}
	other := b.pair(held, held)
	k := b.there[other.ID]
	k.Amount = 49
	b.there[other.ID] = k
	lost := b.pair(deducted, "")
	got := b.reconcile(t, true)
	require.Len(t, got.Differences, 2)
	assert.Equal(t, 2, got.Left())
	assert.Equal(t, reconcile.AmountDiffers, got.Differences[0].Kind)
	assert.Contains(t, got.Differences[0].Detail, "0.49")
	assert.Equal(t, lost.ID, got.Differences[1].Reference)
	assert.Contains(t, got.Differences[1].Detail, "could not be mended")
	assert.Zero(t, b.changes)
}

// TestReconcileWithoutAList: the contract alone tells how much a user has reserved, and a
// settlement that is sent again shows whether the other side agrees.
func TestReconcileWithoutAList(t *testing.T) {
	t.Parallel()
	b := &twoBooks{}
	b.pair(held, held)
	b.pair(deducted, deducted)
	b.pair(refunded, refunded)
	assert.Empty(t, b.reconcile(t, false).Differences)

	undelivered, otherwise := b.pair(deducted, held), b.pair(refunded, deducted)
	lost := b.pair("", held)
	k := b.there[lost.ID]
	k.UserID = b.here[0].UserID // of somebody who is known here
	b.there[lost.ID] = k
	got := b.reconcile(t, false)
	assert.False(t, got.Listed)
	require.Len(t, got.Differences, 2)
	for _, d := range got.Differences {
		assert.Equal(t, reconcile.ReservedSum, d.Kind)
		assert.Equal(t, aigen.Credits(50), d.Amount)
		assert.Contains(t, []aigen.ID{undelivered.UserID, b.here[0].UserID}, d.UserID)
	}
	require.Zero(t, b.changes)

	got = b.reconcile(t, true)
	assert.Equal(t, deducted, b.there[undelivered.ID].State)
	require.Len(t, got.Differences, 2, "%+v", got.Differences)
	assert.Equal(t, reconcile.ReservedSum, got.Differences[0].Kind, "which one is too many cannot be told")
	assert.Equal(t, reconcile.SettledOtherwise, got.Differences[1].Kind)
	assert.Equal(t, otherwise.ID, got.Differences[1].Reference)
	assert.Equal(t, 2, got.Left())
	assert.Equal(t, 1, b.changes)
}

// movingBooks change between the first look and the second.
type movingBooks struct {
	*twoBooks

	looks int
}

func (b *movingBooks) Reservations(ctx context.Context, q reconcile.ReservationQuery) (reconcile.ReservationPage, error) {
	if q.Cursor == "" {
		if b.looks++; b.looks == 2 {
			_ = b.Deduct(ctx, app.CreditOperation{
				UserID: b.here[0].UserID, GenerationID: b.here[0].GenerationID, Reference: b.here[0].ID, Amount: b.here[0].Amount,
			})
		}
	}
	return b.twoBooks.Reservations(ctx, q)
}

// TestReconcileBesideTheService: what differs for a moment, because the service is at
// work, is no difference.
func TestReconcileBesideTheService(t *testing.T) {
	t.Parallel()
	b := &movingBooks{twoBooks: &twoBooks{listed: true}}
	b.pair(deducted, held)
	lasting := b.pair(refunded, held)
	r := reconcile.Reconciler{Runs: b, Outbox: b, Credits: b, List: b, Now: func() time.Time { return noon }}
	got, err := r.Reconcile(t.Context())
	require.NoError(t, err)
	require.Len(t, got.Differences, 1)
	assert.Equal(t, lasting.ID, got.Differences[0].Reference)
	assert.Equal(t, 2, b.looks)
}

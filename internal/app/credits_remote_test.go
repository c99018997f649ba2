package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func TestRemoteRefusalLeavesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 10})
	key := app.RequestKey{Key: "k", Hash: [32]byte{1}}
	_, err := w.initiate(key)
	require.ErrorIs(t, err, aigen.ErrInsufficientCredits)
	page, err := w.ListGenerations(t.Context(), app.ListQuery{UserID: w.user, Limit: 10})
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	assert.Empty(t, w.deliveries())

	// The key is free again: after topping up the same request succeeds.
	w.odoo.set(func(o *fakeOdoo) { o.balance = 1000 })
	a, err := w.initiate(key)
	require.NoError(t, err)
	assert.False(t, a.Replayed)
	again, err := w.initiate(key)
	require.NoError(t, err)
	assert.True(t, again.Replayed)
	assert.Equal(t, a.GenerationID, again.GenerationID)
	assert.Equal(t, a.CreditsReserved, again.CreditsReserved)
	assert.Equal(t, a.Status, again.Status)
}

// A reservation whose answer was lost is asked for again and refunded.
func TestLostAnswerIsReleased(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000})
	w.odoo.set(func(o *fakeOdoo) { o.lost = true })
	_, err := w.initiate(app.RequestKey{})
	require.ErrorIs(t, err, aigen.ErrCreditsUnavailable)
	assert.Equal(t, aigen.Credits(950), w.odoo.balance, "held, though the caller was told 503")
	w.odoo.set(func(o *fakeOdoo) { o.lost = false })
	w.run()
	w.until("the release", func() bool {
		w.odoo.mu.Lock()
		defer w.odoo.mu.Unlock()
		return w.odoo.balance == 1000
	})
	w.until("an empty outbox", func() bool { return len(w.deliveries()) == 0 })
	page, err := w.ListGenerations(t.Context(), app.ListQuery{UserID: w.user, Limit: 10})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, aigen.StatusFailed, page.Items[0].Status)
	assert.Equal(t, aigen.ReservationRefunded, page.Items[0].Runs[0].Reservation)
}

// notAsked is a credit service whose breaker is open.
type notAsked struct{ *fakeOdoo }

func (notAsked) Reserve(context.Context, app.CreditOperation) error {
	return &aigen.Error{Code: aigen.CodeCreditServiceUnavailable, Message: "Later.", Err: app.ErrNotAsked}
}

// A request that nobody was asked about leaves nothing: no generation, no question in
// the outbox, no notification, and its key is free.
func TestNotAskedLeavesNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000})
	shut, err := app.New(app.Config{Policy: w.policy, Store: w.store, Credits: notAsked{w.odoo}})
	require.NoError(t, err)
	in, err := aigen.NewInput("a red fox", "", nil)
	require.NoError(t, err)
	cmd := app.InitiateGeneration{UserID: w.user, ProjectID: newID(), Input: in, Key: app.RequestKey{Key: "k", Hash: [32]byte{1}}}
	for range 3 {
		_, err = shut.InitiateGeneration(t.Context(), cmd)
		require.ErrorIs(t, err, aigen.ErrCreditsUnavailable)
	}
	page, err := w.ListGenerations(t.Context(), app.ListQuery{UserID: w.user, Limit: 10})
	require.NoError(t, err)
	assert.Empty(t, page.Items)
	assert.Empty(t, w.deliveries())

	a, err := w.InitiateGeneration(t.Context(), cmd)
	require.NoError(t, err)
	assert.False(t, a.Replayed, "the key was free again")
}

// overtaken is a credit service that was not asked; meanwhile a replica whose clock is
// ahead has taken the asking over.
type overtaken struct {
	notAsked

	meanwhile func()
}

func (o overtaken) Reserve(ctx context.Context, op app.CreditOperation) error {
	o.meanwhile()
	return o.notAsked.Reserve(ctx, op)
}

// The outbox asks for what this request did not ask for: whichever is first, nothing is
// held in the end, and the generation says what became of it.
func TestNotAskedWhileOutboxAsks(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(w *fixture){
		"before it asks": func(*fixture) {},
		"after it asked": func(w *fixture) {
			d := w.deliveries()
			require.Len(w.t, d, 1)
			run, ok := w.generation(d[0].GenerationID).PendingRun()
			require.True(w.t, ok)
			require.NoError(w.t, w.odoo.Reserve(w.t.Context(), app.CreditOperation{
				UserID: w.user, GenerationID: d[0].GenerationID, Reference: run.ID, Amount: run.Amount,
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, options{odoo: true, credits: 1000})
			shut, err := app.New(app.Config{Policy: w.policy, Store: w.store, Credits: overtaken{notAsked{w.odoo}, func() {
				w.clock.advance(time.Minute)
				require.Equal(t, 1, w.sweeper.Sweep(t.Context()))
				meanwhile(w)
			}}})
			require.NoError(t, err)
			in, err := aigen.NewInput("a red fox", "", nil)
			require.NoError(t, err)
			cmd := app.InitiateGeneration{UserID: w.user, ProjectID: newID(), Input: in, Key: app.RequestKey{Key: "k", Hash: [32]byte{1}}}
			_, err = shut.InitiateGeneration(t.Context(), cmd)
			require.ErrorIs(t, err, aigen.ErrCreditsUnavailable)
			w.run()
			w.until("an empty outbox", func() bool { return len(w.deliveries()) == 0 })
			page, err := w.ListGenerations(t.Context(), app.ListQuery{UserID: w.user, Limit: 10})
			require.NoError(t, err)
			require.Len(t, page.Items, 1)
			assert.Equal(t, aigen.StatusFailed, page.Items[0].Status)
			assert.Equal(t, aigen.CodeCreditServiceUnavailable, page.Items[0].Failure.Code)
			assert.Equal(t, aigen.ReservationRefunded, page.Items[0].Runs[0].Reservation)
			assert.Equal(t, aigen.Credits(1000), w.odoo.balance)

			a, err := w.InitiateGeneration(t.Context(), cmd)
			require.NoError(t, err)
			assert.False(t, a.Replayed, "the key is free")
		})
	}
}

// hangingOdoo dies with the caller: the answer never comes to anybody.
type hangingOdoo struct{ *fakeOdoo }

func (h hangingOdoo) Reserve(ctx context.Context, op app.CreditOperation) error {
	if err := h.fakeOdoo.Reserve(ctx, op); err != nil {
		return err
	}
	panic("the process dies here")
}

// A process that died between the reservation and its answer: the sweeper asks
// again under the same reference, and the generation goes on.
func TestCrashBetweenReserveAndAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000})
	dying, err := app.New(app.Config{Policy: w.policy, Store: w.store, Credits: hangingOdoo{w.odoo}})
	require.NoError(t, err)
	in, err := aigen.NewInput("a red fox", "", nil)
	require.NoError(t, err)
	key := app.RequestKey{Key: "k", Hash: [32]byte{1}}
	cmd := app.InitiateGeneration{UserID: w.user, ProjectID: newID(), Input: in, Key: key}
	require.Panics(t, func() { _, _ = dying.InitiateGeneration(t.Context(), cmd) })

	_, err = w.InitiateGeneration(t.Context(), cmd)
	assert.Equal(t, aigen.CodeIdempotencyConflict, aigen.CodeOf(err), "the first is not decided yet")
	assert.Zero(t, w.sweeper.Sweep(t.Context()), "not due yet")
	w.clock.advance(time.Minute)
	w.run()
	assert.Equal(t, 1, w.sweeper.Sweep(t.Context()))
	w.until("the job", func() bool { return len(w.engine.taken()) == 1 })
	a, err := w.InitiateGeneration(t.Context(), cmd)
	require.NoError(t, err)
	assert.True(t, a.Replayed)
	assert.Equal(t, w.engine.taken()[0].GenerationID, a.GenerationID)
	assert.Equal(t, aigen.Credits(900), w.odoo.balance, "held once")
}

func TestBackgroundReservation(t *testing.T) {
	t.Parallel()
	for name, odoo := range map[string]bool{"ledger": false, "odoo": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, options{odoo: odoo, credits: 60, mode: app.ReserveInBackground})
			a, err := w.initiate(app.RequestKey{})
			require.NoError(t, err)
			assert.Equal(t, aigen.StatusPending, a.Status)
			assert.Zero(t, a.CreditsReserved)
			w.run()
			w.untilStatus(a.GenerationID, aigen.StatusProcessingSamples)

			poor := w.create()
			w.untilStatus(poor, aigen.StatusFailed)
			assert.Equal(t, aigen.CodeInsufficientCredits, w.generation(poor).Failure.Code)
			w.until("the user is told", func() bool {
				types := w.notifier.types()
				return len(types) == 1 && types[0] == aigen.EventCreditsRefused
			})
		})
	}
}

func TestBackgroundReservationGivesUp(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000, mode: app.ReserveInBackground})
	w.odoo.set(func(o *fakeOdoo) { o.down = true })
	id := w.create()
	w.clock.advance(6 * time.Minute)
	assert.Equal(t, 1, w.sweeper.Sweep(t.Context()))
	g := w.generation(id)
	assert.Equal(t, aigen.StatusFailed, g.Status)
	assert.Equal(t, aigen.CodeCreditServiceUnavailable, g.Failure.Code)
	w.run()
	w.odoo.set(func(o *fakeOdoo) { o.down = false })
	w.until("nothing is held", func() bool { return w.generation(id).Runs[0].Reservation.Ended() && len(w.deliveries()) == 0 })
	assert.Equal(t, aigen.Credits(1000), w.odoo.balance)
}

// Cancelling while the reservation is being asked for frees what turns out held.
func TestCancelWhilePending(t *testing.T) {
	t.Parallel()
	for name, odoo := range map[string]bool{"ledger": false, "odoo": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, options{odoo: odoo, credits: 1000, mode: app.ReserveInBackground})
			id := w.create()
			_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
			require.NoError(t, err)
			w.run()
			w.until("the end", func() bool { return len(w.deliveries()) == 0 && w.generation(id).Runs[0].Reservation.Ended() })
			b, err := w.GetCredits(t.Context(), w.user)
			require.NoError(t, err)
			assert.Equal(t, aigen.Credits(1000), b.Available)
			assert.Empty(t, w.engine.taken())
		})
	}
}

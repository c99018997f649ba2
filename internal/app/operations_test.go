package app_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

func (w *fixture) operations() *operations.Service {
	return operations.New(operations.Config{Service: w.Service, Policy: w.policy, Store: w.store, Dispatcher: w.relay})
}

func note() aigen.OperatorNote { return aigen.OperatorNote{ID: newID(), Reason: "tried in a test"} }

// die makes a waiting delivery of this kind dead, as a relay does that gives up.
func (w *fixture) die(kind outbox.DeliveryKind, why string) outbox.Delivery {
	w.t.Helper()
	now := w.clock.Now()
	ds, err := w.store.ClaimDeliveries(w.t.Context(), outbox.Claim{Queue: kind.Queue(), Owner: "x", Limit: 100, Now: now, Until: now.Add(time.Minute)})
	require.NoError(w.t, err)
	var dead outbox.Delivery
	for _, d := range ds {
		r := outbox.DeliveryResult{ID: d.ID, Disposition: outbox.DispositionReturned}
		if d.Kind == kind {
			dead, r = d, outbox.DeliveryResult{ID: d.ID, Disposition: outbox.DispositionDead, Error: why}
		}
		require.NoError(w.t, w.store.FinishDeliveries(w.t.Context(), "x", []outbox.DeliveryResult{r}))
	}
	require.Equal(w.t, kind, dead.Kind)
	return dead
}

func TestFailGeneration(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	o := w.operations()
	id := w.create()
	_, err := o.FailGeneration(t.Context(), operations.FailGeneration{GenerationID: id, By: aigen.OperatorNote{ID: newID()}})
	require.ErrorIs(t, err, aigen.ErrInvalidInput, "no reason")
	_, err = o.FailGeneration(t.Context(), operations.FailGeneration{GenerationID: newID(), By: note()})
	require.ErrorIs(t, err, aigen.ErrNotFound)

	by := note()
	g, err := o.FailGeneration(t.Context(), operations.FailGeneration{GenerationID: id, By: by})
	require.NoError(t, err)
	assert.Equal(t, aigen.StatusFailed, g.Status)
	assert.Equal(t, aigen.CreditTotals{Reserved: 50, Refunded: 50}, g.Totals())
	balance, err := w.store.Balance(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 1000, Available: 1000}, balance)
	_, err = o.FailGeneration(t.Context(), operations.FailGeneration{GenerationID: id, By: by})
	require.ErrorIs(t, err, aigen.ErrInvalidState)

	story, err := o.GetTimeline(t.Context(), id)
	require.NoError(t, err)
	var kinds []operations.TimelineKind
	for _, e := range story.Entries {
		kinds = append(kinds, e.Kind)
	}
	assert.Equal(t, operations.StoryRun, kinds[0])
	assert.ElementsMatch(t, []operations.TimelineKind{
		operations.StoryRun, operations.StoryCredit, operations.StoryCredit, operations.StoryEvent, operations.StoryEvent, operations.StoryJob,
		operations.StoryDelivery, operations.StoryAction,
	}, kinds)
	for i := 1; i < len(story.Entries); i++ {
		a, b := story.Entries[i-1].At, story.Entries[i].At
		assert.False(t, b.Truncate(time.Millisecond).Before(a.Truncate(time.Millisecond)), "in the order of time")
	}
	// What is to be done about the failure is written a moment after it: maybe in the next
	// millisecond.
	action := slices.IndexFunc(story.Entries, func(e operations.TimelineEntry) bool { return e.Action != nil })
	failed := slices.IndexFunc(story.Entries, func(e operations.TimelineEntry) bool { return e.Event != nil && e.Event.Type == aigen.EventFailed })
	assert.Greater(t, action, failed)
	assert.Equal(t, by.ID, story.Entries[action].Action.OperatorID)
	assert.Equal(t, by.Reason, story.Entries[action].Action.Reason)
}

func TestDropJob(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	o := w.operations()
	id := w.create()
	job := w.liveJob(id)
	_, err := o.DropDelivery(t.Context(), operations.DropDelivery{ID: job, By: aigen.OperatorNote{ID: newID()}})
	require.ErrorIs(t, err, aigen.ErrInvalidInput)
	dropped, err := o.DropDelivery(t.Context(), operations.DropDelivery{ID: job, By: note()})
	require.NoError(t, err)
	assert.Contains(t, dropped.Decided, "failed")
	g := w.generation(id)
	assert.Equal(t, aigen.StatusFailed, g.Status)
	assert.Equal(t, aigen.CodeFailedByOperator, g.Failure.Code)
	assert.Equal(t, aigen.CreditTotals{Reserved: 50, Refunded: 50}, g.Totals())
	for _, d := range w.deliveries() {
		assert.NotEqual(t, job, d.ID)
	}
	_, err = o.DropDelivery(t.Context(), operations.DropDelivery{ID: job, By: note()})
	assert.Equal(t, aigen.CodeDeliveryNotFound, aigen.CodeOf(err))

	// The job of a generation that has ended is gone; a dead one is no more than a row.
	other := w.create()
	job = w.liveJob(other)
	require.Equal(t, job, w.die(outbox.DeliverSampleJob, "refused").ID)
	_, _, err = w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: other})
	require.NoError(t, err)
	dropped, err = o.DropDelivery(t.Context(), operations.DropDelivery{ID: job, By: note()})
	require.NoError(t, err)
	assert.Contains(t, dropped.Decided, "nothing follows")
	assert.Equal(t, aigen.StatusCancelled, w.generation(other).Status)
}

func TestDropWhatIsBeingMade(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	now := w.clock.Now()
	ds, err := w.store.ClaimDeliveries(t.Context(), outbox.Claim{Queue: outbox.QueueJobs, Owner: "x", Limit: 1, Now: now, Until: now.Add(time.Minute)})
	require.NoError(t, err)
	require.Len(t, ds, 1)
	_, err = w.operations().DropDelivery(t.Context(), operations.DropDelivery{ID: ds[0].ID, By: note()})
	assert.Equal(t, aigen.CodeDeliveryBusy, aigen.CodeOf(err))
	_, err = w.operations().RetryDelivery(t.Context(), note(), ds[0].ID)
	assert.Equal(t, aigen.CodeDeliveryBusy, aigen.CodeOf(err))
	assert.Equal(t, aigen.StatusProcessingSamples, w.generation(id).Status, "nothing was decided")
}

// What was decided about credits is not dropped by the way.
func TestDropCreditOperations(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000, odoo: true})
	o := w.operations()
	id := w.create()
	_, err := w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)
	deduct := w.die(outbox.DeliverDeduct, "no such account")
	_, err = o.DropDelivery(t.Context(), operations.DropDelivery{ID: deduct.ID, By: note()})
	assert.Equal(t, aigen.CodeForceRequired, aigen.CodeOf(err))
	_, err = o.GetDelivery(t.Context(), deduct.ID)
	require.NoError(t, err, "it is still there")

	dropped, err := o.DropDelivery(t.Context(), operations.DropDelivery{ID: deduct.ID, By: note(), Force: true})
	require.NoError(t, err)
	assert.Contains(t, dropped.Decided, "0.50")
	assert.Contains(t, dropped.Decided, deduct.RunID.String())
	actions, err := o.ListActions(t.Context(), operations.ActionQuery{Limit: 10})
	require.NoError(t, err)
	require.Len(t, actions.Items, 1)
	assert.Equal(t, app.ActionDrop, actions.Items[0].Kind)
	assert.Contains(t, actions.Items[0].Detail, dropped.Decided, "what differs now is written down")
	assert.Contains(t, actions.Items[0].Detail, "no such account")
}

// A reservation that is given up is asked for once more and refunded.
func TestDropReservation(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000, odoo: true, mode: app.ReserveInBackground})
	w.odoo.set(func(o *fakeOdoo) { o.lost = true })
	id := w.create()
	run := w.generation(id).Runs[0].ID
	require.ErrorIs(t, w.odoo.Reserve(t.Context(), app.CreditOperation{Reference: run, Amount: 50}), aigen.ErrCreditsUnavailable)
	var reserve outbox.Delivery
	for _, d := range w.deliveries() {
		reserve = d
	}
	require.Equal(t, outbox.DeliverReserve, reserve.Kind)
	dropped, err := w.operations().DropDelivery(t.Context(), operations.DropDelivery{ID: reserve.ID, By: note()})
	require.NoError(t, err)
	assert.Contains(t, dropped.Decided, "refunded")
	assert.Equal(t, aigen.StatusFailed, w.generation(id).Status)
	w.odoo.set(func(o *fakeOdoo) { o.lost = false })
	w.run()
	w.until("the release", func() bool { return w.odoo.how(run) == "refund" })
	w.until("the run", func() bool { return w.generation(id).Runs[0].Reservation == aigen.ReservationRefunded })
}

func TestDropRelease(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000, odoo: true, mode: app.ReserveInBackground})
	id := w.create()
	_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	require.Equal(t, aigen.ReservationReleasing, w.generation(id).Runs[0].Reservation)
	release := w.die(outbox.DeliverRelease, "never")
	_, err = w.operations().DropDelivery(t.Context(), operations.DropDelivery{ID: release.ID, By: note()})
	require.Equal(t, aigen.CodeForceRequired, aigen.CodeOf(err))
	_, err = w.operations().DropDelivery(t.Context(), operations.DropDelivery{ID: release.ID, By: note(), Force: true})
	require.NoError(t, err)
	assert.Equal(t, aigen.ReservationRefused, w.generation(id).Runs[0].Reservation, "not open for ever")
}

func TestDropNotification(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	_, err := w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)
	d := w.die(outbox.DeliverNotify, "no such user")
	_, err = w.operations().DropDelivery(t.Context(), operations.DropDelivery{ID: d.ID, By: note()})
	require.NoError(t, err)
	assert.Equal(t, aigen.StatusAwaitingSelection, w.generation(id).Status)
}

// A dead reservation of a run that was decided meanwhile may be tried again: nothing
// is held for it, which nobody would ever refund.
func TestRetriedReservationHoldsNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, mode: app.ReserveInBackground})
	id := w.create()
	reserve := w.die(outbox.DeliverReserve, "never")
	_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	w.run()
	w.until("the release", func() bool { return w.generation(id).Runs[0].Reservation == aigen.ReservationRefused })
	w.odoo.set(func(o *fakeOdoo) { o.balance = 1000 })
	_, err = w.operations().RetryDelivery(t.Context(), note(), reserve.ID)
	require.NoError(t, err)
	w.until("it is done", func() bool {
		_, err := w.operations().GetDelivery(t.Context(), reserve.ID)
		return aigen.CodeOf(err) == aigen.CodeDeliveryNotFound
	})
	w.odoo.mu.Lock()
	defer w.odoo.mu.Unlock()
	assert.Empty(t, w.odoo.held)
	assert.EqualValues(t, 1000, w.odoo.balance)
}

func TestRetryDeliveries(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 10000})
	o := w.operations()
	w.notifier.err = errors.New("gone")
	for range 3 {
		id := w.create()
		_, err := w.report(id, samples(w.liveJob(id)))
		require.NoError(t, err)
	}
	w.run()
	dead := func() (n int) {
		for _, d := range w.deliveries() {
			if d.State == outbox.DeliveryDead {
				n++
			}
		}
		return n
	}
	w.until("all are dead", func() bool { return dead() == 3 })
	n, err := o.RetryDeliveries(t.Context(), operations.RetryDeliveries{By: note(), Dead: outbox.DeliveryQuery{Queue: outbox.QueueCredits}})
	require.NoError(t, err)
	assert.Zero(t, n, "another lane")
	w.notifier.mu.Lock()
	w.notifier.err = nil
	w.notifier.mu.Unlock()
	n, err = o.RetryDeliveries(t.Context(), operations.RetryDeliveries{By: note(), Dead: outbox.DeliveryQuery{Kind: outbox.DeliverNotify}})
	require.NoError(t, err)
	assert.Equal(t, 3, n)
	w.until("the notifications", func() bool { return len(w.notifier.types()) == 3 })
	actions, err := o.ListActions(t.Context(), operations.ActionQuery{Limit: 2})
	require.NoError(t, err)
	assert.Len(t, actions.Items, 2)
	assert.NotZero(t, actions.Next)
	_, err = o.RetryDelivery(t.Context(), note(), newID())
	assert.Equal(t, aigen.CodeDeliveryNotFound, aigen.CodeOf(err))
}

func TestSearch(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	o := w.operations()
	id := w.create()
	g := w.generation(id)
	job := w.liveJob(id)
	find := func(text string) []operations.Match {
		t.Helper()
		list, err := o.Search(t.Context(), text)
		require.NoError(t, err)
		return list
	}
	assert.Equal(t, []operations.Match{{Kind: operations.MatchGeneration, ID: id, GenerationID: id}}, find(id.String()))
	assert.Equal(t, []operations.Match{{Kind: operations.MatchDelivery, ID: job, GenerationID: id}}, find(job.String()))
	assert.Equal(t, []operations.Match{{Kind: operations.MatchRun, ID: g.Runs[0].ID, GenerationID: id}}, find(g.Runs[0].ID.String()))
	assert.Equal(t, []operations.Match{{Kind: operations.MatchUser, ID: w.user}}, find(w.user.String()))
	assert.Equal(t, []operations.Match{{Kind: operations.MatchProject, ID: g.ProjectID}}, find(g.ProjectID.String()))
	w.run()
	w.until("the job is delivered", func() bool { return len(w.deliveries()) == 0 })
	assert.Equal(t, []operations.Match{{Kind: operations.MatchRun, ID: job, GenerationID: id}}, find(job.String()), "by the run it belongs to")
	assert.Len(t, find(`level=INFO generation_id=`+id.String()+` job_id=`+job.String()+` generation_id=`+id.String()), 2, "pasted from a log")
	assert.Empty(t, find(newID().String()))
	_, err := o.Search(t.Context(), "a red fox")
	assert.ErrorIs(t, err, aigen.ErrInvalidInput)
}

func TestListAllGenerations(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	o := w.operations()
	first, second := w.create(), w.create()
	page, err := o.ListAllGenerations(t.Context(), operations.AllQuery{Limit: 1})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, second, page.Items[0].ID)
	page, err = o.ListAllGenerations(t.Context(), operations.AllQuery{Limit: 1, Before: page.Next})
	require.NoError(t, err)
	require.Len(t, page.Items, 1)
	assert.Equal(t, first, page.Items[0].ID)
	assert.True(t, page.Next.IsZero())
	project := w.generation(first).ProjectID
	page, err = o.ListAllGenerations(t.Context(), operations.AllQuery{Limit: 1, ProjectID: project})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
	w.clock.advance(32 * 24 * time.Hour)
	page, err = o.ListAllGenerations(t.Context(), operations.AllQuery{Limit: 1, ProjectID: project})
	require.NoError(t, err)
	assert.Empty(t, page.Items, "a project alone is looked for in 31 days")
	page, err = o.ListAllGenerations(t.Context(), operations.AllQuery{Limit: 1, ProjectID: project, UserID: w.user})
	require.NoError(t, err)
	assert.Len(t, page.Items, 1)
	now := w.clock.Now()
	_, err = o.ListAllGenerations(t.Context(), operations.AllQuery{Limit: 1, From: now, To: now})
	assert.ErrorIs(t, err, aigen.ErrInvalidInput)
}

func TestHealth(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	began := w.clock.Now()
	states := map[runtimeinfo.State][]runtimeinfo.State{
		runtimeinfo.StateOK:       {runtimeinfo.StateOK, runtimeinfo.StateOK},
		runtimeinfo.StateDegraded: {runtimeinfo.StateOK, runtimeinfo.StateDegraded},
		runtimeinfo.StateDown:     {runtimeinfo.StateDown, runtimeinfo.StateDegraded, runtimeinfo.StateOK},
	}
	for want, list := range states {
		o := operations.New(operations.Config{Service: w.Service, Policy: w.policy, Store: w.store, Runtime: runtimeinfo.Info{
			Version: "1", Began: began, Settings: func() []runtimeinfo.Setting { return []runtimeinfo.Setting{{Name: "A"}} },
			Ready: func(context.Context) (ds []runtimeinfo.Dependency) {
				for _, s := range list {
					ds = append(ds, runtimeinfo.Dependency{State: s})
				}
				return ds
			},
		}})
		h := o.GetHealth(t.Context())
		assert.Equal(t, want, h.State)
		assert.Len(t, h.Dependencies, len(list))
		assert.Equal(t, began, h.Began)
		assert.Len(t, o.GetSettings(), 1)
	}
	bare := w.operations()
	assert.Equal(t, runtimeinfo.StateOK, bare.GetHealth(t.Context()).State)
	assert.Empty(t, bare.GetSettings())
}

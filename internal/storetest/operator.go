package storetest

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

// timed makes the ids of w tell the time, as those of the service do.
func timed(w *fixture) *fixture {
	next := w.policy.NewID
	w.policy.NewID = func() aigen.ID {
		id := next() // the last bytes count up
		var ms [8]byte
		binary.BigEndian.PutUint64(ms[:], uint64(w.now().UnixMilli()))
		copy(id[:6], ms[2:])
		id[6], id[7], id[8] = 0x70, 0, 0x80
		return id
	}
	return w
}

func (w *fixture) listAll(q operations.AllQuery) (ids []aigen.ID) {
	w.t.Helper()
	list, err := w.ListAll(w.ctx, q)
	w.must(err)
	for _, g := range list {
		ids = append(ids, g.ID)
	}
	return ids
}

func testListAll(t *testing.T, open Open) {
	w := timed(setup(t, open, Options{InitialCredits: 10000}))
	user, other := w.id(), w.id()
	began := w.now()
	var made []*aigen.Generation
	for i := range 6 {
		of := user
		if i%2 == 1 {
			of = other
		}
		made = append(made, w.create(of))
		w.clock.advance(time.Hour)
	}
	w.must(made[2].Cancel(w.policy))
	w.must(made[3].Fail(w.policy, aigen.Failure{Code: "broken", Message: "It broke."}))
	w.apply(w.change(made[2]), w.change(made[3]))
	w.report(made[1], aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	w.apply(w.change(made[1]))

	of := func(list ...int) (ids []aigen.ID) {
		for _, i := range list {
			ids = append(ids, made[i].ID)
		}
		return ids
	}
	hour := func(n int) time.Time { return began.Add(time.Duration(n) * time.Hour) }
	for name, tt := range map[string]struct {
		q    operations.AllQuery
		want []aigen.ID
	}{
		"newest first":         {operations.AllQuery{Limit: 10}, of(5, 4, 3, 2, 1, 0)},
		"limit":                {operations.AllQuery{Limit: 2}, of(5, 4)},
		"before":               {operations.AllQuery{Before: made[4].ID, Limit: 2}, of(3, 2)},
		"user":                 {operations.AllQuery{UserID: user, Limit: 10}, of(4, 2, 0)},
		"user, before":         {operations.AllQuery{UserID: user, Before: made[4].ID, Limit: 10}, of(2, 0)},
		"user and status":      {operations.AllQuery{UserID: user, Status: aigen.StatusCancelled, Limit: 10}, of(2)},
		"user and time":        {operations.AllQuery{UserID: user, From: hour(1), To: hour(4), Limit: 10}, of(2)},
		"failed":               {operations.AllQuery{Status: aigen.StatusFailed, Limit: 10}, of(3)},
		"working":              {operations.AllQuery{Status: aigen.StatusProcessingSamples, Limit: 10}, of(5, 4, 0)},
		"working, before":      {operations.AllQuery{Status: aigen.StatusProcessingSamples, Before: made[5].ID, Limit: 1}, of(4)},
		"working, time":        {operations.AllQuery{Status: aigen.StatusProcessingSamples, From: hour(4), To: hour(5), Limit: 9}, of(4)},
		"waiting":              {operations.AllQuery{Status: aigen.StatusAwaitingSelection, Limit: 10}, of(1)},
		"completed":            {operations.AllQuery{Status: aigen.StatusCompleted, Limit: 10}, nil},
		"project":              {operations.AllQuery{ProjectID: made[1].ProjectID, Limit: 10}, of(1)},
		"from is included":     {operations.AllQuery{From: hour(4), Limit: 10}, of(5, 4)},
		"to is not":            {operations.AllQuery{To: hour(2), Limit: 10}, of(1, 0)},
		"time and status":      {operations.AllQuery{From: hour(3), To: hour(9), Status: aigen.StatusFailed, Limit: 10}, of(3)},
		"nothing in that time": {operations.AllQuery{From: hour(90), Limit: 10}, nil},
	} {
		require.Equal(t, tt.want, w.listAll(tt.q), name)
	}
	list, err := w.ListAll(w.ctx, operations.AllQuery{Limit: 10})
	w.must(err)
	for _, g := range list {
		require.Equal(t, w.get(g.ID), g, "whole, with its runs")
	}
}

func testListAllPages(t *testing.T, open Open) {
	w := timed(setup(t, open, Options{InitialCredits: 100000}))
	var want []aigen.ID
	for i := range 9 {
		want = append(want, w.create(w.id()).ID)
		if i%3 == 0 {
			w.clock.advance(time.Millisecond) // others have equal times
		}
	}
	slices.Reverse(want)
	var got []aigen.ID
	q := operations.AllQuery{Limit: 2}
	for {
		page := w.listAll(q)
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		q.Before = page[len(page)-1]
	}
	require.Equal(t, want, got, "each once")
}

func testFindRun(t *testing.T, open Open) {
	w := timed(setup(t, open, Options{InitialCredits: 10000}))
	g := w.create(w.id())
	w.clock.advance(time.Hour)
	w.create(w.id())
	w.report(g, aigen.Report{Kind: aigen.ReportFailure, Stage: aigen.StageSamples, Failure: aigen.Failure{Code: "x", Message: "x"}})
	w.apply(w.change(g))
	run := g.Runs[0]
	find := func(id aigen.ID, from, to time.Time) (aigen.ID, error) { return w.FindRun(w.ctx, id, from, to) }
	for name, id := range map[string]aigen.ID{"run": run.ID, "job": run.Jobs[0].ID} {
		found, err := find(id, run.CreatedAt, run.CreatedAt.Add(time.Microsecond))
		w.must(err)
		require.Equal(t, g.ID, found, name)
		_, err = find(id, run.CreatedAt.Add(time.Microsecond), w.now().Add(time.Hour))
		require.ErrorIs(t, err, aigen.ErrNotFound, "%s, another time", name)
		_, err = find(id, run.CreatedAt.Add(-time.Hour), run.CreatedAt)
		require.ErrorIs(t, err, aigen.ErrNotFound, "%s, another time", name)
	}
	_, err := find(w.id(), run.CreatedAt, w.now().Add(time.Hour))
	require.ErrorIs(t, err, aigen.ErrNotFound)
}

func testEntries(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.create(w.id())
	reserved := w.now()
	w.clock.advance(time.Second)
	other := w.create(w.id())
	w.must(g.Cancel(w.policy))
	w.apply(w.change(g))
	run := g.Runs[0]
	list, err := w.Entries(w.ctx, []aigen.ID{run.ID, w.id()})
	w.must(err)
	require.Equal(t, []operations.LedgerEntry{
		{Kind: ledger.Reserve, RunID: run.ID, Amount: run.Amount, BalanceAfter: 1000, HeldAfter: run.Amount, At: reserved},
		{Kind: ledger.Refund, RunID: run.ID, Amount: run.Amount, BalanceAfter: 1000, At: w.now()},
	}, list)
	list, err = w.Entries(w.ctx, []aigen.ID{run.ID, other.Runs[0].ID})
	w.must(err)
	require.Len(t, list, 3)
	list, err = w.Entries(w.ctx, nil)
	w.must(err)
	require.Empty(t, list)
}

func (w *fixture) settle(action app.OperatorActionKind, by aigen.OperatorNote, ids ...aigen.ID) []aigen.ID {
	w.t.Helper()
	done, err := w.ActOnDeliveries(w.ctx, operations.DeliveryAction{Action: action, IDs: ids, By: by, Detail: "decided", Now: w.now()})
	w.must(err)
	return done
}

func testSettleDeliveries(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(5, outbox.DeliverSampleJob)
	by := aigen.OperatorNote{ID: w.id(), Reason: "because of <that>"}
	w.claim(outbox.QueueJobs, "a", 3)
	w.finish("a",
		outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionDead, Error: "x"},
		outbox.DeliveryResult{ID: jobs[1].ID, Disposition: outbox.DispositionRetry, RetryAt: w.now().Add(time.Hour), Error: "x"})

	require.ElementsMatch(t, []aigen.ID{jobs[0].ID, jobs[1].ID},
		w.settle(app.ActionRetry, by, jobs[0].ID, jobs[1].ID, jobs[2].ID, w.id()), "not the one that is being delivered")
	got := w.claim(outbox.QueueJobs, "b", 2)
	require.Equal(t, 1, got[0].Attempts, "a fresh count")
	require.Empty(t, w.settle(app.ActionDrop, by, jobs[2].ID), "being delivered")
	require.Empty(t, w.settle(app.ActionDrop, by))
	w.clock.advance(time.Minute)
	require.Equal(t, []aigen.ID{jobs[2].ID}, w.settle(app.ActionDrop, by, jobs[2].ID), "its lease has ended")
	require.Equal(t, []aigen.ID{jobs[4].ID}, w.settle(app.ActionDrop, by, jobs[4].ID))
	require.Empty(t, w.settle(app.ActionDrop, by, jobs[4].ID), "gone")
	require.Equal(t, []aigen.ID{jobs[0].ID, jobs[1].ID, jobs[3].ID}, idsOf(w.deliveries(outbox.DeliveryQuery{})))

	actions, err := w.Actions(w.ctx, operations.ActionQuery{GenerationID: jobs[0].GenerationID, Limit: 10})
	w.must(err)
	require.Len(t, actions, 4, "one for each that was done")
	require.Equal(t, app.OperatorAction{
		ID: actions[0].ID, At: w.now(), OperatorID: by.ID, Kind: app.ActionDrop, GenerationID: jobs[4].GenerationID,
		DeliveryID: jobs[4].ID, DeliveryKind: outbox.DeliverSampleJob, Reason: by.Reason, Detail: "decided",
	}, actions[0], "every field, newest first")
	require.Equal(t, app.ActionRetry, actions[3].Kind)
}

func testActions(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	by := w.id()
	var want []app.OperatorAction
	var first aigen.ID
	for i := range 5 {
		g := w.create(w.id())
		if i == 0 {
			first = g.ID
		}
		w.must(g.Fail(w.policy, aigen.Failure{Code: "x", Message: "x"}))
		c := w.change(g)
		c.Actions = []app.OperatorAction{{
			At: w.now(), OperatorID: by, Kind: app.ActionFail, GenerationID: g.ID, Reason: "why", Detail: "what",
		}}
		stale := *c
		w.apply(c)
		require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{&stale})[0], app.ErrVersionConflict, "what is refused writes none")
		want = append(want, c.Actions[0])
		w.clock.advance(time.Second)
	}
	slices.Reverse(want)
	list, err := w.Actions(w.ctx, operations.ActionQuery{Limit: 10})
	w.must(err)
	require.Len(t, list, 5)
	last := int64(1 << 62)
	for i := range list {
		require.Less(t, list[i].ID, last, "newest first")
		last = list[i].ID
		want[i].ID = list[i].ID
	}
	require.Equal(t, want, list)
	page, err := w.Actions(w.ctx, operations.ActionQuery{Before: list[1].ID, Limit: 2})
	w.must(err)
	require.Equal(t, list[2:4], page)
	page, err = w.Actions(w.ctx, operations.ActionQuery{GenerationID: first, Limit: 10})
	w.must(err)
	require.Equal(t, list[4:], page)
}

func testOperatorNote(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	g := w.create(w.id())
	note := aigen.OperatorNote{ID: w.id(), Reason: `the "engine" <is> gone`}
	w.must(g.FailByOperator(w.policy, note))
	w.apply(w.change(g))
	events, err := w.Events(w.ctx, g.ID, 0, 10)
	w.must(err)
	require.Len(t, events, 2)
	require.Nil(t, events[0].Operator)
	require.Equal(t, &note, events[1].Operator)
	ofUser, err := w.UserEvents(w.ctx, g.UserID, 0, 10)
	w.must(err)
	require.Equal(t, events, ofUser)
}

func testActivity(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 100000})
	user, from := w.id(), w.now()
	width := time.Minute
	one := w.create(user) // part 0
	w.clock.advance(10 * time.Second)
	failed := w.create(user)
	w.clock.advance(20 * time.Second)
	w.report(one, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()}) // after 30 s
	w.apply(w.change(one))
	w.must(failed.Fail(w.policy, aigen.Failure{Code: "x", Message: "x"}))
	w.apply(w.change(failed))
	w.clock.advance(2 * time.Minute) // part 2
	w.must(one.SelectSample(w.policy, "s1", aigen.Resolution{}))
	w.apply(w.change(one))
	w.apply(w.reserved(one))
	w.clock.advance(45 * time.Second) // part 3
	w.report(one, aigen.Report{Kind: aigen.ReportFinal, FinalAssetID: "f"})
	w.apply(w.change(one))
	w.clock.advance(time.Hour)
	w.create(user) // after the end

	activity := func(from, to time.Time, sample int) []operations.Activity {
		list, err := w.Activity(w.ctx, operations.ActivityQuery{From: from, To: to, Width: width, Sample: sample})
		w.must(err)
		return list
	}
	samples, final := one.Runs[0].Amount, one.Runs[1].Amount
	want := []operations.Activity{
		{
			From: from, Samples: []time.Duration{30 * time.Second},
			Events:  map[aigen.EventType]int64{aigen.EventCreated: 2, aigen.EventSamplesReady: 1, aigen.EventFailed: 1},
			Credits: aigen.CreditTotals{Reserved: 2 * samples, Deducted: samples, Refunded: samples},
		},
		{
			From: from.Add(2 * width), Events: map[aigen.EventType]int64{aigen.EventFinalStarted: 1},
			Credits: aigen.CreditTotals{Reserved: final, Deducted: final},
		},
		{
			From: from.Add(3 * width), Events: map[aigen.EventType]int64{aigen.EventCompleted: 1}, Final: []time.Duration{45 * time.Second},
		},
	}
	require.Equal(t, want, activity(from, from.Add(time.Hour), 10))
	want[0].Samples = nil
	require.Equal(t, want[:1], activity(from, from.Add(width), 0), "the end is not included, no durations asked for")
	require.Empty(t, activity(from.Add(-time.Hour), from, 10))
}

func testDeadCauses(t *testing.T, open Open) {
	w := setup(t, open, Options{})
	jobs := w.enqueue(4, outbox.DeliverSampleJob)
	notes := w.enqueue(1, outbox.DeliverNotify)
	causes := func(limit int) []operations.DeadCause {
		list, err := w.DeadCauses(w.ctx, limit)
		w.must(err)
		return list
	}
	require.Empty(t, causes(10))
	w.claim(outbox.QueueJobs, "a", 4)
	w.claim(outbox.QueueNotifications, "a", 4)
	w.finish("a",
		outbox.DeliveryResult{ID: jobs[0].ID, Disposition: outbox.DispositionDead, Error: "refused"},
		outbox.DeliveryResult{ID: jobs[1].ID, Disposition: outbox.DispositionRetry, RetryAt: w.now(), Error: "refused"},
		outbox.DeliveryResult{ID: jobs[2].ID, Disposition: outbox.DispositionDead, Error: "refused"},
		outbox.DeliveryResult{ID: notes[0].ID, Disposition: outbox.DispositionDead, Error: "gone"})
	want := []operations.DeadCause{
		{Kind: outbox.DeliverSampleJob, Error: "refused", Count: 2, Oldest: jobs[0].CreatedAt, Newest: jobs[2].CreatedAt, Example: jobs[0].ID},
		{Kind: outbox.DeliverNotify, Error: "gone", Count: 1, Oldest: notes[0].CreatedAt, Newest: notes[0].CreatedAt, Example: notes[0].ID},
	}
	require.Equal(t, want, causes(10))
	require.Equal(t, want[:1], causes(1))
}

package app_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

// asking counts what the store is asked of activity.
type asking struct {
	operations.Store

	queries []operations.ActivityQuery
	causes  []operations.DeadCause
}

func (a *asking) Activity(ctx context.Context, q operations.ActivityQuery) ([]operations.Activity, error) {
	a.queries = append(a.queries, q)
	return a.Store.Activity(ctx, q)
}

func (a *asking) DeadCauses(context.Context, int) ([]operations.DeadCause, error) {
	return a.causes, nil
}

func TestStatistics(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	store := &asking{Store: w.store}
	o := operations.New(operations.Config{Service: w.Service, Policy: w.policy, Store: store, Dispatcher: w.relay})
	id := w.create()
	w.create()
	w.clock.advance(30 * time.Second)
	_, err := w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)
	for _, window := range operations.Windows() {
		st, err := o.GetStatistics(t.Context(), window)
		require.NoError(t, err, window.Name)
		require.Len(t, st.Activity, int(window.Length/window.Width), window.Name)
		sum := map[aigen.EventType]int64{}
		for i, a := range st.Activity {
			for event, n := range a.Events {
				sum[event] += n
			}
			if i > 0 {
				assert.Equal(t, window.Width, a.From.Sub(st.Activity[i-1].From))
			}
		}
		last := st.Activity[len(st.Activity)-1].From
		assert.False(t, last.After(st.At) || last.Add(window.Width).Before(st.At), "it ends with the part of now")
		assert.Equal(t, map[aigen.EventType]int64{aigen.EventCreated: 2, aigen.EventSamplesReady: 1}, sum, window.Name)
		assert.Equal(t, 1, st.Samples.Count)
		assert.InDelta(t, 30*time.Second, st.Samples.P95, float64(5*time.Second))
		assert.Equal(t, aigen.CreditTotals{Reserved: 100, Deducted: 50}, st.Credits)
		assert.EqualValues(t, 1, st.Generations[aigen.StatusAwaitingSelection])
	}
}

// The past of a window is read once.
func TestActivityIsRemembered(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 10000})
	store := &asking{Store: w.store}
	o := operations.New(operations.Config{Service: w.Service, Policy: w.policy, Store: store, Dispatcher: w.relay})
	hour, ok := operations.WindowNamed("1h")
	require.True(t, ok)
	get := func() operations.Statistics {
		st, err := o.GetStatistics(t.Context(), hour)
		require.NoError(t, err)
		return st
	}
	get()
	require.Len(t, store.queries, 5, "sixty parts, twelve a question")
	store.queries = nil
	get()
	require.Empty(t, store.queries, "a moment ago")
	w.clock.advance(5 * time.Second)
	w.create()
	st := get()
	require.Len(t, store.queries, 2, "only what may still change")
	assert.GreaterOrEqual(t, store.queries[0].From, st.At.Add(-23*time.Minute))
	var created int64
	for _, a := range st.Activity {
		created += a.Events[aigen.EventCreated]
	}
	assert.EqualValues(t, 1, created)

	// It is there also when its part has become the past, and gone when it left the window.
	for _, tt := range []struct {
		after time.Duration
		want  int64
	}{{40 * time.Minute, 1}, {time.Second, 1}, {30 * time.Minute, 0}} {
		w.clock.advance(tt.after)
		created = 0
		for _, a := range get().Activity {
			created += a.Events[aigen.EventCreated]
		}
		assert.Equal(t, tt.want, created, tt.after)
	}
}

func TestCausesAreAddedUp(t *testing.T) {
	t.Parallel()
	w := setup(t, options{})
	at := w.clock.Now()
	store := &asking{Store: w.store, causes: []operations.DeadCause{
		{Kind: outbox.DeliverNotify, Error: "user " + newID().String() + ": 404", Count: 1, Oldest: at, Newest: at},
		{Kind: outbox.DeliverRefund, Error: "no account", Count: 2, Oldest: at, Newest: at},
		{Kind: outbox.DeliverNotify, Error: "user " + newID().String() + ": 404", Count: 2, Oldest: at.Add(-time.Hour), Newest: at.Add(time.Hour)},
		{Kind: outbox.DeliverDeduct, Error: "no account", Count: 1, Oldest: at, Newest: at},
	}}
	hour, _ := operations.WindowNamed("")
	st, err := operations.New(operations.Config{Service: w.Service, Policy: w.policy, Store: store, Dispatcher: w.relay}).GetStatistics(t.Context(), hour)
	require.NoError(t, err)
	require.Len(t, st.Dead, 3)
	assert.EqualValues(t, 3, st.Dead[0].Count)
	assert.Equal(t, at.Add(-time.Hour), st.Dead[0].Oldest)
	assert.Equal(t, at.Add(time.Hour), st.Dead[0].Newest)
	assert.Equal(t, outbox.DeliverRefund, st.Dead[1].Kind)
}

func TestOutboxHistory(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	w.create()
	o := w.operations()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	hour, _ := operations.WindowNamed("1h")
	w.until("the first sample", func() bool {
		st, err := o.GetStatistics(t.Context(), hour)
		require.NoError(t, err)
		return len(st.History) == 1 && st.History[0].Queues[0].Depth == 1
	})
	cancel()
	require.NoError(t, <-done)
}

func TestTimesOf(t *testing.T) {
	t.Parallel()
	assert.Zero(t, operations.TimesOf(nil))
	var ds []time.Duration
	for i := 100; i >= 1; i-- {
		ds = append(ds, time.Duration(i)*time.Second)
	}
	assert.Equal(t, operations.StageTimes{Count: 100, P50: 50 * time.Second, P95: 95 * time.Second}, operations.TimesOf(ds))
}

func TestTimeOfID(t *testing.T) {
	t.Parallel()
	before := time.Now().Truncate(time.Millisecond)
	at, ok := operations.TimeOfID(newID())
	require.True(t, ok)
	assert.WithinRange(t, at, before, time.Now())
	_, ok = operations.TimeOfID(aigen.ID{6: 0x40})
	assert.False(t, ok)
	low, high := operations.IDsBetween(before, before.Add(time.Second))
	id := newID()
	assert.Less(t, low.String(), id.String())
	assert.Less(t, id.String(), high.String())
	low, high = operations.IDsBetween(time.Time{}, time.Time{})
	assert.Equal(t, aigen.ID{}, low)
	assert.Equal(t, "ffffffff-ffff-ffff-ffff-ffffffffffff", high.String())
}

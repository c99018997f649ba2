package app_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// asStored asserts that what is remembered is what a load would bring.
func (w *fixture) asStored(id aigen.ID) {
	w.t.Helper()
	stored, remembered := w.generation(id), w.Remembered(id)
	if stored.Status.Ended() {
		require.Nil(w.t, remembered)
		return
	}
	require.Equal(w.t, stored, remembered)
}

func (w *fixture) choose(id aigen.ID, sample string) {
	w.t.Helper()
	_, err := w.SelectSample(w.t.Context(), app.SelectSample{UserID: w.user, GenerationID: id, SampleID: sample})
	require.NoError(w.t, err)
}

func (w *fixture) reported(id aigen.ID, r aigen.Report) {
	w.t.Helper()
	res, err := w.report(id, r)
	require.NoError(w.t, err)
	require.Equal(w.t, aigen.OutcomeApplied, res.Outcome)
	w.asStored(id)
}

func TestWhatIsRememberedIsWhatIsStored(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	w.asStored(id)
	w.reported(id, failure(w.liveJob(id), true))
	w.reported(id, samples(w.liveJob(id)))
	_, err := w.RegenerateSamples(t.Context(), app.RegenerateSamples{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	w.asStored(id)
	w.reported(id, samples(w.liveJob(id)))
	w.choose(id, "s1")
	w.asStored(id)
	w.reported(id, final(w.liveJob(id)))
	assert.Equal(t, aigen.StatusCompleted, w.generation(id).Status)
}

// loads counts them.
type loads struct {
	app.GenerationRepository

	n atomic.Int64
}

func (l *loads) Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error) {
	l.n.Add(1)
	return l.GenerationRepository.Get(ctx, id)
}

// replica is another service on the same store.
func (w *fixture) replica() (*fixture, *loads) {
	w.t.Helper()
	l := &loads{GenerationRepository: w.store}
	s, err := app.New(app.Config{Policy: w.policy, Store: l, Ledger: w.store})
	require.NoError(w.t, err)
	other := *w
	other.Service = s
	return &other, l
}

func TestStepsThatFollowLoadNothing(t *testing.T) {
	t.Parallel()
	w, loads := setup(t, options{credits: 1000}).replica()
	id := w.create()
	w.reported(id, samples(w.liveJob(id)))
	w.choose(id, "s2")
	job := w.liveJob(id)
	w.reported(id, final(job))
	assert.Zero(t, loads.n.Load())

	res, err := w.report(id, final(job))
	require.NoError(t, err)
	assert.Equal(t, aigen.OutcomeDuplicate, res.Outcome)
	assert.Equal(t, int64(1), loads.n.Load(), "what changes nothing is found out by a load")
}

// A replica that remembers what another has changed meanwhile neither refuses nor
// allows anything by it.
func TestOldMemoryDecidesNothing(t *testing.T) {
	t.Parallel()
	a := setup(t, options{credits: 1000})
	b, _ := a.replica()

	id := a.create()
	b.reported(id, samples(a.liveJob(id)))
	require.Equal(t, aigen.StatusProcessingSamples, a.Remembered(id).Status, "old")
	a.choose(id, "s1") // what a remembers would refuse it
	a.asStored(id)

	id = a.create()
	job := a.liveJob(id)
	b.reported(id, failure(job, false))
	require.Equal(t, aigen.StatusProcessingSamples, a.Remembered(id).Status, "old")
	res, err := a.report(id, samples(job)) // what a remembers would take it
	require.NoError(t, err)
	assert.NotEqual(t, aigen.OutcomeApplied, res.Outcome)
	assert.Equal(t, aigen.StatusFailed, a.generation(id).Status)
	balance, err := a.store.Balance(t.Context(), a.user)
	require.NoError(t, err)
	assert.Equal(t, app.Balance{Balance: 950, Reserved: 100, Available: 850}, balance, "what failed costs nothing")
}

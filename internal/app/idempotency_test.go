package app_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func TestSameKeyAtOnceMakesOneGeneration(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{
		"ledger": {credits: 10000}, "odoo": {odoo: true, credits: 10000},
		"background": {credits: 10000, mode: app.ReserveInBackground},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t, o)
			key := app.RequestKey{Key: "k", Hash: [32]byte{1}}
			var mu sync.Mutex
			ids, fresh := map[aigen.ID]int{}, 0
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					a, err := w.initiate(key)
					if aigen.CodeOf(err) == aigen.CodeIdempotencyConflict {
						return // the first was still asking for credits
					}
					if !assert.NoError(t, err) {
						return
					}
					mu.Lock()
					defer mu.Unlock()
					ids[a.GenerationID]++
					if !a.Replayed {
						fresh++
					}
				})
			}
			wg.Wait()
			assert.Len(t, ids, 1)
			assert.Equal(t, 1, fresh)
			page, err := w.ListGenerations(t.Context(), app.ListQuery{UserID: w.user, Limit: 10})
			require.NoError(t, err)
			assert.Len(t, page.Items, 1)
		})
	}
}

func TestKeyOfAnotherRequest(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	_, err := w.initiate(app.RequestKey{Key: "k", Hash: [32]byte{1}})
	require.NoError(t, err)
	_, err = w.initiate(app.RequestKey{Key: "k", Hash: [32]byte{2}})
	assert.Equal(t, aigen.CodeIdempotencyKeyReused, aigen.CodeOf(err))

	other := *w
	other.user = newID()
	_, err = other.initiate(app.RequestKey{Key: "k", Hash: [32]byte{2}})
	require.NoError(t, err, "keys are each user's own")

	w.clock.advance(24*time.Hour + time.Second)
	a, err := w.initiate(app.RequestKey{Key: "k", Hash: [32]byte{2}})
	require.NoError(t, err, "a key is forgotten after a day")
	assert.False(t, a.Replayed)
}

func TestKeyOnEveryVerb(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	_, err := w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)

	sel := app.SelectSample{UserID: w.user, GenerationID: id, SampleID: "s1", Key: app.RequestKey{Key: "s", Hash: [32]byte{1}}}
	first, err := w.SelectSample(t.Context(), sel)
	require.NoError(t, err)
	again, err := w.SelectSample(t.Context(), sel)
	require.NoError(t, err)
	assert.True(t, again.Replayed)
	again.Replayed = false
	assert.Equal(t, first, again)

	stop := app.CancelGeneration{UserID: w.user, GenerationID: id, Key: app.RequestKey{Key: "c", Hash: [32]byte{3}}}
	_, replayed, err := w.CancelGeneration(t.Context(), stop)
	require.NoError(t, err)
	assert.False(t, replayed)
	g, replayed, err := w.CancelGeneration(t.Context(), stop)
	require.NoError(t, err)
	assert.True(t, replayed)
	assert.Equal(t, aigen.StatusCancelled, g.Status)
	assert.Equal(t, aigen.CreditTotals{Reserved: 150, Deducted: 50, Refunded: 100}, g.Totals())
}

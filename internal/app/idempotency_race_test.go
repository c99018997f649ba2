package app_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// slowReader lets something happen between the moment in which a request reads the
// record of its key and the one in which it writes.
type slowReader struct {
	app.GenerationRepository
	once sync.Once
	then func()
}

func (s *slowReader) IdempotencyRecord(ctx context.Context, user aigen.ID, key string, now time.Time) (app.IdempotencyRecord, error) {
	rec, err := s.GenerationRepository.IdempotencyRecord(ctx, user, key, now)
	s.once.Do(s.then)
	return rec, err
}

// The first request with a key died while it asked for credits, and they were refused in
// the background. Two repeats find that at the same time, at two replicas: one starts a
// generation, the other one answers with it.
func TestTwoRepeatsOfARequestThatCameToNothing(t *testing.T) {
	t.Parallel()
	w := setup(t, options{odoo: true, credits: 1000})
	key := app.RequestKey{Key: "k", Hash: [32]byte{1}}
	in, err := aigen.NewInput("a red fox", "", nil)
	require.NoError(t, err)
	dead := aigen.New(w.policy, w.user, newID(), in, aigen.Options{})
	run, _ := dead.PendingRun()
	apply := func(c *app.Change) { require.NoError(t, w.store.Apply(t.Context(), []*app.Change{c})[0]) }
	apply(&app.Change{Generation: dead, Record: &app.IdempotencyRecord{
		UserID: w.user, Key: key.Key, RequestHash: key.Hash, GenerationID: dead.ID, RunID: run.ID,
		CreatedAt: w.clock.Now(), ExpiresAt: w.clock.Now().Add(time.Hour),
	}})
	_, err = dead.RejectReservation(w.policy, run.ID, true)
	require.NoError(t, err)
	events, _ := dead.Drain()
	apply(&app.Change{Generation: dead, From: 1, Events: events})

	var first app.Accepted
	other, err := app.New(app.Config{Policy: w.policy, Credits: w.odoo, Store: &slowReader{GenerationRepository: w.store, then: func() {
		first, err = w.initiate(key)
		require.NoError(t, err)
	}}})
	require.NoError(t, err)
	replica := *w
	replica.Service = other
	second, err := replica.initiate(key)
	require.NoError(t, err)
	assert.Equal(t, first.GenerationID, second.GenerationID, "one key, one generation")
	assert.True(t, second.Replayed)
	page, err := w.ListGenerations(t.Context(), app.ListQuery{UserID: w.user, Limit: 10})
	require.NoError(t, err)
	assert.Len(t, page.Items, 2, "the one that came to nothing, and one")
	assert.Equal(t, aigen.Credits(950), w.odoo.balance, "held once")
}

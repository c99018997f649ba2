package storetest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func (w *fixture) record(g *aigen.Generation, key string) *app.IdempotencyRecord {
	return &app.IdempotencyRecord{
		UserID: g.UserID, Key: key, RequestHash: [32]byte{1, 2, 31: 3}, GenerationID: g.ID, RunID: g.Runs[0].ID,
		Answer:    &app.Accepted{GenerationID: g.ID, Status: aigen.StatusProcessingSamples, CreditsReserved: 50},
		CreatedAt: w.now(), ExpiresAt: w.now().Add(24 * time.Hour),
	}
}

func testKeys(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	const key = "a key é 🦊"
	find := func(user aigen.ID) (app.IdempotencyRecord, error) {
		return w.IdempotencyRecord(w.ctx, user, key, w.now())
	}
	c := w.accepted(w.id())
	user := c.Generation.UserID
	_, err := find(user)
	require.ErrorIs(t, err, app.ErrNoRecord)

	c.Record = w.record(c.Generation, key)
	w.apply(c)
	got, err := find(user)
	w.must(err)
	require.Equal(t, *c.Record, got)
	_, err = find(w.id())
	require.ErrorIs(t, err, app.ErrNoRecord, "keys are each user's own")

	again := w.accepted(user)
	again.Record = w.record(again.Generation, key)
	require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{again})[0], app.ErrKeyTaken)

	// An answer that comes later replaces the record that waited for it, and a
	// cancellation has no run.
	open2 := *c.Record
	open2.Answer, open2.RunID = nil, aigen.ID{}
	w.apply(&app.Change{Generation: w.get(c.Generation.ID), From: 1, ForgetKey: key, ForgetRun: c.Record.RunID, Record: &open2})
	got, err = find(user)
	w.must(err)
	require.Equal(t, open2, got)

	w.clock.advance(24*time.Hour - time.Microsecond)
	_, err = find(user)
	w.must(err)
	w.clock.advance(time.Microsecond)
	_, err = find(user)
	require.ErrorIs(t, err, app.ErrNoRecord, "expired")
	again = w.accepted(user)
	again.Record = w.record(again.Generation, key)
	w.apply(again)
	got, err = find(user)
	w.must(err)
	require.Equal(t, *again.Record, got, "an expired record is replaced")

	w.apply(&app.Change{Generation: again.Generation, From: 1, ForgetKey: key, ForgetRun: again.Record.RunID})
	_, err = find(user)
	require.ErrorIs(t, err, app.ErrNoRecord, "forgotten")
}

// Two requests find the record of one that was given up, and each means to take its
// place: the second one must not free the key from the first.
func testKeyOfAnother(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	given := w.accepted(w.id())
	given.Record = w.record(given.Generation, "key")
	w.apply(given)
	user, stale := given.Generation.UserID, given.Record.RunID

	second, third := w.accepted(user), w.accepted(user)
	for _, c := range []*app.Change{second, third} {
		c.Record = w.record(c.Generation, "key")
		c.ForgetKey, c.ForgetRun = "key", stale
	}
	// In one transaction, and again in another one.
	errs := w.Apply(w.ctx, []*app.Change{second, third})
	w.must(errs[0])
	require.ErrorIs(t, errs[1], app.ErrKeyTaken)
	late := w.accepted(user)
	late.Record = w.record(late.Generation, "key")
	late.ForgetKey, late.ForgetRun = "key", stale
	require.ErrorIs(t, w.Apply(w.ctx, []*app.Change{late})[0], app.ErrKeyTaken)
	w.apply(&app.Change{Generation: w.get(given.Generation.ID), From: 1, ForgetKey: "key", ForgetRun: stale})
	got, err := w.IdempotencyRecord(w.ctx, user, "key", w.now())
	w.must(err)
	require.Equal(t, *second.Record, got, "it is not forgotten for another run's sake")
}

// Many requests with one key at once: one has the effect.
func testPurge(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 1000})
	user := w.id()
	won := make([]bool, 8)
	w.parallel(len(won), func(i int) error {
		c := w.accepted(user)
		c.Record = w.record(c.Generation, "the same")
		won[i] = w.Apply(w.ctx, []*app.Change{c})[0] == nil
		return nil
	})
	n := 0
	for _, one := range won {
		if one {
			n++
		}
	}
	require.Equal(t, 1, n)
	require.EqualValues(t, 50, w.balance(user).Reserved)

	for _, key := range []string{"a", "b"} {
		c := w.accepted(user)
		c.Record = w.record(c.Generation, key)
		w.apply(c)
	}
	w.clock.advance(time.Hour)
	fresh := w.accepted(user)
	fresh.Record = w.record(fresh.Generation, "fresh")
	w.apply(fresh)
	purge := func(now time.Time, limit int) int {
		n, err := w.Purge(w.ctx, now, limit)
		w.must(err)
		return n
	}
	require.Zero(t, purge(w.now(), 10))
	w.clock.advance(23 * time.Hour)
	require.Equal(t, 2, purge(w.now().Add(time.Microsecond), 2))
	require.Equal(t, 1, purge(w.now().Add(time.Microsecond), 2))
	require.Zero(t, purge(w.now().Add(time.Microsecond), 2))
	_, err := w.IdempotencyRecord(w.ctx, user, "fresh", w.now())
	w.must(err)
}

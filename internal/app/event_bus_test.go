package app_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
)

// fakeBus writes down what it is told.
type fakeBus struct {
	mu        sync.Mutex
	live      bool
	published []aigen.Event
	followed  map[aigen.ID]int // Follow less Unfollow
	broken    bool             // was told so twice
}

func (b *fakeBus) Publish(events []aigen.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.published = append(b.published, events...)
}

func (b *fakeBus) Follow(user aigen.ID)   { b.follow(user, 1) }
func (b *fakeBus) Unfollow(user aigen.ID) { b.follow(user, -1) }

func (b *fakeBus) follow(user aigen.ID, by int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.followed[user] += by
	b.broken = b.broken || b.followed[user] < 0 || b.followed[user] > 1
}

func (b *fakeBus) Live() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.live
}

func (b *fakeBus) setLive(live bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.live = live
}

func (b *fakeBus) follows(user aigen.ID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.followed[user] == 1
}

// withBus is another replica of w, with a bus.
func withBus(w *fixture, poll, pollWithBus time.Duration) (*fixture, *fakeBus) {
	w.t.Helper()
	bus := &fakeBus{live: true, followed: map[aigen.ID]int{}}
	hub := live.NewHub(live.Config{Store: w.store, Bus: bus, Poll: poll, PollWithBus: pollWithBus})
	s, err := app.New(app.Config{Policy: w.policy, Store: w.store, Ledger: w.store, Live: hub})
	require.NoError(w.t, err)
	other := *w
	other.Service, other.hub = s, hub
	return &other, bus
}

// What is written, and progress, is published; what is received is not sent on.
func TestServicePublishes(t *testing.T) {
	t.Parallel()
	w, bus := withBus(setup(t, options{credits: 1000}), time.Hour, time.Hour)
	id := w.create()
	percent := 5
	_, err := w.ProcessN8NResult(t.Context(), app.ProcessResult{GenerationID: id, Progress: &percent})
	require.NoError(t, err)
	require.Len(t, bus.published, 2)
	assert.Equal(t, aigen.EventCreated, bus.published[0].Type)
	assert.EqualValues(t, 1, bus.published[0].Position)
	assert.Equal(t, w.user, bus.published[0].UserID)
	assert.Equal(t, aigen.EventProgress, bus.published[1].Type)
	w.hub.ReceiveEvents([]aigen.Event{{UserID: w.user, GenerationID: id, Seq: 2, Position: 2}})
	assert.Len(t, bus.published, 2)
}

// The bus follows a user from the first of their streams to the last, whatever comes
// and goes at once.
func TestBusFollowsThoseWhoWatch(t *testing.T) {
	t.Parallel()
	w, bus := withBus(setup(t, options{credits: 1000}), time.Hour, time.Hour)
	kept, err := w.StreamUser(t.Context(), w.user, nil)
	require.NoError(t, err)
	other := newID()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for range 100 {
				s, err := w.StreamUser(t.Context(), []aigen.ID{w.user, other}[i%2], nil)
				if assert.NoError(t, err) {
					s.Close()
				}
			}
		})
	}
	wg.Wait()
	assert.True(t, bus.follows(w.user))
	assert.False(t, bus.follows(other))
	kept.Close()
	assert.False(t, bus.follows(w.user))
	assert.False(t, bus.broken)
}

// soon is the next event of a stream.
func soon(t *testing.T, s *live.Stream) aigen.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := s.Next(ctx)
	require.NoError(t, err)
	return e
}

// nothing is on a stream now.
func nothing(t *testing.T, s *live.Stream) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := s.Next(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// What another replica wrote is found when the bus brings it, or says that something
// was missed, and not before.
func TestStreamWithBus(t *testing.T) {
	t.Parallel()
	synctest.Test(t, streamWithBus)
}

func streamWithBus(t *testing.T) {
	other := setup(t, options{credits: 1000})
	w, _ := withBus(other, time.Millisecond, time.Hour)
	s, err := w.StreamUser(t.Context(), w.user, nil)
	require.NoError(t, err)
	defer s.Close()
	nothing(t, s)

	first, second := other.create(), other.create()
	nothing(t, s)
	w.hub.CatchUp(newID())
	nothing(t, s)
	w.hub.CatchUp(w.user)
	assert.Equal(t, first, soon(t, s).GenerationID)
	assert.Equal(t, second, soon(t, s).GenerationID)

	third := other.create()
	w.hub.CatchUp(aigen.ID{})
	assert.Equal(t, third, soon(t, s).GenerationID)

	fourth := other.create()
	fifth := other.create()
	stored, err := w.store.UserEvents(t.Context(), w.user, 3, 10)
	require.NoError(t, err)
	w.hub.ReceiveEvents(stored[1:]) // a gap: the store fills it
	assert.Equal(t, fourth, soon(t, s).GenerationID)
	assert.Equal(t, fifth, soon(t, s).GenerationID)
	w.hub.ReceiveEvents(stored) // a repeat
	nothing(t, s)
}

// When the bus is gone, streams look for themselves as often as without it: the wait
// that was begun is not kept.
func TestStreamWhoseBusGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, streamWhoseBusGoes)
}

func streamWhoseBusGoes(t *testing.T) {
	other := setup(t, options{credits: 1000})
	w, bus := withBus(other, time.Millisecond, time.Hour)
	s, err := w.StreamUser(t.Context(), w.user, nil)
	require.NoError(t, err)
	defer s.Close()
	nothing(t, s)
	waiting := make(chan aigen.ID)
	go func() {
		e, err := s.Next(t.Context())
		assert.NoError(t, err)
		waiting <- e.GenerationID
	}()
	bus.setLive(false)
	w.hub.CatchUp(aigen.ID{})
	id := other.create()
	assert.Equal(t, id, <-waiting)
}

// A caller that waits in pieces shorter than the interval (for its heartbeats) must
// not keep the stream from looking into the store.
func TestStreamPollsThoughItsCallerIsImpatient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, streamPollsThoughItsCallerIsImpatient)
}

func streamPollsThoughItsCallerIsImpatient(t *testing.T) {
	other := setup(t, options{credits: 1000})
	w, _ := withBus(other, time.Millisecond, 300*time.Millisecond)
	s, err := w.StreamUser(t.Context(), w.user, nil)
	require.NoError(t, err)
	defer s.Close()
	nothing(t, s)
	id := other.create()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		e, err := s.Next(ctx)
		cancel()
		if err == nil {
			assert.Equal(t, id, e.GenerationID)
			return
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
	}
	require.Fail(t, "the stream never looked into the store")
}

// Progress that another replica reported before the end, and that comes after it, is
// not shown: the end is the last event.
func TestLateProgressIsNotShown(t *testing.T) {
	t.Parallel()
	w, _ := withBus(setup(t, options{credits: 1000}), time.Hour, time.Hour)
	id := w.create()
	s, err := w.StreamGeneration(t.Context(), w.user, id, 0)
	require.NoError(t, err)
	assert.Equal(t, aigen.EventCreated, soon(t, s).Type)
	_, _, err = w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	percent := 90
	w.hub.ReceiveEvents([]aigen.Event{{
		UserID: w.user, GenerationID: id, Type: aigen.EventProgress,
		Data: aigen.EventData{GenerationID: id, Status: aigen.StatusProcessingSamples, Progress: &percent},
	}})
	var types []aigen.EventType
	for _, e := range drain(t, s) {
		types = append(types, e.Type)
	}
	assert.Equal(t, []aigen.EventType{aigen.EventCancelled}, types)
}

// drain reads a stream to its end, progress too.
func drain(t *testing.T, s *live.Stream) (events []aigen.Event) {
	t.Helper()
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		e, err := s.Next(ctx)
		if err != nil {
			return events
		}
		events = append(events, e)
	}
}

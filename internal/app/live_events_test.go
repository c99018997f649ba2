package app_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
)

// collect reads a stream to its end, progress left out.
func collect(t *testing.T, s *live.Stream) []aigen.Event {
	t.Helper()
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out []aigen.Event
	for {
		e, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if !assert.NoError(t, err) {
			return out
		}
		if s.Number(e) > 0 {
			out = append(out, e)
		}
	}
}

func seqs(events []aigen.Event) []int64 {
	var out []int64
	for _, e := range events {
		out = append(out, e.Seq)
	}
	return out
}

// Many streams, begun at any time and resumed at any place, see each event once.
func TestStreamsSeeEachEventOnce(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	var wg sync.WaitGroup
	for i := range 20 {
		after := int64(i % 3)
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Millisecond) // streams that begin at different times are the point
			s, err := w.StreamGeneration(t.Context(), w.user, id, after)
			if !assert.NoError(t, err) {
				return
			}
			want := []int64{1, 2, 3, 4}[after:]
			assert.Equal(t, want, seqs(collect(t, s)))
		})
	}
	five := 5
	_, err := w.ProcessN8NResult(t.Context(), app.ProcessResult{GenerationID: id, Progress: &five})
	require.NoError(t, err)
	_, err = w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)
	_, err = w.SelectSample(t.Context(), app.SelectSample{UserID: w.user, GenerationID: id, SampleID: "s2"})
	require.NoError(t, err)
	_, err = w.report(id, final(w.liveJob(id)))
	require.NoError(t, err)
	wg.Wait()

	events, err := w.ListEvents(t.Context(), w.user, id, 0)
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 2, 3, 4}, seqs(events))
}

// Events that another process wrote come by the store.
func TestStreamFollowsOtherProcesses(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	other, err := app.New(app.Config{Policy: w.policy, Store: w.store, Ledger: w.store})
	require.NoError(t, err)
	id := w.create()
	s, err := w.StreamGeneration(t.Context(), w.user, id, 0)
	require.NoError(t, err)
	_, _, err = other.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 2}, seqs(collect(t, s)))
}

func TestStreamResumedAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	s, err := w.StreamGeneration(t.Context(), w.user, id, 2)
	require.NoError(t, err)
	assert.Empty(t, collect(t, s))
	s, err = w.StreamGeneration(t.Context(), w.user, id, 99)
	require.NoError(t, err)
	assert.Empty(t, collect(t, s), "an id from the future ends too")
}

func TestStreamOfAnother(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	_, err := w.StreamGeneration(t.Context(), newID(), id, 0)
	require.ErrorIs(t, err, aigen.ErrNotFound)
}

// All of a user's generations in one stream, resumed by position, while many
// goroutines write: no gap, no repeat, nothing of others.
func TestUserStreamResumes(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 100000})
	other := *w
	other.user = newID()
	const n = 60
	var wg sync.WaitGroup
	wg.Go(func() {
		for range n {
			w.create()
			other.create()
		}
	})
	var got []int64
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for after := int64(0); after < n; {
		s, err := w.StreamUser(ctx, w.user, &after)
		require.NoError(t, err)
		for range 7 { // then the connection breaks
			if after == n {
				break
			}
			e, err := s.Next(ctx)
			require.NoError(t, err)
			assert.Equal(t, w.user, e.UserID)
			after = s.Number(e)
			got = append(got, after)
		}
		s.Close()
	}
	wg.Wait()
	for i, p := range got {
		require.Equal(t, int64(i+1), p)
	}
}

func TestUserStreamFromNow(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	w.create()
	s, err := w.StreamUser(t.Context(), w.user, nil)
	require.NoError(t, err)
	defer s.Close()
	id := w.create()
	e, err := s.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, id, e.GenerationID)
}

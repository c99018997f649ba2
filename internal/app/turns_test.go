package app_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// slowEngine works on as many jobs as it has room for, each until it is let go.
type slowEngine struct {
	room int
	mu   sync.Mutex
	open []openJob
}

type openJob struct {
	generation aigen.ID
	end        func()
}

func (e *slowEngine) Window() int { return e.room }

func (e *slowEngine) Publish(_ context.Context, jobs []app.JobMessage, done func(int, error)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, m := range jobs {
		e.open = append(e.open, openJob{m.GenerationID, func() { done(i, nil) }})
	}
}

// next waits for a job, ends it, and returns its generation.
func (e *slowEngine) next(t *testing.T) aigen.ID {
	t.Helper()
	var job openJob
	require.Eventually(t, func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		if len(e.open) == 0 {
			return false
		}
		job, e.open = e.open[0], e.open[1:]
		return true
	}, time.Minute, time.Millisecond, "the engine gets a job")
	job.end()
	return job.generation
}

// One user's backlog delays another user by the jobs under way and one turn, not by the
// length of the backlog.
func TestBacklogStarvesNobody(t *testing.T) {
	t.Parallel()
	for _, room := range []int{1, 4} {
		w := setup(t, options{credits: 1_000_000})
		e := &slowEngine{room: room}
		tokens, err := app.NewJobTokens([]byte("a secret for tests"))
		require.NoError(t, err)
		w.relay = newRelay(w.Service, w.store, e, w.notifier, app.JobCallbacks{URL: "http://here/cb", Tokens: tokens},
			outbox.Config{Owner: "test", Poll: 10 * time.Millisecond, JobsByTurns: true})
		hog := w.user
		for range 40 {
			w.create()
		}
		w.run()
		mine := map[aigen.ID]bool{}
		w.user = newID()
		for range 3 {
			mine[w.create()] = true
		}
		last, total := 0, 0 // when the last of mine ended, in jobs
		for range 43 {
			total++
			if mine[e.next(t)] {
				last = total
			}
		}
		require.LessOrEqual(t, last, room+3+3+1, "room %d: mine wait for the jobs under way, and take turns then", room)
		require.NotEqual(t, hog, w.user)
	}
}

package app_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

// station is an engine outside: it takes jobs, or answers with an error, and notes when
// it was asked.
type station struct {
	mu        sync.Mutex
	err       func() error // nil: it takes what comes
	tried     []try
	cancelled []aigen.ID
	back      func()
}

type try struct {
	job aigen.ID
	at  time.Time
}

func (*station) Window() int { return 64 }

func (s *station) Publish(ctx context.Context, jobs []app.JobMessage, done func(int, error)) {
	for i := range jobs {
		if err := jobs[i].Check(ctx); err != nil {
			done(i, err)
			continue
		}
		s.mu.Lock()
		s.tried = append(s.tried, try{jobs[i].JobID, time.Now()})
		answer := s.err
		s.mu.Unlock()
		if answer == nil {
			done(i, nil)
		} else {
			done(i, answer())
		}
	}
}

func (s *station) Cancel(jobs []aigen.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cancelled = append(s.cancelled, jobs...)
}

func (s *station) OnRecovered(back func()) { s.back = back }

func (s *station) answer(err func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *station) tries() []try {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]try(nil), s.tried...)
}

func gone() error { return fmt.Errorf("%w: nobody listens", outbox.ErrUnavailable) }

// outside is a workbench in a bubble of its own time, with a relay of its usual settings
// and an engine outside.
func outside(t *testing.T, f func(t *testing.T, w *fixture, s *station, log *lines)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t, options{credits: 1_000_000})
		w.policy.SamplesTimeout = time.Hour
		s, log := &station{}, &lines{}
		logger := slog.New(slog.NewTextHandler(log, nil))
		var err error
		w.Service, err = app.New(app.Config{Policy: w.policy, Store: w.store, Ledger: w.store, Log: logger})
		require.NoError(t, err)
		w.relay = newRelay(w.Service, w.store, s, w.notifier, tokensFor(t), outbox.Config{Owner: "outside"})
		w.run()
		f(t, w, s, log)
	})
}

type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), part)
}

// While the engine is away one job is tried at a time, no attempt is used up and the log
// has a line a minute; when it is back, all jobs go.
func TestOutage(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, log *lines) {
		const n = 100
		s.answer(gone)
		for range n {
			w.create()
		}
		time.Sleep(10 * time.Minute)
		burst := len(s.tries())
		assert.LessOrEqual(t, burst, n+100, "then probes alone")
		time.Sleep(10 * time.Minute)
		probes := len(s.tries()) - burst
		assert.Greater(t, probes, 20)
		assert.LessOrEqual(t, probes, 90, "one at a time")
		for _, d := range w.deliveries() {
			assert.Equal(t, outbox.DeliveryWaiting, d.State)
			assert.LessOrEqual(t, d.Attempts, 1, "the probe that is under way, perhaps")
		}
		assert.Zero(t, log.count("delivery retry"))
		assert.InDelta(t, 20, log.count("the receiver is unavailable"), 3, "one a minute")
		since, why := w.relay.Outage(outbox.QueueJobs)
		assert.False(t, since.IsZero())
		assert.Contains(t, why, "nobody listens")

		s.answer(nil)
		time.Sleep(20 * time.Second)
		assert.Empty(t, w.deliveries())
		assert.Equal(t, 1, log.count("the receiver is available again"))
		since, _ = w.relay.Outage(outbox.QueueJobs)
		assert.True(t, since.IsZero())
	})
}

// Who learns by itself that the engine is back does not wait for the next probe.
func TestRecoveryWakes(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, _ *lines) {
		s.answer(gone)
		for range 10 {
			w.create()
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		s.answer(nil)
		s.back()
		time.Sleep(100 * time.Millisecond)
		assert.Empty(t, w.deliveries())
	})
}

type askingError struct{ error }

func (a askingError) Unwrap() error           { return a.error }
func (askingError) RetryAfter() time.Duration { return 10 * time.Minute }

// Who asks to be left alone is left alone, also by those that come meanwhile.
func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, _ *lines) {
		s.answer(func() error { return askingError{gone()} })
		w.create()
		time.Sleep(time.Second)
		require.Len(t, s.tries(), 1)
		s.answer(nil)
		w.create()
		time.Sleep(9 * time.Minute)
		require.Len(t, s.tries(), 1)
		time.Sleep(2 * time.Minute)
		require.Len(t, s.tries(), 3)
		require.Empty(t, w.deliveries())
	})
}

// A job that was sent and not answered is sent again after half of the time that is left,
// and not at all once the engine has shown that it has it.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, log *lines) {
		s.answer(func() error { return fmt.Errorf("%w: no answer within 15s", outbox.ErrOutcomeUnknown) })
		began := time.Now()
		silent, shown := w.create(), w.create()
		time.Sleep(10 * time.Second)
		require.Len(t, s.tries(), 2)
		job := w.liveJob(shown)
		percent := 10
		got, err := w.ProcessN8NResult(t.Context(), app.ProcessResult{
			GenerationID: shown, Report: aigen.Report{JobID: job}, Progress: &percent, Received: true,
		})
		require.NoError(t, err)
		require.Equal(t, aigen.OutcomeApplied, got.Outcome)
		time.Sleep(59 * time.Minute)
		var again []time.Duration
		for _, try := range s.tries()[2:] {
			require.Equal(t, w.liveJob(silent), try.job)
			again = append(again, try.at.Sub(began).Round(time.Minute))
		}
		assert.Equal(t, []time.Duration{30 * time.Minute, 45 * time.Minute, 53 * time.Minute, 56 * time.Minute, 58 * time.Minute}, again)
		assert.Zero(t, w.deliveries()[0].Attempts)
		_, err = w.report(shown, samples(job))
		require.NoError(t, err)
		assert.Equal(t, aigen.StatusAwaitingSelection, w.generation(shown).Status)
	})
}

// An engine in this process has a job only as long as the process lives: what it says of
// its progress does not end the delivery.
func TestProgressOfAnEngineInHere(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	id := w.create()
	percent := 10
	_, err := w.ProcessN8NResult(t.Context(), app.ProcessResult{GenerationID: id, Report: aigen.Report{JobID: w.liveJob(id)}, Progress: &percent})
	require.NoError(t, err)
	require.Len(t, w.deliveries(), 1)
	_, err = w.ProcessN8NResult(t.Context(), app.ProcessResult{GenerationID: id, Progress: &percent, Received: true})
	require.NoError(t, err)
	require.Len(t, w.deliveries(), 1, "it could be of another job")
}

// However a generation ends while its job waits, the engine never gets the job; and what
// is worked on already is told to stop, unless it has ended by its own report.
func TestEndedJobsAreNotHandedOver(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, _ *lines) {
		s.answer(gone)
		ended := []aigen.ID{w.create(), w.create(), w.create(), w.create(), w.create()}
		kept := w.create()
		time.Sleep(time.Minute)
		var jobs []aigen.ID
		for _, id := range ended {
			jobs = append(jobs, w.liveJob(id))
		}
		_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: ended[0]})
		require.NoError(t, err)
		_, err = w.operations().FailGeneration(t.Context(), operations.FailGeneration{GenerationID: ended[1], By: note()})
		require.NoError(t, err)
		for i, r := range []aigen.Report{failure(jobs[2], false), samples(jobs[3]), failure(jobs[4], true)} {
			_, err = w.report(ended[i+2], r)
			require.NoError(t, err)
		}
		again := w.liveJob(ended[4])
		before := len(s.tries())
		s.answer(nil)
		time.Sleep(time.Minute)
		var got []aigen.ID
		for _, try := range s.tries()[before:] {
			got = append(got, try.job)
		}
		assert.ElementsMatch(t, []aigen.ID{w.liveJob(kept), again}, got)
		assert.Empty(t, w.deliveries(), "also of the notifications")
		assert.ElementsMatch(t, jobs[:2], s.cancelled)
	})
}

// A stage that times out takes its job out of the outbox.
func TestTimeoutWithdrawsTheJob(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, _ *lines) {
		s.answer(gone)
		id := w.create()
		time.Sleep(time.Hour)
		g, err := w.store.Due(t.Context(), time.Now(), 10)
		require.NoError(t, err)
		require.Equal(t, []aigen.ID{id}, g, "it has waited for all of its time")
		ctx, stop := context.WithCancel(t.Context())
		swept := make(chan error, 1)
		go func() { swept <- w.sweeper.Run(ctx) }()
		time.Sleep(time.Second)
		stop()
		<-swept
		require.Equal(t, aigen.CodeTimeout, w.generation(id).Failure.Code)
		before := len(s.tries())
		s.answer(nil)
		time.Sleep(time.Minute)
		assert.Len(t, s.tries(), before)
		assert.Empty(t, w.deliveries())
	})
}

// A receiver that refuses one delivery and takes others is not away.
func TestOneIsRefused(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, s *station, _ *lines) {
		s.answer(func() error { return errors.New("a fault of its own") })
		w.create()
		time.Sleep(time.Second)
		since, _ := w.relay.Outage(outbox.QueueJobs)
		assert.True(t, since.IsZero())
		time.Sleep(10 * time.Minute)
		ds := w.deliveries()
		assert.Equal(t, outbox.DeliveryDead, ds[0].State, "as before: after ten attempts")
		assert.Equal(t, 10, ds[0].Attempts)
	})
}

// Notifications wait for a service that is away, for a day; then they help nobody.
func TestNotificationsWaitForADay(t *testing.T) {
	t.Parallel()
	outside(t, func(t *testing.T, w *fixture, _ *station, _ *lines) {
		w.notifier.mu.Lock()
		w.notifier.err = gone()
		w.notifier.mu.Unlock()
		id := w.create()
		_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
		require.NoError(t, err)
		w.clock.advance(23 * time.Hour)
		time.Sleep(10 * time.Minute)
		ds := w.deliveries()
		require.Len(t, ds, 1)
		assert.Equal(t, outbox.DeliveryWaiting, ds[0].State)
		w.clock.advance(time.Hour)
		time.Sleep(time.Minute)
		assert.Equal(t, outbox.DeliveryDead, w.deliveries()[0].State)
	})
}

// tired is a credit service that asks for time.
type tired struct {
	*fakeOdoo

	mu    sync.Mutex
	asked []time.Time
	rest  bool
}

func (f *tired) Refund(ctx context.Context, op app.CreditOperation) error {
	f.mu.Lock()
	f.asked = append(f.asked, time.Now())
	rest := f.rest
	f.mu.Unlock()
	if rest {
		return askingError{errDown}
	}
	return f.fakeOdoo.Refund(ctx, op)
}

// What is owed waits for a credit service as long as it asks to be left alone, and costs
// it one call then.
func TestCreditsHeedRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := setup(t, options{credits: 1000, odoo: true})
		credits := &tired{fakeOdoo: w.odoo, rest: true}
		var err error
		w.Service, err = app.New(app.Config{Policy: w.policy, Store: w.store, Credits: credits})
		require.NoError(t, err)
		w.relay = newRelay(w.Service, w.store, &station{}, w.notifier, tokensFor(t), outbox.Config{Owner: "credits"})
		w.run()
		time.Sleep(time.Second)
		for range 3 {
			_, _, err := w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: w.create()})
			require.NoError(t, err)
			time.Sleep(time.Second)
		}
		time.Sleep(9 * time.Minute)
		credits.mu.Lock()
		assert.Len(t, credits.asked, 1)
		credits.rest = false
		credits.mu.Unlock()
		time.Sleep(2 * time.Minute)
		assert.Empty(t, w.deliveries())
		assert.Equal(t, aigen.Credits(1000), w.odoo.balance)
	})
}

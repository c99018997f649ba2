package notification_test

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/notification"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/sqlite"
)

// notifier is a notification service that keeps what it is told by key, whatever it
// answers.
type notifier struct {
	t testing.TB

	mu    sync.Mutex
	down  http.HandlerFunc // what it answers; nil: 202
	tries map[string]int   // by Idempotency-Key
	told  map[string]app.Notification
}

func (p *notifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n app.Notification
	assert.NoError(p.t, json.NewDecoder(r.Body).Decode(&n))
	key := r.Header.Get("Idempotency-Key")
	p.mu.Lock()
	p.tries[key]++
	down := p.down
	_, known := p.told[key]
	if down == nil {
		p.told[key] = n
	}
	p.mu.Unlock()
	switch {
	case down != nil:
		down(w, r)
	case known:
		w.WriteHeader(http.StatusConflict)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
}

func (p *notifier) set(down http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

func (p *notifier) count() (tries, told int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, n := range p.tries {
		tries += n
	}
	return tries, len(p.told)
}

// engine reports the samples of each job at once.
type engine struct{ svc *app.Service }

func (engine) Window() int { return 16 }

func (e engine) Publish(ctx context.Context, jobs []app.JobMessage, done func(int, error)) {
	for i, m := range jobs {
		_, err := e.svc.ProcessN8NResult(ctx, app.ProcessResult{GenerationID: m.GenerationID, Report: aigen.Report{
			JobID: m.JobID, Kind: aigen.ReportSamples, Stage: aigen.StageSamples, AIModelUsed: "test",
			Samples: []aigen.Asset{{AssetID: "s1", URL: "/1.png"}},
		}})
		done(i, err)
	}
}

// A notification service that is down, in several ways and for a while, holds no
// generation up; when it is back each notification arrives, under one key.
func TestDownForAWhile(t *testing.T) {
	t.Parallel()
	for name, down := range map[string]http.HandlerFunc{
		"broken":    says(503, "text/plain", ""),
		"hangs":     func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"hangs up":  func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"wrong key": says(401, "application/json", `{}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &notifier{t: t, down: down, tries: map[string]int{}, told: map[string]app.Notification{}}
			client := connect(t, notification.Config{Timeout: 500 * time.Millisecond}, p.ServeHTTP)
			svc, store := service(t, client)
			const n = 40
			ids := map[aigen.ID]bool{}
			for range n {
				ids[create(t, svc)] = true
			}
			until(t, "all samples, without the phone", func() bool {
				for id := range ids {
					if g, err := store.Get(t.Context(), id); err != nil || g.Status != aigen.StatusAwaitingSelection {
						return false
					}
				}
				return true
			})
			until(t, "tries", func() bool { tries, _ := p.count(); return tries >= n/2 })
			_, told := p.count()
			require.Zero(t, told)
			until(t, "the failure shows", func() bool { return !client.State().Failing.IsZero() }) // a call that hangs fails later

			p.set(nil)
			until(t, "an empty outbox", func() bool {
				ds, err := store.ListDeliveries(t.Context(), outbox.DeliveryQuery{Limit: 1})
				return err == nil && len(ds) == 0
			})
			p.mu.Lock()
			defer p.mu.Unlock()
			assert.Len(t, p.tries, n, "one key each, however often it was tried")
			assert.Len(t, p.told, n)
			for _, note := range p.told {
				assert.Equal(t, aigen.EventSamplesReady, note.Payload.Type)
				assert.True(t, ids[note.Payload.GenerationID])
				delete(ids, note.Payload.GenerationID)
			}
			assert.Empty(t, ids)
			assert.Zero(t, client.State())
		})
	}
}

// A notification that the service refuses for good is put aside and holds no other up.
func TestRefusedForGood(t *testing.T) {
	t.Parallel()
	p := &notifier{t: t, down: says(422, "application/json", `{"code":"unknown_user"}`), tries: map[string]int{}, told: map[string]app.Notification{}}
	svc, store := service(t, connect(t, notification.Config{}, p.ServeHTTP))
	create(t, svc)
	dead := func() []outbox.Delivery {
		ds, err := store.ListDeliveries(t.Context(), outbox.DeliveryQuery{State: outbox.DeliveryDead, Limit: 10})
		require.NoError(t, err)
		return ds
	}
	until(t, "the dead letter", func() bool { return len(dead()) == 1 })
	assert.Contains(t, dead()[0].LastError, "unknown_user")
	p.set(nil)
	create(t, svc)
	until(t, "the next", func() bool { _, told := p.count(); return told == 1 })
	tries, _ := p.count()
	assert.Equal(t, 2, tries)
	assert.Len(t, dead(), 1)
}

// service is the use-cases and the relay on a real store.
func service(t *testing.T, n app.NotificationService) (*app.Service, *sqlite.Store) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{InitialCredits: 100_00})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	relay := outbox.NewRelay(store, outbox.Config{
		Owner: "test", Poll: 10 * time.Millisecond, MaxAttempts: 100_000,
		Backoff: outbox.Backoff{Base: 5 * time.Millisecond, Max: 50 * time.Millisecond},
	})
	svc, err := app.New(app.Config{Store: store, Ledger: store, Dispatcher: relay, Policy: &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 30 * time.Second, MaxStageAttempts: 3, RetryDelay: func(int) time.Duration { return 0 },
		Now: time.Now, NewID: newID,
	}})
	require.NoError(t, err)
	tokens, err := app.NewJobTokens([]byte("a secret for tests"))
	require.NoError(t, err)
	relay.Handle(outbox.QueueJobs, svc.JobHandler(relay, engine{svc}, app.JobCallbacks{URL: "http://here/cb", Tokens: tokens}))
	relay.Handle(outbox.QueueCredits, svc.CreditHandler())
	relay.Handle(outbox.QueueNotifications, svc.NotificationHandler(n))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	return svc, store
}

func create(t *testing.T, svc *app.Service) aigen.ID {
	t.Helper()
	in, err := aigen.NewInput("a red fox", "", json.RawMessage(`{"samples":1}`))
	require.NoError(t, err)
	a, err := svc.InitiateGeneration(t.Context(), app.InitiateGeneration{UserID: newID(), ProjectID: newID(), Input: in})
	require.NoError(t, err)
	return a.GenerationID
}

func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, time.Minute, 2*time.Millisecond, what)
}

package odoo_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/sqlite"
	"github.com/creativeflow/aigen/internal/web"
)

// fixture is the whole of it but the engine and the phone: the API on a real port, the
// use-cases, the relay, a real store, and Odoo played by a remote.
type fixture struct {
	t     *testing.T
	odoo  *remote
	store *sqlite.Store
	svc   *app.Service
	url   string
	user  aigen.ID

	mu    sync.Mutex
	jobs  []app.Job
	notes []app.Notification
}

func newWorld(t *testing.T, mode app.CreditMode, timeout time.Duration) *fixture {
	t.Helper()
	w := &fixture{t: t, odoo: newRemote(t), user: newID()}
	var err error
	w.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	credits := connect(t, odoo.Config{Timeout: timeout, Breaker: odoo.BreakerConfig{OpenFor: 100 * time.Millisecond}}, w.odoo)
	relay := outbox.NewRelay(w.store, outbox.Config{
		Owner: "test", Poll: 10 * time.Millisecond, Backoff: outbox.Backoff{Base: 5 * time.Millisecond, Max: 50 * time.Millisecond},
	})
	w.svc, err = app.New(app.Config{
		Policy: &aigen.Policy{
			Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
			SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
			ReserveTimeout: 30 * time.Second, MaxStageAttempts: 3, RetryDelay: func(int) time.Duration { return 0 },
			Now: time.Now, NewID: newID,
		},
		Store: w.store, Credits: credits, Mode: mode, ReserveTimeout: timeout, Dispatcher: relay,
	})
	require.NoError(t, err)
	tokens, err := app.NewJobTokens([]byte("a secret for tests"))
	require.NoError(t, err)
	relay.Handle(outbox.QueueJobs, w.svc.JobHandler(relay, w, app.JobCallbacks{URL: "http://here/cb", Tokens: tokens}))
	relay.Handle(outbox.QueueCredits, w.svc.CreditHandler())
	relay.Handle(outbox.QueueNotifications, w.svc.NotificationHandler(w))
	ctx, stop := context.WithCancel(background)
	ended := make(chan error, 1)
	go func() { ended <- relay.Run(ctx) }()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	api, err := httpapi.New(httpapi.Config{Service: w.svc, Authenticator: w})
	require.NoError(t, err)
	server := httptest.NewServer(api)
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); server.Close() })
	w.url = server.URL
	return w
}

// Authenticate is for the API: there is one user.
func (w *fixture) Authenticate(context.Context, string) (web.Identity, error) {
	return web.Identity{UserID: w.user}, nil
}

// Window and Publish are the engine, which takes every job.
func (*fixture) Window() int { return 16 }

func (w *fixture) Publish(_ context.Context, jobs []app.JobMessage, done func(int, error)) {
	for i, m := range jobs {
		var j app.Job
		err := json.Unmarshal(m.Body, &j)
		w.mu.Lock()
		w.jobs = append(w.jobs, j)
		w.mu.Unlock()
		done(i, err)
	}
}

// Notify is the phone.
func (w *fixture) Notify(_ context.Context, n app.Notification) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, n)
	return nil
}

// create asks for a generation of two samples, 0.50 credits.
func (w *fixture) create() (status int, body map[string]any, retryAfter string) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/api/v1/generations",
		strings.NewReader(`{"projectId":"`+newID().String()+`","inputPrompt":"a red fox","inputParameters":{"samples":2}}`))
	require.NoError(w.t, err)
	req.Header.Set("Authorization", "Bearer t")
	req.Header.Set("Content-Type", jsonType)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(w.t, err)
	defer func() { _ = resp.Body.Close() }()
	require.NoError(w.t, json.NewDecoder(resp.Body).Decode(&body))
	return resp.StatusCode, body, resp.Header.Get("Retry-After")
}

func (w *fixture) accepted() aigen.ID {
	w.t.Helper()
	status, body, _ := w.create()
	require.Equal(w.t, http.StatusAccepted, status, body)
	id, err := aigen.ParseID(body["generationId"].(string))
	require.NoError(w.t, err)
	return id
}

func (w *fixture) generation(id aigen.ID) *aigen.Generation {
	w.t.Helper()
	g, err := w.store.Get(w.t.Context(), id)
	require.NoError(w.t, err)
	return g
}

func (w *fixture) list() []*aigen.Generation {
	w.t.Helper()
	gs, err := w.store.List(w.t.Context(), app.ListQuery{UserID: w.user, Limit: 100})
	require.NoError(w.t, err)
	return gs
}

func (w *fixture) outbox() []outbox.Delivery {
	w.t.Helper()
	ds, err := w.store.ListDeliveries(w.t.Context(), outbox.DeliveryQuery{Limit: 100})
	require.NoError(w.t, err)
	return ds
}

func (w *fixture) quiet() {
	w.t.Helper()
	until(w.t, "an empty outbox", func() bool { return len(w.outbox()) == 0 })
}

func (w *fixture) balance() (c aigen.Credits) {
	w.odoo.set(func(o *remote) { c = o.available(w.user.String()) })
	return c
}

func (w *fixture) setBalance(c aigen.Credits) {
	w.odoo.set(func(o *remote) { o.credit[w.user.String()] = c })
}

// samplesDone reports the samples of a generation as the engine would.
func (w *fixture) samplesDone(id aigen.ID) {
	w.t.Helper()
	_, err := w.svc.ProcessN8NResult(w.t.Context(), app.ProcessResult{GenerationID: id, Report: aigen.Report{
		Kind: aigen.ReportSamples, Stage: aigen.StageSamples, AIModelUsed: "test",
		Samples: []aigen.Asset{{AssetID: "s1", URL: "/1.png"}, {AssetID: "s2", URL: "/2.png"}},
	}})
	require.NoError(w.t, err)
}

func TestServiceRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, app.ReserveBeforeAnswer, 10*time.Second)
	w.setBalance(49)
	status, body, _ := w.create()
	assert.Equal(t, http.StatusPaymentRequired, status)
	assert.Equal(t, "insufficient_credits", body["code"])
	assert.Empty(t, w.list())
	assert.Empty(t, w.outbox())
	assert.Equal(t, aigen.Credits(49), w.balance())
	w.odoo.set(func(o *remote) { o.down = says(402, jsonType, `{"error":{"code":"insufficient_credits"}}`) })
	status, _, _ = w.create()
	assert.Equal(t, http.StatusPaymentRequired, status)
	assert.Empty(t, w.list())
}

func TestServiceWorks(t *testing.T) {
	t.Parallel()
	w := newWorld(t, app.ReserveBeforeAnswer, 10*time.Second)
	kept, cancelled := w.accepted(), w.accepted()
	assert.Equal(t, aigen.Credits(99_00), w.balance())
	w.samplesDone(kept)
	_, _, err := w.svc.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: cancelled})
	require.NoError(t, err)
	w.quiet()
	assert.Equal(t, aigen.Credits(99_50), w.balance())
	b, err := w.svc.GetCredits(t.Context(), w.user)
	require.NoError(t, err)
	assert.Equal(t, aigen.Credits(99_50), b.Available)
	w.odoo.set(func(o *remote) {
		assert.Equal(t, "deduct", o.settled[w.generation(kept).Runs[0].ID.String()])
		assert.Equal(t, "refund", o.settled[w.generation(cancelled).Runs[0].ID.String()])
	})
}

// An Odoo that commits too late: the user gets 503, and what is held over there
// under the run's reference is freed.
func TestServiceSlow(t *testing.T) {
	t.Parallel()
	w := newWorld(t, app.ReserveBeforeAnswer, 300*time.Millisecond)
	w.odoo.set(func(o *remote) { o.afterwork = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() } })
	status, body, retryAfter := w.create()
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, "credit_service_unavailable", body["code"])
	assert.NotEmpty(t, retryAfter)
	assert.Equal(t, aigen.Credits(99_50), w.balance(), "held, though nobody knows")
	w.odoo.set(func(o *remote) { o.afterwork = nil })
	until(t, "the release", func() bool { return w.balance() == 100_00 })
	w.quiet()
	gs := w.list()
	require.Len(t, gs, 1)
	assert.Equal(t, aigen.StatusFailed, gs[0].Status)
	assert.Equal(t, aigen.ReservationRefunded, gs[0].Runs[0].Reservation)
	reference := gs[0].Runs[0].ID.String()
	for _, c := range w.odoo.seen() {
		assert.Equal(t, reference, c.ops[0].Reference)
	}
}

// An Odoo that is gone in the middle of generations: users learn it at once and are
// charged nothing, and what was decided meanwhile is done when it is back.
func TestServiceGone(t *testing.T) {
	t.Parallel()
	for name, outage := range map[string]http.Handler{
		"database gone":  says(404, htmlType, page),
		"login":          says(303, htmlType, "", "Location", "/web/login"),
		"crash":          http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }),
		"key is refused": says(401, jsonType, `{"error":{"code":"unauthorized"}}`),
		"overloaded":     says(503, "text/plain", "", "Retry-After", "1"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, app.ReserveBeforeAnswer, 10*time.Second)
			kept, cancelled := w.accepted(), w.accepted()
			w.odoo.set(func(o *remote) { o.down = outage })
			w.samplesDone(kept)
			_, _, err := w.svc.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: cancelled})
			require.NoError(t, err)
			for range 3 {
				status, body, retryAfter := w.create()
				assert.Equal(t, http.StatusServiceUnavailable, status)
				assert.Equal(t, "credit_service_unavailable", body["code"])
				seconds, err := strconv.Atoi(retryAfter)
				require.NoError(t, err)
				assert.Positive(t, seconds)
			}
			until(t, "attempts of each", func() bool {
				for _, d := range w.outbox() {
					if d.LastError == "" {
						return false
					}
				}
				return true
			})
			for _, d := range w.outbox() {
				assert.LessOrEqual(t, d.Attempts, 1, "they do not count: only one that is under way")
				assert.Equal(t, outbox.DeliveryWaiting, d.State, "%s is never given up", d.Kind)
				assert.NotContains(t, d.LastError, testKey)
			}
			assert.Equal(t, aigen.StatusAwaitingSelection, w.generation(kept).Status, "nothing waits for Odoo")

			w.odoo.set(func(o *remote) { o.down = nil })
			w.quiet()
			assert.Equal(t, aigen.Credits(99_50), w.balance(), "one deducted; all else is free")
			w.odoo.set(func(o *remote) {
				assert.Equal(t, "deduct", o.settled[w.generation(kept).Runs[0].ID.String()])
				assert.Equal(t, "refund", o.settled[w.generation(cancelled).Runs[0].ID.String()])
			})
			left, asked := map[string]bool{}, map[string]bool{}
			for _, g := range w.list() {
				assert.True(t, g.Runs[0].Reservation.Ended(), g.Status)
				left[g.ID.String()] = true
			}
			for _, call := range w.odoo.seen() {
				for _, op := range call.ops {
					asked[op.GenerationID] = true
				}
			}
			assert.Equal(t, asked, left, "what Odoo was never asked about leaves nothing")
			w.accepted()
		})
	}
}

// With USE_SYNC_CREDIT_CHECK=false nobody waits for Odoo.
func TestServiceInBackground(t *testing.T) {
	t.Parallel()
	w := newWorld(t, app.ReserveInBackground, 10*time.Second)
	w.odoo.set(func(o *remote) { o.down = says(404, htmlType, page) })
	id := w.accepted()
	assert.Equal(t, aigen.StatusPending, w.generation(id).Status)
	until(t, "an attempt", func() bool { return len(w.odoo.seen()) > 0 })
	w.odoo.set(func(o *remote) { o.down = nil })
	until(t, "the reservation", func() bool { return w.generation(id).Status == aigen.StatusProcessingSamples })
	assert.Equal(t, aigen.Credits(99_50), w.balance())
	w.quiet()

	w.setBalance(49)
	poor := w.accepted()
	until(t, "the refusal", func() bool { return w.generation(poor).Status == aigen.StatusFailed })
	assert.Equal(t, aigen.CodeInsufficientCredits, w.generation(poor).Failure.Code)
	w.quiet()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Len(t, w.notes, 1)
	assert.Equal(t, aigen.EventCreditsRefused, w.notes[0].Payload.Type)
	assert.Equal(t, poor, w.notes[0].Payload.GenerationID)
	require.Len(t, w.jobs, 1)
	assert.Equal(t, id, w.jobs[0].GenerationID)
	assert.Equal(t, aigen.Credits(49), w.balance())
}

// Many users at once, over the whole of it: each reserved and settled once.
func TestServiceUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, app.ReserveBeforeAnswer, 10*time.Second)
	in, err := aigen.NewInput("a red fox", "", json.RawMessage(`{"samples":2}`))
	require.NoError(t, err)
	users := make([]aigen.ID, 100)
	ids := make([]aigen.ID, len(users))
	errs := calls(len(users), func(i int) error {
		users[i] = newID()
		a, err := w.svc.InitiateGeneration(background, app.InitiateGeneration{UserID: users[i], ProjectID: newID(), Input: in})
		ids[i] = a.GenerationID
		return err
	})()
	for i, err := range errs {
		require.NoError(t, err)
		if i%2 == 0 {
			w.samplesDone(ids[i])
			continue
		}
		_, _, err := w.svc.CancelGeneration(t.Context(), app.CancelGeneration{UserID: users[i], GenerationID: ids[i]})
		require.NoError(t, err)
	}
	w.quiet()
	w.odoo.set(func(o *remote) {
		assert.Len(t, o.first, len(users))
		for i, id := range ids {
			run := w.generation(id).Runs[0]
			assert.Equal(t, []string{"deduct", "refund"}[i%2], o.settled[run.ID.String()])
			assert.Equal(t, []aigen.Credits{99_50, 100_00}[i%2], o.credit[users[i].String()])
		}
	})
}

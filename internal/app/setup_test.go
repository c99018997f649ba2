package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fixture is a service on a real store, with others' systems played by fakes.
type fixture struct {
	*app.Service
	t        *testing.T
	store    *sqlite.Store
	policy   *aigen.Policy
	clock    *clock
	engine   *fakeEngine
	odoo     *fakeOdoo // nil: the embedded ledger
	notifier *fakeNotifier
	relay    *outbox.Relay
	hub      *live.Hub
	sweeper  *app.Sweeper
	user     aigen.ID
}

type options struct {
	odoo     bool
	mode     app.CreditMode
	credits  aigen.Credits
	attempts int
	rejected bool // charge rejected content
}

func setup(t *testing.T, o options) *fixture {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "aigen.db"), sqlite.Options{InitialCredits: o.credits})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	w := &fixture{t: t, store: store, clock: &clock{}, notifier: &fakeNotifier{}, user: newID()}
	w.policy = &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 30 * time.Second, MaxStageAttempts: 3, ChargeRejected: o.rejected,
		RetryDelay: func(int) time.Duration { return 0 }, Now: w.clock.Now, NewID: newID,
	}
	c := app.Config{Policy: w.policy, Store: store, Mode: o.mode, ReserveTimeout: 200 * time.Millisecond, Live: live.NewHub(live.Config{Store: store, Poll: 50 * time.Millisecond})}
	if o.odoo {
		w.odoo = &fakeOdoo{balance: o.credits, held: map[aigen.ID]aigen.Credits{}, settled: map[aigen.ID]string{}}
		c.Credits = w.odoo
	} else {
		c.Ledger = store
	}
	w.Service, err = app.New(c)
	require.NoError(t, err)
	w.engine = &fakeEngine{w: w}
	tokens, err := app.NewJobTokens([]byte("a secret for tests"))
	require.NoError(t, err)
	w.relay = newRelay(w.Service, store, w.engine, w.notifier, app.JobCallbacks{URL: "http://here/cb", Tokens: tokens},
		outbox.Config{
			Owner: "test", MaxAttempts: max(o.attempts, 1), Poll: 10 * time.Millisecond, StopGrace: 5 * time.Second,
			Backoff: outbox.Backoff{Base: time.Millisecond, Max: 5 * time.Millisecond},
		})
	w.sweeper = app.NewSweeper(w.Service, 10*time.Millisecond)
	return w
}

// newRelay builds a relay and makes it the one that the service hands its deliveries to.
func newRelay(
	s *app.Service, o outbox.Store, jobs app.JobPublisher, n app.NotificationService, c app.JobCallbacks, rc outbox.Config,
) *outbox.Relay {
	rc.Now, rc.Log = s.Policy().Now, s.Log()
	rc.StoreUnavailable = func(err error) bool { return errors.Is(err, app.ErrStoreUnavailable) }
	r := outbox.NewRelay(o, rc)
	r.Handle(outbox.QueueJobs, s.JobHandler(r, jobs, c))
	r.Handle(outbox.QueueCredits, s.CreditHandler())
	r.Handle(outbox.QueueNotifications, s.NotificationHandler(n))
	s.SetDispatcher(r)
	return r
}

// run starts the relay; it stops with the test.
func (w *fixture) run() {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.relay.Run(ctx) }()
	w.t.Cleanup(func() { cancel(); require.NoError(w.t, <-done) })
}

func (w *fixture) create() aigen.ID {
	w.t.Helper()
	a, err := w.initiate(app.RequestKey{})
	require.NoError(w.t, err)
	return a.GenerationID
}

func (w *fixture) initiate(k app.RequestKey) (app.Accepted, error) {
	in, err := aigen.NewInput("a red fox", "watercolour", json.RawMessage(`{"samples":2}`))
	require.NoError(w.t, err)
	return w.InitiateGeneration(w.t.Context(), app.InitiateGeneration{UserID: w.user, ProjectID: newID(), Input: in, Key: k})
}

func (w *fixture) generation(id aigen.ID) *aigen.Generation {
	w.t.Helper()
	g, err := w.store.Get(w.t.Context(), id)
	require.NoError(w.t, err)
	return g
}

func (w *fixture) deliveries() []outbox.Delivery {
	w.t.Helper()
	ds, err := w.store.ListDeliveries(w.t.Context(), outbox.DeliveryQuery{Limit: 1000})
	require.NoError(w.t, err)
	return ds
}

func (w *fixture) until(what string, ok func() bool) {
	w.t.Helper()
	require.Eventually(w.t, ok, time.Minute, 2*time.Millisecond, what)
}

func (w *fixture) untilStatus(id aigen.ID, s aigen.Status) {
	w.t.Helper()
	w.until(string(s), func() bool { return w.generation(id).Status == s })
}

func (w *fixture) report(id aigen.ID, r aigen.Report) (app.Processed, error) {
	return w.ProcessN8NResult(context.Background(), app.ProcessResult{GenerationID: id, Report: r})
}

// liveJob is the job whose report counts.
func (w *fixture) liveJob(id aigen.ID) aigen.ID {
	w.t.Helper()
	for _, r := range w.generation(id).Runs {
		for _, j := range r.Jobs {
			if j.State == aigen.JobLive {
				return j.ID
			}
		}
	}
	w.t.Fatal("no live job")
	return aigen.ID{}
}

func samples(job aigen.ID) aigen.Report {
	return aigen.Report{JobID: job, Kind: aigen.ReportSamples, Stage: aigen.StageSamples, AIModelUsed: "test", Samples: []aigen.Asset{
		{AssetID: "s1", URL: "/assets/1.png"}, {AssetID: "s2", URL: "/assets/2.png"},
	}}
}

func final(job aigen.ID) aigen.Report {
	return aigen.Report{
		JobID: job, Kind: aigen.ReportFinal, Stage: aigen.StageFinal, FinalAssetID: "f",
		FinalAsset: &aigen.Asset{AssetID: "f", URL: "/assets/f.png"},
	}
}

func failure(job aigen.ID, retryable bool) aigen.Report {
	return aigen.Report{JobID: job, Kind: aigen.ReportFailure, Stage: aigen.StageSamples, Failure: aigen.Failure{
		Code: "boom", Message: "It broke.", Retryable: retryable,
	}}
}

func newID() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) }

// clock is the real one, set forward by hand.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// fakeEngine takes jobs, or refuses them, and may call back at once.
type fakeEngine struct {
	w        *fixture
	mu       sync.Mutex
	jobs     []app.Job
	err      error
	callBack bool // report within Publish, before it returns
}

func (*fakeEngine) Window() int { return 64 }

func (e *fakeEngine) Publish(_ context.Context, jobs []app.JobMessage, done func(int, error)) {
	for i, m := range jobs {
		var j app.Job
		if err := json.Unmarshal(m.Body, &j); err != nil {
			done(i, err)
			continue
		}
		e.mu.Lock()
		err, callBack := e.err, e.callBack
		if err == nil {
			e.jobs = append(e.jobs, j)
		}
		e.mu.Unlock()
		if err == nil && callBack {
			r := samples(j.JobID)
			if j.JobType == outbox.DeliverFinalJob {
				r = final(j.JobID)
			}
			_, err = e.w.report(j.GenerationID, r)
		}
		done(i, err)
	}
}

func (e *fakeEngine) set(f func(*fakeEngine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(e)
}

func (e *fakeEngine) taken() []app.Job {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]app.Job(nil), e.jobs...)
}

// fakeOdoo keeps accounts as a credit service must: idempotent by reference.
type fakeOdoo struct {
	mu      sync.Mutex
	balance aigen.Credits
	held    map[aigen.ID]aigen.Credits
	settled map[aigen.ID]string
	down    bool // no call has an effect
	lost    bool // reserve has its effect, but the answer is lost
	calls   int
}

var errDown = &aigen.Error{Code: aigen.CodeCreditServiceUnavailable, Message: "The credit service does not answer."}

func (o *fakeOdoo) Reserve(_ context.Context, op app.CreditOperation) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	if o.down {
		return errDown
	}
	if _, known := o.held[op.Reference]; !known {
		if o.balance < op.Amount {
			return &aigen.Error{Code: aigen.CodeInsufficientCredits, Message: "Not enough."}
		}
		o.balance -= op.Amount
		o.held[op.Reference] = op.Amount
	}
	if o.lost {
		return errDown
	}
	return nil
}

func (o *fakeOdoo) settle(op app.CreditOperation, how string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls++
	if o.down {
		return errDown
	}
	amount, known := o.held[op.Reference]
	if !known || amount != op.Amount {
		return errors.New("never reserved")
	}
	switch before := o.settled[op.Reference]; {
	case before == how:
		return nil
	case before != "":
		return errors.New("settled otherwise")
	}
	o.settled[op.Reference] = how
	if how == "refund" {
		o.balance += amount
	}
	return nil
}

func (o *fakeOdoo) Deduct(_ context.Context, op app.CreditOperation) error {
	return o.settle(op, "deduct")
}
func (o *fakeOdoo) Refund(_ context.Context, op app.CreditOperation) error {
	return o.settle(op, "refund")
}

func (o *fakeOdoo) Balance(context.Context, aigen.ID) (app.Balance, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.down {
		return app.Balance{}, errDown
	}
	return app.Balance{Balance: o.balance, Available: o.balance}, nil
}

func (o *fakeOdoo) set(f func(*fakeOdoo)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	f(o)
}

func (o *fakeOdoo) how(run aigen.ID) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.settled[run]
}

// fakeNotifier takes notifications.
type fakeNotifier struct {
	mu    sync.Mutex
	err   error
	notes []app.Notification
}

func (p *fakeNotifier) Notify(_ context.Context, n app.Notification) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.notes = append(p.notes, n)
	return nil
}

func (p *fakeNotifier) types() []aigen.EventType {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []aigen.EventType
	for _, n := range p.notes {
		out = append(out, n.Payload.Type)
	}
	return out
}

// Seed fills an empty SQLite file with a day in the life of a service, for the tests of
// the operator's pages and to look at them: generations in every state, failures,
// deliveries that wait or are dead, and what operators did. Everything goes through
// the use-cases, with a clock that is set.
package main

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/sqlite"
)

func main() {
	dir := flag.String("data", "", "DATA_DIR of the service, which is not running (required)")
	n := flag.Int("n", 400, "how many generations")
	flag.Parse()
	if *dir == "" {
		log.Fatal("-data is required")
	}
	if err := seed(context.Background(), *dir, *n); err != nil {
		log.Fatal(err)
	}
}

// fixture is a service whose clock is set by hand, and dice that always fall the same.
type fixture struct {
	*app.Service

	store   *sqlite.Store
	now     time.Time
	ids     uint64
	dice    *rand.Rand
	policy  *aigen.Policy
	users   []aigen.ID
	trouble map[aigen.ID]error // what becomes of a generation's jobs
	unheard map[aigen.ID]error // what becomes of its notifications
}

func seed(ctx context.Context, dir string, n int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := paint(filepath.Join(dir, "assets")); err != nil {
		return err
	}
	store, err := sqlite.Open(ctx, filepath.Join(dir, "aigen.db"), sqlite.Options{InitialCredits: 5000_00})
	if err != nil {
		return err
	}
	defer store.Close()
	w := &fixture{store: store, now: time.Now(), dice: rand.New(rand.NewPCG(7, 11)), trouble: map[aigen.ID]error{}, unheard: map[aigen.ID]error{}} //nolint:gosec // G404: dice
	w.policy = &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour, ReserveTimeout: time.Minute,
		MaxStageAttempts: 3, RetryDelay: func(int) time.Duration { return time.Second },
		Now: func() time.Time { return w.now }, NewID: w.newID,
	}
	if w.Service, err = app.New(app.Config{Policy: w.policy, Store: store, Ledger: store}); err != nil {
		return err
	}
	for range 12 {
		w.users = append(w.users, w.newID())
	}
	if err := w.day(ctx, n); err != nil {
		return err
	}
	if err := w.deliver(ctx); err != nil {
		return err
	}
	return w.operators(ctx)
}

// newID is of version 7, at the time that is set.
func (w *fixture) newID() (id aigen.ID) {
	w.ids++
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(w.now.UnixMilli()))
	copy(id[:6], ms[2:])
	id[6], id[8] = 0x70, 0x80
	binary.BigEndian.PutUint32(id[9:], w.dice.Uint32())
	binary.BigEndian.PutUint16(id[14:], uint16(w.ids)) //nolint:gosec // G115: wraps around
	return id
}

var prompts = []string{
	"A red fox in fresh snow at dawn, watercolour", "Neon ramen bar in the rain, cinematic, 35 mm", "Isometric island with a lighthouse, pastel",
	"A ceramic vase with wild poppies on a linen table", "Retro poster of a mountain railway, two colours", "An astronaut watering tomatoes in a greenhouse on Mars",
	"Minimal logo of a paper crane, ink on white", "A cosy reading nook under a staircase, warm light", "Cyberpunk alley cat with a tiny umbrella",
	"Bauhaus composition for a jazz night", "Aerial view of tea terraces in morning fog", "Product shot of a matte black kettle, softbox, studio grey",
}

// day makes n generations, most of them in the last hours.
func (w *fixture) day(ctx context.Context, n int) error {
	end := w.now
	starts := make([]time.Time, n)
	for i := range starts {
		back := 24 * time.Hour
		if i%2 == 0 {
			back = time.Hour
		}
		starts[i] = end.Add(-time.Duration(w.dice.Float64() * float64(back)))
	}
	slices.SortFunc(starts, time.Time.Compare)
	for i, at := range starts {
		w.now = at
		if err := w.life(ctx, i, end); err != nil {
			return fmt.Errorf("generation %d: %w", i, err)
		}
	}
	w.now = end
	return nil
}

// pass lets time go by; false if that is after the end.
func (w *fixture) pass(least, most float64, end time.Time) bool {
	w.now = w.now.Add(time.Duration((least + w.dice.Float64()*(most-least)) * float64(time.Second)))
	return w.now.Before(end)
}

// life leads one generation as far as it comes.
func (w *fixture) life(ctx context.Context, i int, end time.Time) error {
	user := w.users[w.dice.IntN(len(w.users))]
	in, err := aigen.NewInput(prompts[i%len(prompts)], "", json.RawMessage(`{"format":"InstagramPost","samples":4}`))
	if err != nil {
		return err
	}
	accepted, err := w.InitiateGeneration(ctx, app.InitiateGeneration{UserID: user, ProjectID: user, Input: in})
	if err != nil {
		return err
	}
	id, luck := accepted.GenerationID, w.dice.IntN(100)
	w.choose(id, luck, end)
	if !w.pass(6, 22, end) {
		return nil
	}
	switch {
	case luck < 3:
		return w.cancel(ctx, user, id)
	case luck < 6:
		return w.report(ctx, id, aigen.Report{Kind: aigen.ReportRejected, Failure: aigen.Failure{Code: aigen.CodeContentRejected, Message: "The content was refused."}})
	case luck < 10:
		return w.report(ctx, id, failed(aigen.StageSamples, "gpu_lost", "The engine lost its GPU.", false))
	case luck < 16:
		if err := w.report(ctx, id, failed(aigen.StageSamples, "overloaded", "The engine is overloaded.", true)); err != nil || !w.pass(8, 30, end) {
			return err
		}
	}
	if err := w.report(ctx, id, samples(4)); err != nil || !w.pass(10, 600, end) || luck > 90 {
		return err
	}
	if _, err := w.SelectSample(ctx, app.SelectSample{UserID: user, GenerationID: id, SampleID: "sample-2"}); err != nil || !w.pass(15, 70, end) {
		return err
	}
	if luck > 86 {
		return w.report(ctx, id, failed(aigen.StageFinal, "upscaler_failed", "The picture could not be enlarged.", false))
	}
	return w.report(ctx, id, aigen.Report{Kind: aigen.ReportFinal, FinalAssetID: "final-1", AIModelUsed: "painter-2", FinalAsset: &aigen.Asset{
		AssetID: "final-1", URL: pictureURL(0), Width: 1080, Height: 1080, Format: "png",
	}})
}

func failed(stage aigen.Stage, code aigen.Code, message string, retryable bool) aigen.Report {
	return aigen.Report{Kind: aigen.ReportFailure, Stage: stage, Failure: aigen.Failure{Code: code, Message: message, Retryable: retryable}}
}

func samples(n int) aigen.Report {
	r := aigen.Report{Kind: aigen.ReportSamples, AIModelUsed: "sketcher-1"}
	for i := range n {
		id := fmt.Sprintf("sample-%d", i+1)
		r.Samples = append(r.Samples, aigen.Asset{AssetID: id, URL: pictureURL(i + 1), Width: 512, Height: 512, Format: "png"})
	}
	return r
}

func (w *fixture) report(ctx context.Context, id aigen.ID, r aigen.Report) error {
	g, err := w.store.Get(ctx, id)
	if err != nil {
		return err
	}
	jobs := g.Runs[len(g.Runs)-1].Jobs
	r.JobID = jobs[len(jobs)-1].ID
	_, err = w.ProcessN8NResult(ctx, app.ProcessResult{GenerationID: id, Report: r})
	return err
}

func (w *fixture) cancel(ctx context.Context, user, id aigen.ID) error {
	_, _, err := w.CancelGeneration(ctx, app.CancelGeneration{UserID: user, GenerationID: id})
	return err
}

// choose decides what becomes of a generation's deliveries.
func (w *fixture) choose(id aigen.ID, luck int, end time.Time) {
	switch {
	case luck >= 40 && luck < 43:
		w.unheard[id] = &outbox.PermanentError{Err: fmt.Errorf("the notification service refused it: status 404: no user %s", id)}
	case luck >= 43 && luck < 45 && end.Sub(w.now) < time.Hour:
		w.unheard[id] = errors.New("the notification service: connection refused")
	case end.Sub(w.now) < time.Minute && luck%2 == 0:
		w.trouble[id] = &outbox.PermanentError{Err: errors.New("the broker refused the job: 404 NOT_FOUND, no exchange 'creativeflow' in vhost '/'")}
	}
}

// Publish, Window and Notify play the systems outside.
func (w *fixture) Publish(_ context.Context, jobs []app.JobMessage, done func(int, error)) {
	for i, j := range jobs {
		done(i, w.trouble[j.GenerationID])
	}
}

// Window implements app.JobPublisher.
func (*fixture) Window() int { return 256 }

// Notify implements app.NotificationService.
func (w *fixture) Notify(_ context.Context, n app.Notification) error {
	return w.unheard[n.Payload.GenerationID]
}

// deliver runs the relay until nothing is due.
func (w *fixture) deliver(ctx context.Context) error {
	tokens, err := app.NewJobTokens([]byte("nobody calls back with these"))
	if err != nil {
		return err
	}
	relay := outbox.NewRelay(w.store, outbox.Config{
		Owner: "seed", Poll: 10 * time.Millisecond, Backoff: outbox.Backoff{Base: time.Hour, Max: time.Hour}, Now: w.policy.Now,
	})
	relay.Handle(outbox.QueueJobs, w.JobHandler(relay, w, app.JobCallbacks{Tokens: tokens}))
	relay.Handle(outbox.QueueCredits, w.CreditHandler())
	relay.Handle(outbox.QueueNotifications, w.NotificationHandler(w))
	run, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- relay.Run(run) }()
	for {
		due := 0
		ds, err := w.store.ListDeliveries(ctx, outbox.DeliveryQuery{State: outbox.DeliveryWaiting, Limit: 10_000})
		for _, d := range ds {
			if !d.AvailableAt.After(w.now) {
				due++
			}
		}
		busy, err2 := w.store.ListDeliveries(ctx, outbox.DeliveryQuery{State: outbox.DeliveryLeased, Limit: 1})
		if err := errors.Join(err, err2); err != nil || due+len(busy) == 0 {
			stop()
			return errors.Join(err, <-done)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// operators writes what is there with a remote credit service alone, and does what
// operators do.
func (w *fixture) operators(ctx context.Context) error {
	o := operations.New(operations.Config{Service: w.Service, Policy: w.policy, Store: w.store})
	page, err := o.ListAllGenerations(ctx, operations.AllQuery{Status: aigen.StatusAwaitingSelection, Limit: 3})
	if err != nil {
		return err
	}
	by := aigen.OperatorNote{ID: w.newID(), Reason: "the campaign was called off, ticket 4711"}
	for i, g := range page.Items {
		if i == 0 {
			if _, err := o.FailGeneration(ctx, operations.FailGeneration{By: by, GenerationID: g.ID}); err != nil {
				return err
			}
			continue
		}
		kind := outbox.DeliverRefund
		if i == 2 {
			kind = outbox.DeliverDeduct
		}
		d := outbox.Delivery{
			ID: w.newID(), Kind: kind, UserID: g.UserID, GenerationID: g.ID, RunID: g.Runs[0].ID, Payload: []byte(`{"amount":"1.00"}`),
			State: outbox.DeliveryDead, Attempts: 1, LastError: "Odoo refused it for good: account_not_found", CreatedAt: g.UpdatedAt,
		}
		if err := w.store.Apply(ctx, []*app.Change{{Generation: g, From: g.Version, Deliveries: []outbox.Delivery{d}}})[0]; err != nil {
			return err
		}
	}
	return nil
}

package storetest

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
)

// parameters hold what a store could spoil: characters that encoders of JSON like
// to escape, a number no float can hold, an order of keys, an inner null.
const parameters = `{"zoom":1e400,"format":"InstagramStory","tags":["<b>&","\u00e9é","",null],` +
	`"resolution":"1080x1920","samples":2,"a":{"n":12345678901234567890.10}}`

func (w *fixture) input() aigen.Input {
	w.t.Helper()
	in, err := aigen.NewInput("a red <fox> & friends, \u2028 „quoted” 🦊", "soft 'light'", []byte(parameters))
	w.must(err)
	return in
}

// pending is a new generation, not written yet.
func (w *fixture) pending(user aigen.ID) *aigen.Generation {
	return aigen.New(w.policy, user, w.id(), w.input(), aigen.Options{})
}

// change says what g's verbs since it was loaded have decided, as the use-cases do
// with the embedded ledger.
func (w *fixture) change(g *aigen.Generation) *app.Change {
	w.t.Helper()
	events, effects := g.Drain()
	c := &app.Change{Generation: g, From: g.Version, Events: events}
	for _, e := range effects {
		w.carryOut(c, e)
	}
	return c
}

func (w *fixture) carryOut(c *app.Change, e aigen.Effect) {
	w.t.Helper()
	g := c.Generation
	switch e.Kind {
	case aigen.EffectDispatch:
		run, _, ok := g.FindJob(e.JobID)
		require.True(w.t, ok)
		kind := outbox.DeliverSampleJob
		if run.Stage == aigen.StageFinal {
			kind = outbox.DeliverFinalJob
		}
		d := w.delivery(g, kind)
		d.ID, d.RunID, d.AvailableAt = e.JobID, e.RunID, d.CreatedAt.Add(e.Delay)
		c.Deliveries = append(c.Deliveries, d)
	case aigen.EffectNotify:
		c.Deliveries = append(c.Deliveries, w.delivery(g, outbox.DeliverNotify))
	case aigen.EffectIngest:
		c.Deliveries = append(c.Deliveries, w.delivery(g, outbox.DeliverIngest))
		c.Assets = append(c.Assets, aigen.StoredAsset{
			Name: e.Asset.Name, AssetID: e.Asset.AssetID, Kind: aigen.AssetResult, UserID: g.UserID, GenerationID: g.ID, JobID: e.JobID,
			Model: g.AIModelUsed, SourceURL: e.Asset.URL, State: aigen.AssetWaiting, SourceType: "t", CreatedAt: g.UpdatedAt,
		})
	case aigen.EffectWithdraw:
		c.Withdrawn = append(c.Withdrawn, e.JobID)
	case aigen.EffectDeduct:
		c.Postings = append(c.Postings, w.posting(g, ledger.Deduct, e.RunID, e.Amount))
	case aigen.EffectRefund:
		c.Postings = append(c.Postings, w.posting(g, ledger.Refund, e.RunID, e.Amount))
	case aigen.EffectRelease, aigen.EffectReserve:
		d := w.delivery(g, outbox.DeliverRelease)
		d.RunID = e.RunID
		c.Deliveries = append(c.Deliveries, d)
	default:
		w.t.Fatalf("unknown effect %q", e.Kind)
	}
}

func (w *fixture) delivery(g *aigen.Generation, kind outbox.DeliveryKind) outbox.Delivery {
	return outbox.Delivery{
		ID: w.id(), Kind: kind, UserID: g.UserID, GenerationID: g.ID,
		Payload: fmt.Appendf(nil, `{"of":%q,"text":"<&>"}`, g.ID),
		Trace:   "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		State:   outbox.DeliveryWaiting, CreatedAt: w.now(), AvailableAt: w.now(),
	}
}

func (w *fixture) posting(g *aigen.Generation, kind ledger.Kind, run aigen.ID, amount aigen.Credits) ledger.Posting {
	return ledger.Posting{Kind: kind, UserID: g.UserID, GenerationID: g.ID, RunID: run, Amount: amount, At: w.now()}
}

// reserved is the change that holds the credits of g's pending run.
func (w *fixture) reserved(g *aigen.Generation) *app.Change {
	w.t.Helper()
	run, ok := g.PendingRun()
	require.True(w.t, ok)
	_, err := g.ConfirmReservation(w.policy, run.ID)
	w.must(err)
	c := w.change(g)
	c.Postings = append(c.Postings, w.posting(g, ledger.Reserve, run.ID, run.Amount))
	return c
}

// accepted is the change that accepts a new generation: all that a request writes.
func (w *fixture) accepted(user aigen.ID) *app.Change {
	w.t.Helper()
	return w.reserved(w.pending(user))
}

// create writes a new generation with a live job.
func (w *fixture) create(user aigen.ID) *aigen.Generation {
	w.t.Helper()
	c := w.accepted(user)
	w.apply(c)
	return c.Generation
}

// awaiting writes one that has its samples.
func (w *fixture) awaiting(user aigen.ID) *aigen.Generation {
	w.t.Helper()
	g := w.create(user)
	w.report(g, aigen.Report{Kind: aigen.ReportSamples, Samples: samples()})
	w.apply(w.change(g))
	return g
}

func (w *fixture) report(g *aigen.Generation, rep aigen.Report) {
	w.t.Helper()
	outcome, err := g.Report(w.policy, rep)
	w.must(err)
	require.Equal(w.t, aigen.OutcomeApplied, outcome)
}

func samples() []aigen.Asset {
	return []aigen.Asset{
		{AssetID: "s1", URL: "https://cdn.example/1.png?a=1&b=<2>", Width: 512, Height: 910, Format: "png", Metadata: []byte(`{"seed":12345678901234567890,"x":"<&>"}`)},
		{AssetID: "s2 é", URL: "https://cdn.example/2.png"},
	}
}

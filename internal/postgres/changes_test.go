package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/ledger"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/postgres"
)

func policy() *aigen.Policy {
	return &aigen.Policy{
		Pricing:        aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout: 5 * time.Minute, FinalTimeout: 10 * time.Minute, SelectionTimeout: 720 * time.Hour,
		ReserveTimeout: 10 * time.Second, MaxStageAttempts: 3, RetryDelay: func(int) time.Duration { return time.Second },
		Now: time.Now, NewID: func() aigen.ID { return aigen.ID(uuid.Must(uuid.NewV7())) },
	}
}

// accept is the change that accepts a new generation with the embedded ledger.
func accept(tb testing.TB, p *aigen.Policy, user aigen.ID) *app.Change {
	tb.Helper()
	in, err := aigen.NewInput("a red fox in the snow, watercolour", "soft light",
		[]byte(`{"format":"InstagramStory","resolution":"1080x1920","samples":4,"seed":7}`))
	require.NoError(tb, err)
	g := aigen.New(p, user, p.NewID(), in, aigen.Options{})
	run, _ := g.PendingRun()
	_, err = g.ConfirmReservation(p, run.ID)
	require.NoError(tb, err)
	c := decided(tb, p, g)
	c.Postings = append(c.Postings, movement(g, ledger.Reserve, run.ID, run.Amount))
	return c
}

// next is the change that a verb makes of a generation.
func next(tb testing.TB, p *aigen.Policy, g *aigen.Generation, verb func(*aigen.Generation) error) *app.Change {
	tb.Helper()
	require.NoError(tb, verb(g))
	c := decided(tb, p, g)
	if run := g.Runs[len(g.Runs)-1]; run.Reservation == aigen.ReservationHeld && len(run.Jobs) == 1 && run.Stage == aigen.StageFinal {
		c.Postings = append(c.Postings, movement(g, ledger.Reserve, run.ID, run.Amount))
	}
	return c
}

// decided says what the verbs since g was loaded have decided.
func decided(tb testing.TB, p *aigen.Policy, g *aigen.Generation) *app.Change {
	tb.Helper()
	events, effects := g.Drain()
	c := &app.Change{Generation: g, From: g.Version, Events: events}
	for _, e := range effects {
		d := outbox.Delivery{
			ID: p.NewID(), Kind: outbox.DeliverNotify, UserID: g.UserID, GenerationID: g.ID,
			Payload: []byte(`{"jobId":"…","inputPrompt":"a red fox in the snow, watercolour","styleGuidance":"soft light",` +
				`"inputParameters":{"format":"InstagramStory","resolution":"1080x1920","samples":4,"seed":7},"selectedSample":null}`),
			State: outbox.DeliveryWaiting, AvailableAt: g.UpdatedAt, CreatedAt: g.UpdatedAt,
		}
		switch e.Kind {
		case aigen.EffectDispatch:
			d.ID, d.Kind, d.RunID = e.JobID, outbox.DeliverSampleJob, e.RunID
			c.Deliveries = append(c.Deliveries, d)
		case aigen.EffectWithdraw:
			c.Withdrawn = append(c.Withdrawn, e.JobID)
		case aigen.EffectNotify:
			c.Deliveries = append(c.Deliveries, d)
		case aigen.EffectDeduct:
			c.Postings = append(c.Postings, movement(g, ledger.Deduct, e.RunID, e.Amount))
		case aigen.EffectRefund:
			c.Postings = append(c.Postings, movement(g, ledger.Refund, e.RunID, e.Amount))
		default:
			tb.Fatalf("unexpected effect %q", e.Kind)
		}
	}
	return c
}

func movement(g *aigen.Generation, kind ledger.Kind, run aigen.ID, amount aigen.Credits) ledger.Posting {
	return ledger.Posting{Kind: kind, UserID: g.UserID, GenerationID: g.ID, RunID: run, Amount: amount, At: g.UpdatedAt}
}

func sampled(p *aigen.Policy) func(*aigen.Generation) error {
	return func(g *aigen.Generation) error {
		_, err := g.Report(p, aigen.Report{Kind: aigen.ReportSamples, AIModelUsed: "model", Samples: []aigen.Asset{
			{AssetID: "s1", URL: "https://cdn.example/1.png", Width: 512, Height: 910, Format: "png"},
			{AssetID: "s2", URL: "https://cdn.example/2.png", Width: 512, Height: 910, Format: "png"},
		}})
		return err
	}
}

func selected(p *aigen.Policy) func(*aigen.Generation) error {
	return func(g *aigen.Generation) error {
		if err := g.SelectSample(p, "s1", aigen.Resolution{}); err != nil {
			return err
		}
		run, _ := g.PendingRun()
		_, err := g.ConfirmReservation(p, run.ID)
		return err
	}
}

func completed(p *aigen.Policy) func(*aigen.Generation) error {
	return func(g *aigen.Generation) error {
		final := aigen.Asset{AssetID: "f", URL: "https://cdn.example/f.png", Width: 1080, Height: 1920, Format: "png"}
		_, err := g.Report(p, aigen.Report{Kind: aigen.ReportFinal, FinalAssetID: "f", FinalAsset: &final})
		return err
	}
}

func cancelled(p *aigen.Policy) func(*aigen.Generation) error {
	return func(g *aigen.Generation) error { return g.Cancel(p) }
}

// write accepts a generation of a new user.
func write(t *testing.T, s *postgres.Store) *app.Change {
	t.Helper()
	c := accept(t, policy(), aigen.ID(uuid.New()))
	require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
	return c
}

// checkInvariants checks what must hold after every test.
func checkInvariants(t *testing.T, s *postgres.Store) map[string]int64 {
	t.Helper()
	rows, faults, err := s.Audit(t.Context())
	require.NoError(t, err)
	require.Empty(t, faults)
	return rows
}

// GetMany loads what Get loads, and leaves out what is not there.
func TestGetMany(t *testing.T) {
	t.Parallel()
	s, p := open(t, database(t), postgres.Options{InitialCredits: 10_000}), policy()
	var all []aigen.ID
	for range 5 {
		c := accept(t, p, aigen.ID(uuid.New()))
		require.NoError(t, s.Apply(t.Context(), []*app.Change{c})[0])
		all = append(all, c.Generation.ID)
	}
	missing := p.NewID()
	for _, wanted := range [][]aigen.ID{all[:1], all, append([]aigen.ID{missing, all[2], all[2]}, all...), {missing}, {missing, p.NewID()}} {
		found, err := s.GetMany(t.Context(), wanted)
		require.NoError(t, err)
		for _, id := range wanted {
			one, err := s.Get(t.Context(), id)
			if id == missing || err != nil {
				require.ErrorIs(t, err, aigen.ErrNotFound)
				require.NotContains(t, found, id)
				continue
			}
			require.Equal(t, one, found[id])
		}
	}
}

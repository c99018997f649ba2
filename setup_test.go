package aigen_test

import (
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// fixture is a policy with a clock that a test moves and ids that count up.
type fixture struct {
	*aigen.Policy
	now    time.Time
	ids    uint64
	prints uint16
}

// The names of the pictures that the reports of these tests bring.
const (
	firstSample  = "sample-1"
	secondSample = "sample-2"
)

func setup() *fixture {
	w := &fixture{now: time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)}
	w.Policy = &aigen.Policy{
		Pricing:          aigen.Pricing{Sample: 25, Final: 100, FinalHighResolution: 200},
		SamplesTimeout:   5 * time.Minute,
		FinalTimeout:     10 * time.Minute,
		SelectionTimeout: 720 * time.Hour,
		ReserveTimeout:   30 * time.Second,
		MaxStageAttempts: 3,
		RetryDelay:       func(attempt int) time.Duration { return time.Duration(attempt) * 10 * time.Second },
		Now:              func() time.Time { return w.now },
		NewID:            func() aigen.ID { return w.newID() },
	}
	return w
}

func (w *fixture) newID() (id aigen.ID) {
	w.ids++
	binary.BigEndian.PutUint64(id[8:], w.ids)
	return id
}

func (w *fixture) advance(d time.Duration) { w.now = w.now.Add(d) }

// fresh is a fingerprint that no report had before.
func (w *fixture) fresh() aigen.Fingerprint {
	w.prints++
	return aigen.Fingerprint{0xfe, byte(w.prints >> 8), byte(w.prints)}
}

func (w *fixture) pending(t testing.TB) *aigen.Generation {
	t.Helper()
	in, err := aigen.NewInput("a red fox", "watercolour", json.RawMessage(`{"format":"InstagramStory"}`))
	require.NoError(t, err)
	return aigen.New(w.Policy, w.newID(), w.newID(), in, aigen.Options{})
}

// in brings a new generation into a status, by verbs alone, and drains it.
func (w *fixture) in(t testing.TB, s aigen.Status) *aigen.Generation {
	t.Helper()
	g := w.pending(t)
	switch s {
	case aigen.StatusPending:
	case aigen.StatusProcessingSamples:
		w.reserved(t, g)
	case aigen.StatusAwaitingSelection:
		g = w.in(t, aigen.StatusProcessingSamples)
		w.applied(t, g, w.samples(job(g)))
	case aigen.StatusProcessingFinal:
		g = w.choosing(t)
		w.reserved(t, g)
	case aigen.StatusCompleted:
		g = w.in(t, aigen.StatusProcessingFinal)
		w.applied(t, g, w.final(job(g)))
	case aigen.StatusFailed:
		g = w.in(t, aigen.StatusProcessingSamples)
		w.applied(t, g, w.failure(job(g), aigen.StageSamples, false))
	case aigen.StatusCancelled:
		g = w.in(t, aigen.StatusProcessingSamples)
		require.NoError(t, g.Cancel(w.Policy))
	case aigen.StatusContentRejected:
		g = w.in(t, aigen.StatusProcessingSamples)
		w.applied(t, g, w.rejected(job(g)))
	}
	require.Equal(t, s, g.Status)
	g.Drain()
	return g
}

// choosing is a generation whose user has chosen a sample, and whose credits for
// the final are asked for.
func (w *fixture) choosing(t testing.TB) *aigen.Generation {
	t.Helper()
	g := w.in(t, aigen.StatusAwaitingSelection)
	require.NoError(t, g.SelectSample(w.Policy, firstSample, aigen.Resolution{}))
	return g
}

func (w *fixture) reserved(t testing.TB, g *aigen.Generation) {
	t.Helper()
	changed, err := g.ConfirmReservation(w.Policy, newestRun(g).ID)
	require.NoError(t, err)
	require.True(t, changed)
}

func (w *fixture) applied(t testing.TB, g *aigen.Generation, rep aigen.Report) {
	t.Helper()
	outcome, err := g.Report(w.Policy, rep)
	require.NoError(t, err)
	require.Equal(t, aigen.OutcomeApplied, outcome)
}

func (w *fixture) samples(job aigen.ID) aigen.Report {
	return aigen.Report{
		JobID: job, Kind: aigen.ReportSamples, Stage: aigen.StageSamples, Fingerprint: w.fresh(), AIModelUsed: "sketcher",
		Samples: []aigen.Asset{{AssetID: firstSample, URL: "/1.png"}, {AssetID: secondSample, URL: "/2.png"}},
	}
}

func (w *fixture) final(job aigen.ID) aigen.Report {
	return aigen.Report{
		JobID: job, Kind: aigen.ReportFinal, Stage: aigen.StageFinal, Fingerprint: w.fresh(), AIModelUsed: "painter",
		FinalAssetID: "final-1", FinalAsset: &aigen.Asset{AssetID: "final-1", URL: "/f.png"},
	}
}

func (w *fixture) failure(job aigen.ID, stage aigen.Stage, retryable bool) aigen.Report {
	return aigen.Report{
		JobID: job, Kind: aigen.ReportFailure, Stage: stage, Fingerprint: w.fresh(),
		Failure: aigen.Failure{Code: "gpu_lost", Message: "The engine lost its GPU.", Retryable: retryable},
	}
}

func (w *fixture) rejected(job aigen.ID) aigen.Report {
	return aigen.Report{
		JobID: job, Kind: aigen.ReportRejected, Fingerprint: w.fresh(),
		Failure: aigen.Failure{Code: aigen.CodeContentRejected, Message: "Not this."},
	}
}

func newestRun(g *aigen.Generation) *aigen.Run { return &g.Runs[len(g.Runs)-1] }

// job is the newest job over all runs, zero if there is none.
func job(g *aigen.Generation) aigen.ID {
	for i := len(g.Runs) - 1; i >= 0; i-- {
		if n := len(g.Runs[i].Jobs); n > 0 {
			return g.Runs[i].Jobs[n-1].ID
		}
	}
	return aigen.ID{}
}

// snapshot is everything of a generation that a store would keep, as text.
func snapshot(t testing.TB, g *aigen.Generation) string {
	t.Helper()
	b, err := json.MarshalIndent(g, "", " ")
	require.NoError(t, err)
	return string(b)
}

func kinds(effects []aigen.Effect) []aigen.EffectKind {
	var out []aigen.EffectKind
	for _, e := range effects {
		out = append(out, e.Kind)
	}
	return out
}

func eventTypes(events []aigen.Event) []aigen.EventType {
	var out []aigen.EventType
	for _, e := range events {
		out = append(out, e.Type)
	}
	return out
}

// clock is the time as a store keeps it.
func (w *fixture) clock() time.Time { return w.now.Truncate(time.Microsecond) }

package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/worker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const base = "http://assets.example"

var quiet = slog.New(slog.DiscardHandler)

// bundle is a folder of assets, and what looks into it.
type bundle struct {
	*worker.Assets
	dir string
}

func setup(t testing.TB) bundle {
	t.Helper()
	dir := t.TempDir()
	return bundle{openAssets(t, dir, "key"), dir}
}

func openAssets(t testing.TB, dir, key string) *worker.Assets {
	t.Helper()
	assets, err := worker.NewAssets(dir, func() string { return base }, []byte(key))
	require.NoError(t, err)
	t.Cleanup(func() { _ = assets.Close() })
	return assets
}

// file is the content of an asset.
func (b bundle) file(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(b.dir + "/" + name)
	require.NoError(t, err)
	return data
}

// names lists what is in the folder.
func (b bundle) names(t testing.TB) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(b.dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// sampleJob is a job for samples with these parameters, "" for none.
func sampleJob(t testing.TB, parameters string) app.Job {
	t.Helper()
	p, faults := aigen.ParseParameters(json.RawMessage(parameters))
	require.Empty(t, faults)
	return app.Job{
		JobID: aigen.ID{1}, RunID: aigen.ID{2}, GenerationID: aigen.ID{3}, UserID: aigen.ID{4}, ProjectID: aigen.ID{5},
		JobType: outbox.DeliverSampleJob, Attempt: 1, InputPrompt: "a red fox", StyleGuidance: "watercolour",
		InputParameters: p, Deadline: time.Now().Add(time.Minute),
	}
}

// finalJob asks for the final of a sample.
func finalJob(t testing.TB, sample aigen.Asset, resolution string) app.Job {
	t.Helper()
	j := sampleJob(t, "")
	j.JobID, j.JobType, j.SelectedSample, j.Resolution = aigen.ID{9}, outbox.DeliverFinalJob, &sample, resolution
	return j
}

func message(t testing.TB, j app.Job) app.JobMessage {
	t.Helper()
	body, err := json.Marshal(j)
	require.NoError(t, err)
	return app.JobMessage{JobID: j.JobID, GenerationID: j.GenerationID, Type: j.JobType, Body: body}
}

// reporter records what the engine reports.
type reporter struct {
	mu       sync.Mutex
	reports  []app.ProcessResult
	progress []int
	answer   func(app.ProcessResult) (app.Processed, error)

	shown   func(percent int) (app.Processed, error) // what becomes of progress
	awaits  func() (bool, error)                     // nil: always
	inVain  bool                                     // nothing came of the run
	looks   int
	askedOf []aigen.ID // the runs that were asked after
}

func (r *reporter) AwaitsJob(context.Context, aigen.ID, aigen.ID) (bool, error) {
	r.mu.Lock()
	r.looks++
	awaits := r.awaits
	r.mu.Unlock()
	if awaits == nil {
		return true, nil
	}
	return awaits()
}

func (r *reporter) RunHasNoResult(_ context.Context, _, run aigen.ID) (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.askedOf = append(r.askedOf, run)
	return r.inVain, nil
}

func (r *reporter) ProcessN8NResult(_ context.Context, cmd app.ProcessResult) (app.Processed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cmd.Progress != nil {
		r.progress = append(r.progress, *cmd.Progress)
		if r.shown != nil {
			return r.shown(*cmd.Progress)
		}
		return app.Processed{Outcome: aigen.OutcomeApplied}, nil
	}
	r.reports = append(r.reports, cmd)
	if r.answer != nil {
		return r.answer(cmd)
	}
	return app.Processed{Outcome: aigen.OutcomeApplied}, nil
}

// only is the one report that there was.
func (r *reporter) only(t testing.TB) aigen.Report {
	t.Helper()
	require.Len(t, r.reports, 1)
	return r.reports[0].Report
}

// painter paints by a function.
type painter struct {
	paint    func(ctx context.Context, i int) (aigen.Asset, error)
	parallel int
}

func (p painter) Model() string { return "test/painter" }
func (p painter) Parallel() int { return p.parallel }
func (p painter) Sample(ctx context.Context, _ app.Job, i int) (aigen.Asset, error) {
	return p.paint(ctx, i)
}
func (p painter) Final(ctx context.Context, _ app.Job) (aigen.Asset, error) { return p.paint(ctx, -1) }

func numbered(_ context.Context, i int) (aigen.Asset, error) {
	return aigen.Asset{AssetID: fmt.Sprint("asset ", i), URL: base}, nil
}

func failing(err error) painter {
	return painter{paint: func(context.Context, int) (aigen.Asset, error) { return aigen.Asset{}, err }}
}

// publish gives the engine one job and waits for its end.
func publish(ctx context.Context, t testing.TB, e *worker.Engine, m app.JobMessage) error {
	t.Helper()
	ended := make(chan error, 2)
	e.Publish(ctx, []app.JobMessage{m}, func(_ int, err error) { ended <- err })
	select {
	case err := <-ended:
		return err
	case <-time.After(2 * time.Minute):
		require.FailNow(t, "the job does not end")
		return nil
	}
}

// logTo collects a log as text.
func logTo(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// text is a buffer that several goroutines may write to.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}

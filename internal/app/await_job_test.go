package app_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func TestAwaitsJob(t *testing.T) {
	t.Parallel()
	w := setup(t, options{credits: 1000})
	awaits := func(id, job aigen.ID) bool {
		yes, err := w.AwaitsJob(t.Context(), id, job)
		require.NoError(t, err)
		return yes
	}
	inVain := func(id aigen.ID, run aigen.ID) bool {
		yes, err := w.RunHasNoResult(t.Context(), id, run)
		require.NoError(t, err)
		return yes
	}
	id := w.create()
	job, run := w.liveJob(id), w.generation(id).Runs[0].ID
	assert.True(t, awaits(id, job))
	assert.False(t, awaits(id, aigen.ID{1}), "another job")
	assert.False(t, awaits(aigen.ID{1}, job), "no generation")
	assert.False(t, inVain(id, run), "it may come yet")

	_, err := w.report(id, aigen.Report{
		JobID: job, Stage: aigen.StageSamples, Kind: aigen.ReportFailure,
		Failure: aigen.Failure{Code: aigen.CodeGenerationFailed, Message: "No.", Retryable: true},
	})
	require.NoError(t, err)
	assert.False(t, awaits(id, job), "another job of the run has taken its place")
	assert.True(t, awaits(id, w.liveJob(id)))
	assert.False(t, inVain(id, run), "the other job has the same files")

	_, err = w.report(id, samples(w.liveJob(id)))
	require.NoError(t, err)
	_, _, err = w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: id})
	require.NoError(t, err)
	assert.False(t, inVain(id, run), "its samples were delivered")

	cancelled := w.create()
	job, run = w.liveJob(cancelled), w.generation(cancelled).Runs[0].ID
	_, _, err = w.CancelGeneration(t.Context(), app.CancelGeneration{UserID: w.user, GenerationID: cancelled})
	require.NoError(t, err)
	assert.False(t, awaits(cancelled, job))
	assert.True(t, inVain(cancelled, run))
	assert.True(t, inVain(aigen.ID{1}, run), "no generation")
}

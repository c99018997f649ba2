package rowjson_test

import (
	"math/rand"
	"reflect"
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/rowjson"
)

// random fills in a value, each field of it, so that a new one is not forgotten.
func random[T any](t *testing.T, r *rand.Rand) T {
	t.Helper()
	v, ok := quick.Value(reflect.TypeFor[T](), r)
	require.True(t, ok)
	return v.Interface().(T)
}

func TestJobsAreWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewSource(1))
	states := []aigen.JobState{aigen.JobLive, aigen.JobSucceeded, aigen.JobFailed, aigen.JobRejected, aigen.JobDropped}
	for n := range 200 {
		jobs := make([]aigen.Job, 1+n%3)
		for i := range jobs {
			jobs[i] = random[aigen.Job](t, r)
			jobs[i].State = states[r.Intn(len(states))]
			if r.Intn(2) == 0 {
				jobs[i].ReportFingerprint = aigen.Fingerprint{}
			}
		}
		want, err := rowjson.Marshal(jobs)
		require.NoError(t, err)
		require.Equal(t, want, rowjson.Jobs(jobs))
	}
}

func TestEventsAreWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewSource(1))
	statuses, stages := aigen.Statuses(), []aigen.Stage{"", aigen.StageSamples, aigen.StageFinal}
	fields := reflect.TypeFor[aigen.EventData]().NumField()
	for n := range 100 * fields {
		whole := random[aigen.EventData](t, r)
		for i := range whole.SampleAssets {
			whole.SampleAssets[i].Metadata = []byte(`{"a":"<"}`)
		}
		if whole.FinalAsset != nil {
			whole.FinalAsset.Metadata = nil
		}
		// One field at a time of those that are seldom there, so that none hides another.
		var e aigen.Event
		from, to := reflect.ValueOf(whole), reflect.ValueOf(&e.Data).Elem()
		to.Field(n % fields).Set(from.Field(n % fields))
		e.Data.GenerationID, e.Data.ProjectID, e.Data.Credits = whole.GenerationID, whole.ProjectID, whole.Credits
		e.Data.Status, e.Data.Stage = statuses[r.Intn(len(statuses))], stages[r.Intn(len(stages))]
		e.Data.Attempt = r.Intn(3)
		if n%7 == 0 {
			e.Operator = &aigen.OperatorNote{ID: e.Data.ProjectID, Reason: "<b>"}
		}
		want, err := rowjson.Marshal(rowjson.EventData{EventData: e.Data, Operator: e.Operator})
		require.NoError(t, err)
		got, err := rowjson.Event(&e)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	in, err := aigen.NewInput("a <fox> & a \"hare\"", "", []byte(`{"samples":2,"x":"<&>"}`))
	require.NoError(t, err)
	text, err := rowjson.Input(&in)
	require.NoError(t, err)
	require.Equal(t, `{"inputPrompt":"a <fox> & a \"hare\"","inputParameters":{"samples":2,"x":"<&>"}}`, text) //nolint:testifylint // the bytes are meant
	back, err := rowjson.ReadInput([]byte(text))
	require.NoError(t, err)
	require.Equal(t, &in, back)

	text, err = rowjson.Input(nil)
	require.NoError(t, err)
	require.Empty(t, text)
	_, err = rowjson.ReadInput([]byte(`{"inputPrompt":`))
	require.Error(t, err)
}

package app_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
)

// FuzzJob: a job is written as encoding/json writes it, whatever people put into it.
func FuzzJob(f *testing.F) {
	for _, text := range []string{
		"", "a red fox", "<b>&amp;\"\\\n\x00\x1f\x7f", "ünï🦊", "\u2028\u2029", "\xe2", "\xff", "a\xed\xa0\x80",
	} {
		f.Add(text, text, []byte(`{"format":"TikTok","x":"`+text+`"}`), "1080x1920", 1, int64(1_790_000_000_123_456), true, text)
		f.Add(text, "", []byte(`{}`), "", 0, int64(0), false, "")
	}
	f.Add("a", "b", []byte(`{"x":"\u003c<>&\u2028","y":"`+"\u2028"+`"}`), "", -1, int64(-1), true, "")
	f.Fuzz(func(t *testing.T, prompt, style string, parameters []byte, resolution string, attempt int, at int64, more bool, text string) {
		p, _ := aigen.ParseParameters(parameters)
		j := app.Job{
			JobID: newID(), RunID: newID(), JobType: outbox.DeliverSampleJob, Attempt: attempt,
			GenerationID: newID(), UserID: newID(), ProjectID: newID(),
			InputPrompt: prompt, StyleGuidance: style, InputParameters: p, Resolution: resolution,
			Deadline: time.UnixMicro(at).UTC(),
		}
		if more {
			j.JobType = outbox.DeliveryKind(text)
			j.SelectedSample = &aigen.Asset{AssetID: text, URL: style, Width: attempt, Metadata: json.RawMessage(`{"a": "<"}`)}
			j.Callback = &app.JobCallback{URL: text, Token: prompt}
		}
		want, err := json.Marshal(j)
		got, gotErr := app.EncodeJob(j)
		require.Equal(t, err == nil, gotErr == nil, "%v, %v", err, gotErr)
		if err == nil {
			require.Equal(t, string(want), string(got))
		}
	})
}

package testprogram

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/webhooksig"
)

// Job is what a workflow engine gets (contract section 3).
type Job struct {
	JobID          string
	RunID          string
	JobType        string
	Attempt        int
	GenerationID   string
	UserID         string
	InputPrompt    string
	SelectedSample *struct{ AssetID, URL string }
	Resolution     string
	Deadline       time.Time
	Callback       struct{ URL, Token string }

	Header http.Header // of the webhook call
}

// Engine stands for n8n: it takes jobs, and the test says what becomes of them.
type Engine struct {
	jobs chan Job
	URL  string
}

// WebhookEngine takes jobs by HTTP and checks the signature of each.
func WebhookEngine(t *testing.T) *Engine {
	t.Helper()
	secret, err := webhooksig.ParseSecret(CallbackSecret)
	require.NoError(t, err)
	e := &Engine{jobs: make(chan Job, 100)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.NoError(t, webhooksig.Verify([]webhooksig.Secret{secret}, webhooksig.Headers{
			ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"), Signature: r.Header.Get("webhook-signature"),
		}, body, time.Now()))
		j := Job{Header: r.Header}
		assert.NoError(t, json.Unmarshal(body, &j))
		assert.Equal(t, j.JobID, r.Header.Get("webhook-id"))
		e.jobs <- j
		w.WriteHeader(http.StatusOK)
	}))
	t.Cleanup(server.Close)
	e.URL = server.URL
	return e
}

// Next waits for a job.
func (e *Engine) Next(t *testing.T) Job {
	t.Helper()
	select {
	case j := <-e.jobs:
		return j
	case <-time.After(time.Minute):
		require.FailNow(t, "no job came")
		return Job{}
	}
}

// Report calls back. The headers given replace the job's own proof.
func (j *Job) Report(body map[string]any, header ...string) (int, string, error) {
	all := map[string]any{"generationId": j.GenerationID, "jobId": j.JobID}
	for k, v := range body {
		all[k] = v
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return 0, "", err
	}
	req, err := http.NewRequest(http.MethodPost, j.Callback.URL, bytes.NewReader(raw))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/json")
	if header == nil {
		header = []string{"Authorization", "Bearer " + j.Callback.Token}
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

// Success is the report of a job that went well.
func (j *Job) Success() map[string]any {
	if j.JobType == "final_generation" {
		return map[string]any{"status": "success", "stage": "final_asset_generated", "results": map[string]any{
			"finalAssetId": "final-" + j.JobID, "finalAsset": asset("final-" + j.JobID), "aiModelUsed": "scripted",
		}}
	}
	return map[string]any{"status": "success", "stage": "samples_generated", "results": map[string]any{
		"sampleAssets": []any{asset("a-" + j.JobID), asset("b-" + j.JobID)}, "aiModelUsed": "scripted",
	}}
}

func asset(id string) map[string]any {
	return map[string]any{"assetId": id, "url": "http://assets.test/" + id + ".png", "width": 64, "height": 64, "format": "png"}
}

// Rejected is the report of a job whose content the engine refuses.
func Rejected() map[string]any {
	return map[string]any{
		"status": "failure", "stage": "content_rejected",
		"error": map[string]any{"code": "content_rejected", "message": "Not allowed."},
	}
}

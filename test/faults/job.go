package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"hash/fnv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// job is what the engine gets (contract section 3).
type job struct {
	JobID, RunID, JobType, GenerationID, UserID, ProjectID string
	Attempt                                                int
	InputPrompt, StyleGuidance, Resolution                 string
	InputParameters                                        struct {
		Samples    int
		Resolution string
	}
	SelectedSample *struct{ AssetID, URL string }
	Deadline       time.Time
	Callback       struct{ URL, Token string }
}

const (
	sampleJob = "sample_generation"
	finalJob  = "final_generation"
)

// wrong is what of a job is against the contract, "" if nothing is.
func (j *job) wrong() string {
	switch {
	case j.JobID == "" || j.RunID == "" || j.GenerationID == "" || j.UserID == "" || j.ProjectID == "" || j.InputPrompt == "":
		return "something is missing"
	case j.JobType != sampleJob && j.JobType != finalJob:
		return "job type " + j.JobType
	case j.Attempt < 1 || j.Attempt > attemptsAtMost:
		return "attempt " + strconv.Itoa(j.Attempt)
	case j.Deadline.IsZero() || j.Callback.Token == "" || !strings.HasSuffix(j.Callback.URL, "/api/v1/callbacks/n8n"):
		return "no deadline or no way to call back"
	case (j.JobType == finalJob) != (j.SelectedSample != nil):
		return "the selected sample"
	}
	return ""
}

// key is the part of a job that is the same in each run with the same seed: ids are not.
func (j *job) key() string {
	_, key, _ := strings.Cut(j.InputPrompt, "[")
	return key + j.JobType + strconv.Itoa(j.Attempt)
}

// dice is a number that the seed and the text decide.
func dice(seed uint64, text string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, strconv.FormatUint(seed, 10)+" "+text)
	x := h.Sum64() // spread over all bits, as FNV's low ones are not
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func (j *job) stageWord() string {
	if j.JobType == finalJob {
		return "final_asset_generated"
	}
	return "samples_generated"
}

func asset(id string) map[string]any {
	return map[string]any{"assetId": id, "url": "http://assets.test/" + id + ".png", "width": 64, "height": 64, "format": "png"}
}

// success is the report of a job that went well.
func (j *job) success() map[string]any {
	results := map[string]any{"aiModelUsed": "scripted"}
	if j.JobType == finalJob {
		results["finalAssetId"], results["finalAsset"] = "final-"+j.JobID, asset("final-"+j.JobID)
	} else {
		samples := make([]any, max(1, j.InputParameters.Samples))
		for i := range samples {
			samples[i] = asset("s" + strconv.Itoa(i) + "-" + j.JobID)
		}
		results["sampleAssets"] = samples
	}
	return map[string]any{"status": "success", "stage": j.stageWord(), "results": results}
}

func (j *job) failure(retryable bool) map[string]any {
	return map[string]any{"status": "failure", "stage": j.stageWord(), "error": map[string]any{
		"code": "model_overloaded", "message": "Try again.", "retryable": retryable,
	}}
}

func rejection() map[string]any {
	return map[string]any{"status": "failure", "stage": "content_rejected", "error": map[string]any{"code": "content_rejected", "message": "Not allowed."}}
}

func progress(percent int) map[string]any {
	return map[string]any{"status": "success", "stage": "progress", "results": map[string]any{"progress": percent}}
}

// answered is what the service said to a callback.
type answered struct {
	http    int
	outcome string // or the code of the error
}

var errNoAnswer = errors.New("no answer")

// send posts one callback.
func send(client *http.Client, url string, body []byte, header http.Header) (answered, error) {
	req, err := http.NewRequest(http.MethodPost, url+"/api/v1/callbacks/n8n", bytes.NewReader(body))
	if err != nil {
		return answered{}, err
	}
	req.Header = header
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return answered{}, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return answered{}, err
	}
	var a struct{ Outcome, Code string }
	if err := json.Unmarshal(raw, &a); err != nil {
		return answered{http: res.StatusCode}, errors.Join(errNoAnswer, err)
	}
	return answered{res.StatusCode, a.Outcome + a.Code}, nil
}

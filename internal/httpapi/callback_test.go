package httpapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSameCallbackAThousandTimes is the original's worst fault: callbacks that came
// twice at once deducted twice.
func TestSameCallbackAThousandTimes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	report := samplesReport(id, f.job(id))
	var applied, duplicate atomic.Int64
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				switch f.report(report).is(http.StatusOK).json()["outcome"] {
				case "applied":
					applied.Add(1)
				case "duplicate":
					duplicate.Add(1)
				}
			}
		})
	}
	wg.Wait()
	assert.Equal(t, int64(1), applied.Load())
	assert.Equal(t, int64(999), duplicate.Load())
	g := f.call(http.MethodGet, base+"/"+id, nil).json()
	assert.Equal(t, object{"reserved": "0.50", "deducted": "0.50", "refunded": "0.00"}, g["credits"])
	assert.Equal(t, "99.50", f.call(http.MethodGet, "/api/v1/credits", nil).json()["balance"])
	events := f.call(http.MethodGet, base+"/"+id+"/events", nil, "Accept", jsonType).json()["items"]
	assert.Len(t, events, 2)
}

// An engine that makes less than was paid for is told to who runs it, once.
func TestLessThanAsked(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	whole := samplesReport(id, f.job(id))
	f.report(whole).is(http.StatusOK)
	assert.NotContains(t, f.log.String(), "fewer samples")
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{"inputParameters": object{"samples": 8}}).is(http.StatusAccepted)
	few := samplesReport(id, f.job(id))
	for range 2 {
		f.report(few).is(http.StatusOK)
	}
	assert.Equal(t, 1, strings.Count(f.log.String(), "the engine made fewer samples than were asked"))
	assert.Contains(t, f.log.String(), `"asked":8,"made":2`)

	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": "s1", "resolution": "4096x4096"}).is(http.StatusAccepted)
	f.report(finalReport(id, f.job(id))).is(http.StatusOK)
	assert.Contains(t, f.log.String(), `"asked":"4096x4096"`)
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	first := f.job(id)
	outcome := func(body object) any { t.Helper(); return f.report(body).is(http.StatusOK).json()["outcome"] }
	f.report(finalReport(id, first)).problem(http.StatusConflict, "callback_contradiction")
	assert.Equal(t, "applied", outcome(samplesReport(id, first)))
	assert.Equal(t, "duplicate", outcome(samplesReport(id, first)))
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{}).is(http.StatusAccepted)
	failed := object{
		"generationId": id, "jobId": first.String(), "status": "failure", "stage": "samples_generated",
		"error": object{"code": "gpu_lost", "message": "The GPU is gone."},
	}
	assert.Equal(t, "stale", outcome(failed))
	failed["jobId"] = f.job(id).String()
	failed["error"] = object{"code": "gpu_lost", "message": "The GPU is gone.", "retryable": true}
	assert.Equal(t, "applied", outcome(failed))
	assert.Equal(t, "ProcessingSamples", f.call(http.MethodGet, base+"/"+id, nil).json()["status"], "tried again")
	failed["jobId"] = f.job(id).String()
	failed["error"] = object{"code": "gpu_lost", "message": "The GPU is gone."}
	assert.Equal(t, "applied", outcome(failed))
	assert.Equal(t, "duplicate", outcome(failed))
	failed["jobId"] = first.String()
	assert.Equal(t, "ignored", outcome(failed))
	g := f.call(http.MethodGet, base+"/"+id, nil).json()
	assert.Equal(t, "Failed", g["status"])
	assert.Equal(t, object{"code": "gpu_lost", "message": "The GPU is gone.", "retryable": false}, g["error"])
	assert.Equal(t, object{"reserved": "1.00", "deducted": "0.50", "refunded": "0.50"}, g["credits"])
}

func TestRejected(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for code, why := range map[string]object{
		"content_rejected": nil, "nsfw": {"code": "NSFW", "message": "Not this."},
	} {
		id := f.create()
		body := object{"generationId": id, "jobId": f.job(id).String(), "status": "success", "stage": "content_rejected"}
		if why != nil {
			body["status"], body["error"] = "failure", why
		}
		assert.Equal(t, object{"outcome": "applied", "status": "ContentRejected"}, f.report(body).is(http.StatusOK).json())
		failure, _ := f.call(http.MethodGet, base+"/"+id, nil).json()["error"].(object)
		assert.Equal(t, code, failure["code"])
	}
}

func TestUnknownFieldsOfCallbacksAreLetThrough(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	report := samplesReport(id, f.job(id))
	report["version"] = 9
	report["results"].(object)["costs"] = object{"gpu": 1}
	report["results"].(object)["sampleAssets"] = []object{{
		"assetId": "s1", "url": "/s1.png", "thumbnail": "/t.png", "width": 512, "height": 384, "format": "png",
		"metadata": object{"b": 1.50, "a": "x"},
	}}
	f.report(report).is(http.StatusOK)
	assets := f.call(http.MethodGet, base+"/"+id, nil).json()["sampleAssets"]
	assert.Equal(t, []any{object{
		"assetId": "s1", "url": "/s1.png", "width": 512.0, "height": 384.0, "format": "png", "metadata": object{"a": "x", "b": 1.5},
	}}, assets)
}

func asset(url string) object { return object{"assetId": "a", "url": url} }

func TestBadCallbacks(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	job := f.job(id).String()
	samples := func(assets ...any) object {
		return object{"status": "success", "stage": "samples_generated", "results": object{"sampleAssets": assets}}
	}
	final := func(results object) object {
		return object{"status": "success", "stage": "final_asset_generated", "results": results}
	}
	at := "body.results.sampleAssets[0]"
	nine := make([]any, 9)
	for i := range nine {
		nine[i] = object{"assetId": fmt.Sprint(i), "url": "/x"}
	}
	cases := []struct {
		body  object
		where []string
	}{
		{object{}, []string{"body.status", "body.stage"}},
		{object{"status": "ok", "stage": "done", "jobId": 7, "results": []any{}}, []string{"body.status", "body.stage", "body.jobId", "body.results"}},
		{object{"status": "failure", "stage": "samples_generated"}, []string{"body.error"}},
		{object{"status": "failure", "stage": "samples_generated", "error": "lost"}, []string{"body.error"}},
		{object{"status": "failure", "stage": "samples_generated", "error": object{"retryable": "yes"}}, []string{"body.error.code", "body.error.message", "body.error.retryable"}},
		{object{"status": "success", "stage": "samples_generated"}, []string{"body.results.sampleAssets"}},
		{samples(), []string{"body.results.sampleAssets"}},
		{samples(nine...), []string{"body.results.sampleAssets"}},
		{samples("x", nil), []string{at, "body.results.sampleAssets[1]"}},
		{samples(object{}), []string{at + ".assetId"}},
		{samples(asset("/a"), asset("/b")), []string{"body.results.sampleAssets[1].assetId"}},
		{samples(object{"assetId": strings.Repeat("a", 256), "url": "/x", "width": -1, "height": "9", "format": 1, "metadata": "m"}), []string{at + ".assetId", at + ".width", at + ".height", at + ".format", at + ".metadata"}},
		{samples(object{"assetId": "a\n", "url": "/x", "metadata": object{"x": strings.Repeat("m", 17<<10)}}), []string{at + ".assetId", at + ".metadata"}},
		{final(object{}), []string{"body.results.finalAsset"}},
		{final(object{"finalAssetId": ""}), []string{"body.results.finalAssetId", "body.results.finalAsset"}},
		{final(object{"finalAssetId": "x", "finalAsset": asset("/a")}), []string{"body.results.finalAssetId"}},
		{object{"status": "success", "stage": "progress"}, []string{"body.results.progress"}},
		{object{"status": "success", "stage": "progress", "results": object{"progress": 100.5}}, []string{"body.results.progress"}},
		{object{"status": "success", "stage": "progress", "results": object{"progress": "50"}}, []string{"body.results.progress"}},
		{object{"status": "failure", "stage": "progress", "results": object{"progress": 5}}, []string{"body.status"}},
	}
	for _, url := range []string{
		"", "javascript:alert(1)", "JAVASCRIPT:alert(1)", "data:text/html,x", "data:image/png;base64,AA", "file:///etc/passwd", "//evil.example/x", `/\evil.example`,
		"ftp://x/y", "relative.png", "https://", "http:///x", "/a\nb", "/a b", "https://x/\u0000", "\tjavascript:x", "/" + strings.Repeat("x", 4096),
	} {
		cases = append(cases, struct {
			body  object
			where []string
		}{samples(asset(url)), []string{at + ".url"}})
	}
	for _, c := range cases {
		c.body["generationId"] = id
		if c.body["jobId"] == nil {
			c.body["jobId"] = job
		}
		where := f.call(http.MethodPost, callbacks, c.body, "Authorization", "", "X-N8N-Webhook-Secret", secret).problem(422, "invalid_input")
		assert.ElementsMatch(t, c.where, where, "%v", c.body)
	}
	g := f.call(http.MethodGet, base+"/"+id, nil).json()
	assert.Equal(t, "ProcessingSamples", g["status"])
	require.Equal(t, object{"reserved": "0.50", "deducted": "0.00", "refunded": "0.00"}, g["credits"])
}

func TestFailuresAreCleaned(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, c := range []struct{ code, message, wantCode, wantMessage string }{
		{"GPU Lost!", "Out of memory", "gpu_lost", "Out of memory"},
		{"!!!", "x", "generation_failed", "x"},
		{"E_CONN", "connect ECONNREFUSED 10.0.0.5:5432\n    at TCP.afterConnect (node:net:1300:16)\n    at x", "e_conn", "connect ECONNREFUSED [address]"},
		{"http", "POST https://user:pw@gpu.internal:8443/run?key=1 failed", "http", "POST [address] failed"},
		{"py", "ValueError: bad\nTraceback (most recent call last):\n  File \"x.py\", line 1", "py", "ValueError: bad"},
		{"ctl", "a\x00b\x1b[31mred\u202e", "ctl", "a b [31mred"},
		{"only.a-stack", "    at Object.<anonymous> (x.js:1:1)", "only.a-stack", "The picture could not be made."},
		{strings.Repeat("c", 99), strings.Repeat("ü", 600), strings.Repeat("c", 64), strings.Repeat("ü", 499) + "…"},
	} {
		id := f.create()
		f.report(object{
			"generationId": id, "jobId": f.job(id).String(), "status": "failure", "stage": "samples_generated",
			"error": object{"code": c.code, "message": c.message},
		}).is(http.StatusOK)
		failure, _ := f.call(http.MethodGet, base+"/"+id, nil).json()["error"].(object)
		assert.Equal(t, c.wantCode, failure["code"])
		assert.Equal(t, c.wantMessage, failure["message"])
	}
}

// TestHalfAnEmoji: engines cut messages after so many UTF-16 units. Refusing such
// a callback would leave the generation to its deadline.
func TestHalfAnEmoji(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	body := fmt.Sprintf(`{"generationId":%q,"status":"failure","stage":"samples_generated","error":{"code":"x","message":"broken \ud83d"}}`, id)
	f.call(http.MethodPost, callbacks, body, "X-N8N-Webhook-Secret", secret).is(http.StatusOK)
}

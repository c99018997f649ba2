package httpapi_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestWholeNumbersOfEngines: Python's 100*3/4 is 75.0, and by the documents a 4xx is
// final: the finished pictures would be lost.
func TestWholeNumbersOfEngines(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	job := f.job(id).String()
	callback := func(rest string) answer {
		body := fmt.Sprintf(`{"generationId":%q,"jobId":%q,"status":"success",%s}`, id, job, rest)
		return f.call(http.MethodPost, callbacks, body, "Authorization", "", "X-N8N-Webhook-Secret", secret)
	}
	l := f.listen(base + "/" + id + "/events")
	_, ok := l.named()
	assert.True(t, ok)
	for _, c := range []struct {
		sent string
		want float64
	}{{"75.0", 75}, {"33.333", 33}, {"66.666666666666666", 67}, {"1e2", 100}, {"-0.0", 0}, {"0.4", 0}} {
		callback(`"stage":"progress","results":{"progress":` + c.sent + `}`).is(http.StatusOK)
		e, ok := l.named()
		assert.True(t, ok)
		assert.InDelta(t, c.want, e.data["progress"], 0, c.sent)
	}
	for _, bad := range []string{"100.1", "-1", "1e400", `"75"`, "true", "[75]"} {
		callback(`"stage":"progress","results":{"progress":`+bad+`}`).problem(http.StatusUnprocessableEntity, "invalid_input")
	}
	sample := `"stage":"samples_generated","results":{"sampleAssets":[{"assetId":"a","url":"/a","width":%s,"height":512e0}]}`
	callback(fmt.Sprintf(sample, "512.5")).problem(http.StatusUnprocessableEntity, "invalid_input")
	callback(fmt.Sprintf(sample, "512.0")).is(http.StatusOK)
	assets, _ := f.call(http.MethodGet, base+"/"+id, nil).json()["sampleAssets"].([]any)
	assert.InDelta(t, 512, assets[0].(object)["width"], 0)
	assert.InDelta(t, 512, assets[0].(object)["height"], 0)
}

// TestWholeNumbersOfUsers likewise; an engine gets the plain spelling.
func TestWholeNumbersOfUsers(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, c := range []struct {
		sent   string
		status int
	}{{"4.0", 202}, {"4e0", 202}, {"40e-1", 202}, {"4.5", 422}, {"04", 400}, {"9.0", 422}} {
		body := fmt.Sprintf(`{"projectId":%q,"inputPrompt":"x","inputParameters":{"samples":%s}}`, newID(), c.sent)
		a := f.call(http.MethodPost, base, body).is(c.status)
		if c.status == http.StatusAccepted {
			id := a.json()["generationId"].(string)
			assert.Contains(t, string(f.call(http.MethodGet, base+"/"+id, nil).body), `"inputParameters":{"samples":4}`)
		}
	}
}

// TestNoBodyInChunks: a body of no bytes is none, however it is sent.
func TestNoBodyInChunks(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.awaiting()
	r := f.request(http.MethodPost, base+"/"+id+"/regenerate-samples", nil)
	r.Body, r.ContentLength, r.TransferEncoding = http.NoBody, -1, []string{"chunked"}
	f.do(r).is(http.StatusAccepted)
	f.report(samplesReport(id, f.job(id))).is(http.StatusOK)
	r = f.request(http.MethodPost, base+"/"+id+"/regenerate-samples", `{"inputPrompt":"a blue fox"}`)
	r.ContentLength = -1
	f.do(r).is(http.StatusAccepted)
	assert.Equal(t, "a blue fox", f.call(http.MethodGet, base+"/"+id, nil).json()["inputPrompt"])
}

func TestSmallManners(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := f.call(http.MethodPost, base, "\xef\xbb\xbf{}")
	a.problem(http.StatusBadRequest, "malformed_json")
	assert.Contains(t, a.json()["detail"], "byte order mark")
	for _, charset := range []string{"utf-8", "UTF-8", "utf8", "UTF8", `"utf-8"`} {
		f.call(http.MethodPost, base, createBody(), "Content-Type", "application/json; charset="+charset).is(http.StatusAccepted)
	}
	f.call(http.MethodPost, base, createBody(), "Content-Type", "application/json; charset=latin1").is(http.StatusUnsupportedMediaType)
	a = f.call(http.MethodGet, base, nil, "Authorization", "")
	assert.Contains(t, string(a.body), "<JWT>", "an escape is nothing to read")
}

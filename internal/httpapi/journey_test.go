package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestJourney(t *testing.T) {
	t.Parallel()
	f := setup(t)

	a := f.call(http.MethodPost, base, createBody()).is(http.StatusAccepted)
	created := a.json()
	id, _ := created["generationId"].(string)
	assert.Equal(t, base+"/"+id, a.Header.Get("Location"))
	assert.Equal(t, "ProcessingSamples", created["status"])
	assert.Equal(t, "0.50", created["creditsReserved"])

	assert.Equal(t, object{"outcome": "applied", "status": "AwaitingSelection"}, f.report(samplesReport(id, f.job(id))).is(200).json())
	a = f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": "s2", "resolution": "4096x64"}).is(http.StatusAccepted)
	assert.Equal(t, "2.00", a.json()["creditsReserved"])
	f.report(finalReport(id, f.job(id))).is(http.StatusOK)

	g := f.call(http.MethodGet, base+"/"+id, nil).is(http.StatusOK).json()
	assert.Equal(t, "Completed", g["status"])
	assert.Equal(t, "final", g["stage"])
	assert.Equal(t, "s2", g["selectedSampleId"])
	assert.Equal(t, "f1", g["finalAssetId"])
	assert.Equal(t, object{"reserved": "2.50", "deducted": "2.50", "refunded": "0.00"}, g["credits"])
	assert.Equal(t, "0.50", g["creditsCostSample"])
	assert.Equal(t, "2.00", g["creditsCostFinal"])
	assert.Nil(t, g["error"])
	assert.Nil(t, g["styleGuidance"])
	assert.Equal(t, object{"balance": "97.50", "reserved": "0.00", "available": "97.50"}, f.call(http.MethodGet, "/api/v1/credits", nil).is(200).json())
}

func TestEveryFieldIsAlwaysThere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	g := f.call(http.MethodGet, base+"/"+f.create(), nil).is(http.StatusOK).json()
	for name := range strings.FieldsSeq(`id userId projectId inputPrompt styleGuidance inputParameters status stage attempt error
		sampleAssets selectedSampleId finalAssetId finalAsset creditsCostSample creditsCostFinal aiModelUsed createdAt updatedAt credits`) {
		assert.Contains(t, g, name)
	}
	assert.Equal(t, []any{}, g["sampleAssets"])
	assert.Equal(t, object{"samples": 2.0}, g["inputParameters"])
	created, _ := g["createdAt"].(string)
	assert.True(t, strings.HasSuffix(created, "Z"), created)
}

func TestETag(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.create()
	tag := f.call(http.MethodGet, base+"/"+id, nil).is(http.StatusOK).Header.Get("ETag")
	require.Regexp(t, `^"[^"]+"$`, tag)
	for _, header := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		a := f.call(http.MethodGet, base+"/"+id, nil, "If-None-Match", header).is(http.StatusNotModified)
		assert.Empty(t, a.body)
		assert.Equal(t, tag, a.Header.Get("ETag"))
	}
	f.call(http.MethodGet, base+"/"+id, nil, "If-None-Match", `"other"`).is(http.StatusOK)
	f.report(samplesReport(id, f.job(id)))
	assert.NotEqual(t, tag, f.call(http.MethodGet, base+"/"+id, nil, "If-None-Match", tag).is(http.StatusOK).Header.Get("ETag"))
}

func TestRegenerateAndCancel(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.awaiting()
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", object{"inputPrompt": "a blue fox"}).is(http.StatusAccepted)
	g := f.call(http.MethodGet, base+"/"+id, nil).json()
	assert.Equal(t, "a blue fox", g["inputPrompt"])
	assert.Equal(t, "ProcessingSamples", g["status"])

	g = f.call(http.MethodPost, base+"/"+id+"/cancel", nil).is(http.StatusOK).json()
	assert.Equal(t, "Cancelled", g["status"])
	assert.Equal(t, object{"reserved": "1.00", "deducted": "0.50", "refunded": "0.50"}, g["credits"])
	failure, _ := g["error"].(object)
	assert.Equal(t, "cancelled", failure["code"])
	f.call(http.MethodPost, base+"/"+id+"/cancel", nil).problem(http.StatusConflict, "invalid_state")

	id = f.awaiting()
	f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", nil).is(http.StatusAccepted)
}

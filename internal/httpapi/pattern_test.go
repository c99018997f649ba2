package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi"
)

// TestPatternsAreWhatIsTaken holds the patterns of the document against what reads.
func TestPatternsAreWhatIsTaken(t *testing.T) {
	t.Parallel()
	document, _, err := httpapi.Document()
	require.NoError(t, err)
	resolution := pattern(t, document, "Select", "resolution")
	for n := range 10_100 {
		text := fmt.Sprintf("%dx100", n)
		_, err := aigen.ParseResolution(text)
		require.Equal(t, err == nil, resolution.MatchString(text), text)
		text = fmt.Sprintf("100x%d", n)
		require.Equal(t, err == nil, resolution.MatchString(text), text)
	}
	for _, text := range []string{"", "x", "64", "64x", "64X64", "64x64 ", " 64x64", "-64x64", "1e2x64", "64x64x64"} {
		_, err := aigen.ParseResolution(text)
		require.Error(t, err)
		assert.NotRegexp(t, resolution, text)
	}
	url := pattern(t, document, "CallbackAsset", "url")
	for _, text := range []string{
		"/", "/a", "/a/b.png?x=1#y", "http://a", "https://a/b", "HTTPS://a/b", "https://a:8080/ü", "https://[::1]/x", "", "//a", `/\a`, "/a b",
		"/a\nb", "javascript:alert(1)", "data:image/png;base64,AA", "ftp://a", "https://", "https:///a", "http:/a", "relative", "/\u0085", "\u00a0", "https:// a",
	} {
		assert.Equal(t, httpapi.BadOddURL(text) == "", url.MatchString(text), "%q", text)
	}
}

// pattern is that of a member of a schema.
func pattern(t *testing.T, document []byte, schema, member string) *regexp.Regexp {
	t.Helper()
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Pattern string }
			}
		}
	}
	require.NoError(t, json.Unmarshal(document, &doc))
	text := doc.Components.Schemas[schema].Properties[member].Pattern
	require.NotEmpty(t, text)
	return regexp.MustCompile(text)
}

// TestWhatTheDocumentAllows: null stands for what may be missing, and every spelling that
// the schemas allow is taken.
func TestWhatTheDocumentAllows(t *testing.T) {
	t.Parallel()
	f := setup(t)
	body := createBody()
	body["inputParameters"], body["styleGuidance"] = nil, nil
	id := f.call(http.MethodPost, base, body).is(http.StatusAccepted).json()["generationId"].(string)
	report := samplesReport(id, f.job(id))
	report["error"] = nil
	report["results"] = object{
		"finalAsset": nil, "finalAssetId": nil, "aiModelUsed": nil, "progress": nil, "sampleAssets": []object{{
			"assetId": "a", "url": "/a", "width": nil, "height": nil, "format": nil, "metadata": nil,
		}},
	}
	f.report(report).is(http.StatusOK)
	// 255 characters, of more bytes: allowed, and no sample's.
	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": strings.Repeat("ü", 255), "resolution": nil}).
		problem(http.StatusUnprocessableEntity, "unknown_sample")
	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": strings.Repeat("ü", 256)}).
		problem(http.StatusUnprocessableEntity, "invalid_input")
}

// TestEveryAnswerIsDescribed: what can come from any route, whatever it does, is in the
// description of each.
func TestEveryAnswerIsDescribed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Description string
				Headers     map[string]any
				Content     map[string]struct{ Schema map[string]any }
			}
			Security []map[string]any
		}
	}
	require.NoError(t, json.Unmarshal(f.api.OpenAPI(), &doc))
	for path, operations := range doc.Paths {
		for method, op := range operations {
			at := method + " " + path
			if method == "get" || strings.HasSuffix(path, "/cancel") {
				for status, code := range map[string]string{"413": "body_too_large", "408": "request_timeout", "400": "incomplete_body"} {
					assert.Contains(t, op.Responses[status].Description, code, at)
				}
			}
			for status, r := range op.Responses {
				assert.Contains(t, r.Headers, "X-Request-Id", at)
				if strings.HasPrefix(path, "/api/v1/") && path != callbacks && path != "/api/v1/uploads/{job}" {
					assert.Equal(t, status != "401", r.Headers["RateLimit"] != nil, "%s %s", at, status)
				}
			}
		}
	}
	assert.NotContains(t, doc.Paths[base]["post"].Responses["409"].Description, "invalid_state", "nothing is there yet that could be in one")
	for _, path := range []string{"/openapi.json", "/openapi.yaml", "/docs"} {
		assert.Contains(t, doc.Paths[path]["get"].Responses["200"].Headers, "ETag")
		assert.Contains(t, doc.Paths[path]["get"].Responses, "304")
	}
	assert.Equal(t, "object", doc.Paths["/openapi.json"]["get"].Responses["200"].Content[jsonType].Schema["type"])
	assert.Contains(t, doc.Paths[base+"/{id}/events"]["get"].Responses, "204")
}

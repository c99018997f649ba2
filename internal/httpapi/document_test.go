package httpapi_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/httpapi"
)

func TestDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	asJSON, asYAML, err := httpapi.Document()
	require.NoError(t, err)
	for name, want := range map[string][]byte{"openapi.json": asJSON, "openapi.yaml": asYAML} {
		got, err := os.ReadFile("../../api/" + name)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(want, got), "api/%s is out of date: go generate ./internal/httpapi", name)
	}
}

func TestDocumentIsServed(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := f.call(http.MethodGet, "/openapi.json", nil, "Authorization", "").is(http.StatusOK)
	assert.Equal(t, []string{jsonType}, a.Header.Values("Content-Type"))
	assert.Equal(t, f.api.OpenAPI(), a.body)
	assert.Equal(t, "3.1.0", a.json()["openapi"])
	f.call(http.MethodGet, "/openapi.json", nil, "If-None-Match", a.Header.Get("ETag")).is(http.StatusNotModified)
	a = f.call(http.MethodGet, "/openapi.yaml", nil, "Authorization", "").is(http.StatusOK)
	assert.True(t, strings.HasPrefix(string(a.body), "components:") || strings.Contains(string(a.body), "openapi: 3.1.0"))
	paths, _ := f.call(http.MethodGet, "/openapi.json", nil).json()["paths"].(object)
	assert.Len(t, paths, 32)
}

func TestEveryReferenceResolves(t *testing.T) {
	t.Parallel()
	asJSON, _, err := httpapi.Document()
	require.NoError(t, err)
	var doc struct {
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(asJSON, &doc))
	for _, ref := range regexp.MustCompile(`"\$ref": "#/components/schemas/(\w+)"`).FindAllSubmatch(asJSON, -1) {
		assert.Contains(t, doc.Components.Schemas, string(ref[1]))
	}
	assert.NotContains(t, string(asJSON), `"@`, "a word of a tag was not filled in")
}

// TestAnswersAreAsDocumented holds what is really answered against the schemas.
func TestAnswersAreAsDocumented(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var doc struct {
		Components struct {
			Schemas map[string]map[string]any `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(f.api.OpenAPI(), &doc))
	check := func(schema string, v any) {
		t.Helper()
		conform(t, doc.Components.Schemas, doc.Components.Schemas[schema], v, schema)
	}
	check("Accepted", f.call(http.MethodPost, base, createBody()).json())
	for _, id := range []string{f.create(), f.awaiting(), f.completed()} {
		check("Generation", f.call(http.MethodGet, base+"/"+id, nil).json())
		check("EventList", f.call(http.MethodGet, base+"/"+id+"/events", nil, "Accept", jsonType).json())
		check("Generation", func() any {
			f.call(http.MethodPost, base+"/"+id+"/cancel", nil)
			return f.call(http.MethodGet, base+"/"+id, nil).json()
		}())
	}
	check("Page", f.call(http.MethodGet, base+"?limit=2", nil).json())
	check("Page", f.call(http.MethodGet, base+"?status=Pending", nil).json())
	check("Balance", f.call(http.MethodGet, "/api/v1/credits", nil).json())
	check("Health", f.call(http.MethodGet, "/healthz", nil).json())
	check("Ready", f.call(http.MethodGet, "/readyz", nil).json())
	check("Problem", f.call(http.MethodPost, base, object{}).json())
	check("Problem", f.call(http.MethodGet, "/nowhere", nil).json())
	id := f.create()
	check("Processed", f.report(samplesReport(id, f.job(id))).json())
}

// conform checks v against the parts of JSON Schema that the document uses.
func conform(t *testing.T, all map[string]map[string]any, schema map[string]any, v any, at string) {
	t.Helper()
	require.NotNil(t, schema, at)
	if ref, ok := schema["$ref"].(string); ok {
		schema = all[ref[strings.LastIndexByte(ref, '/')+1:]]
	}
	if either, ok := schema["anyOf"].([]any); ok {
		if v == nil {
			return
		}
		schema = either[0].(object)
		conform(t, all, schema, v, at)
		return
	}
	if types, ok := schema["type"].([]any); ok && v == nil {
		assert.Contains(t, types, "null", at)
		return
	}
	if enum, ok := schema["enum"].([]any); ok {
		assert.Contains(t, enum, v, at)
	}
	switch x := v.(type) {
	case map[string]any:
		properties, _ := schema["properties"].(object)
		required, _ := schema["required"].([]any)
		for _, name := range required {
			assert.Contains(t, x, name, at)
		}
		for name, member := range x {
			if p, ok := properties[name].(object); ok {
				conform(t, all, p, member, at+"."+name)
			} else if schema["type"] == "object" && properties != nil {
				assert.Fail(t, "not documented", at+"."+name)
			}
		}
	case []any:
		for _, element := range x {
			conform(t, all, schema["items"].(object), element, at+"[]")
		}
	case string:
		if schema["type"] != nil && schema["type"] != huma.TypeString {
			assert.Contains(t, schema["type"], huma.TypeString, at)
		}
		if pattern, ok := schema["pattern"].(string); ok {
			assert.Regexp(t, pattern, x, at)
		}
	case nil:
		assert.Nil(t, schema["type"], at+" is null")
	}
}

func TestDocsPage(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := f.call(http.MethodGet, "/docs", nil, "Authorization", "").is(http.StatusOK)
	page := string(a.body)
	assert.Equal(t, "text/html; charset=utf-8", a.Header.Get("Content-Type"))
	assert.Regexp(t, `^default-src 'none'; style-src 'sha256-[^']+';`, a.Header.Get("Content-Security-Policy"))
	_, style, _ := strings.Cut(page, "<style>")
	style, _, _ = strings.Cut(style, "</style>")
	sum := sha256.Sum256([]byte(style))
	assert.Contains(t, a.Header.Get("Content-Security-Policy"), base64.StdEncoding.EncodeToString(sum[:]), "a browser would refuse the style")
	for _, outside := range []string{"<script", "<link", "<img", "<iframe", "@import", "url(", " onclick", "http://", "https://"} {
		has(t, page, outside, false)
	}
	for _, inside := range []string{"/api/v1/generations/{id}/select-sample", "inputPrompt", "insufficient_credits", "Idempotency-Key", "Last-Event-ID", "X-N8N-Webhook-Secret", "/readyz"} {
		has(t, page, inside, true)
	}
	for _, link := range regexp.MustCompile(`href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		has(t, page, `id="`+link[1]+`"`, true)
	}
}

// has is assert.Contains without the whole page in its message.
func has(t *testing.T, page, text string, want bool) {
	t.Helper()
	if strings.Contains(page, text) != want {
		t.Errorf("the page has %q: %t", text, !want)
	}
}

package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

const validProject = `"projectId":"0198c0de-0000-7000-8000-000000000001"`

func TestBadBodies(t *testing.T) {
	t.Parallel()
	f := setup(t)
	deep := strings.Repeat("[", 32) + strings.Repeat("]", 32)
	for name, c := range map[string]struct {
		body   string
		status int
		code   string
		where  []string
	}{
		"empty":               {"", 400, "empty_body", nil},
		"blank":               {" \n\t ", 400, "empty_body", nil},
		"not JSON":            {"prompt=fox", 400, "malformed_json", []string{"body"}},
		"cut off":             {`{"projectId":`, 400, "malformed_json", []string{"body"}},
		"comma":               {`{"a":1,}`, 400, "malformed_json", []string{"body"}},
		"trailing garbage":    {`{} x`, 400, "malformed_json", []string{"body"}},
		"two values":          {`{}{}`, 400, "malformed_json", []string{"body"}},
		"NUL byte":            {"{\"inputPrompt\":\"a\x00b\"}", 400, "malformed_json", []string{"body"}},
		"byte order mark":     {"\xef\xbb\xbf{}", 400, "malformed_json", []string{"body"}},
		"half a character":    {`{"inputPrompt":"\ud83d"}`, 400, "malformed_json", []string{"body"}},
		"wrong order":         {`{"inputPrompt":"\ude00\ud83d"}`, 400, "malformed_json", []string{"body"}},
		"invalid UTF-8":       {"{\"inputPrompt\":\"\xff\"}", 400, "invalid_utf8", []string{"body"}},
		"too deep":            {`{"inputParameters":` + deep + `}`, 400, "nesting_too_deep", []string{"body"}},
		"deep and open":       {strings.Repeat(`{"a":`, 5000), 400, "nesting_too_deep", []string{"body"}},
		"duplicate key":       {`{"inputPrompt":"a","inputPrompt":"b"}`, 400, "duplicate_key", []string{"body"}},
		"duplicate, escaped":  {`{"inputPrompt":"a","input\u0050rompt":"b"}`, 400, "duplicate_key", []string{"body"}},
		"duplicate deep down": {`{"inputParameters":{"samples":1,"samples":8}}`, 400, "duplicate_key", []string{"body"}},
		"a list":              {`[]`, 422, "invalid_input", []string{"body"}},
		"null":                {`null`, 422, "invalid_input", []string{"body"}},
		"a text":              {`"fox"`, 422, "invalid_input", []string{"body"}},
		"nothing in it":       {`{}`, 422, "invalid_input", []string{"body.projectId", "body.inputPrompt"}},
		"wrong types": {
			`{"projectId":7,"inputPrompt":["fox"],"styleGuidance":{},"inputParameters":"none"}`, 422, "invalid_input",
			[]string{"body.projectId", "body.inputPrompt", "body.styleGuidance", "body.inputParameters"},
		},
		"all at once": {
			`{"projectId":"x","inputPrompt":"  ","extra":1,"more":2,"inputParameters":{"format":"Fax","resolution":"9x9","samples":-5}}`,
			422, "invalid_input", []string{
				"body.extra", "body.more", "body.projectId", "body.inputPrompt",
				"body.inputParameters.format", "body.inputParameters.resolution", "body.inputParameters.samples",
			},
		},
		"other case":     {`{` + validProject + `,"inputPrompt":"a","InputPrompt":"b"}`, 422, "invalid_input", []string{"body.InputPrompt"}},
		"no user claim":  {`{` + validProject + `,"inputPrompt":"a","userId":"x"}`, 422, "invalid_input", []string{"body.userId"}},
		"nil project":    {`{"projectId":"00000000-0000-0000-0000-000000000000","inputPrompt":"a"}`, 422, "invalid_input", []string{"body.projectId"}},
		"long prompt":    {`{` + validProject + `,"inputPrompt":"` + strings.Repeat("ä", 4001) + `"}`, 422, "invalid_input", []string{"body.inputPrompt"}},
		"NUL in prompt":  {`{` + validProject + `,"inputPrompt":"a\u0000"}`, 422, "invalid_input", []string{"body.inputPrompt"}},
		"long style":     {`{` + validProject + `,"inputPrompt":"a","styleGuidance":"` + strings.Repeat("s", 2001) + `"}`, 422, "invalid_input", []string{"body.styleGuidance"}},
		"big parameters": {`{` + validProject + `,"inputPrompt":"a","inputParameters":{"x":"` + strings.Repeat("x", 17<<10) + `"}}`, 422, "invalid_input", []string{"body.inputParameters"}},
		"NUL within":     {`{` + validProject + `,"inputPrompt":"a","inputParameters":{"x":["\u0000"]}}`, 422, "invalid_input", []string{"body.inputParameters"}},
		"huge number":    {`{` + validProject + `,"inputPrompt":"a","inputParameters":{"x":1e999}}`, 422, "invalid_input", []string{"body.inputParameters"}},
		"huge samples":   {`{` + validProject + `,"inputPrompt":"a","inputParameters":{"samples":99999999999999999999}}`, 422, "invalid_input", []string{"body.inputParameters.samples"}},
		"half a sample":  {`{` + validProject + `,"inputPrompt":"a","inputParameters":{"samples":1.5}}`, 422, "invalid_input", []string{"body.inputParameters.samples"}},
		"samples as text": {
			`{` + validProject + `,"inputPrompt":"a","inputParameters":{"samples":"4"}}`, 422, "invalid_input", []string{"body.inputParameters.samples"},
		},
		"huge": {`{"inputPrompt":"` + strings.Repeat("x", 64<<10) + `"}`, 413, "body_too_large", nil},
	} {
		where := f.call(http.MethodPost, base, c.body).problem(c.status, c.code)
		assert.ElementsMatch(t, c.where, where, name)
		if c.code == "body_too_large" {
			continue
		}
		// Without a length, as a stream sends it, it is the same.
		where = f.call(http.MethodPost, base, io.MultiReader(strings.NewReader(c.body))).problem(c.status, c.code)
		assert.ElementsMatch(t, c.where, where, name)
	}
	assert.Zero(t, f.rows(), "bad input left a row behind")
}

func TestHugeChunkedBody(t *testing.T) {
	t.Parallel()
	f := setup(t)
	endless := io.LimitReader(zeros{}, 10<<20)
	f.call(http.MethodPost, base, io.MultiReader(endless)).problem(http.StatusRequestEntityTooLarge, "body_too_large")
	assert.Zero(t, f.rows())
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func TestMalformedJSONSaysWhere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	a := f.call(http.MethodPost, base, "{\n  \"a\": nul }")
	a.problem(http.StatusBadRequest, "malformed_json")
	assert.Contains(t, string(a.body), "line 2, column 11 (byte 12)")
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	f := setup(t)
	for _, media := range []string{"", "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/json, text/plain", "x"} {
		f.call(http.MethodPost, base, createBody(), "Content-Type", media).problem(http.StatusUnsupportedMediaType, "unsupported_media_type")
	}
	for _, coding := range []string{"gzip", "identity, br", "deflate"} {
		a := f.call(http.MethodPost, base, createBody(), "Content-Encoding", coding)
		a.problem(http.StatusUnsupportedMediaType, "unsupported_content_encoding")
		assert.Equal(t, "identity", a.Header.Get("Accept-Encoding"))
	}
	assert.Zero(t, f.rows())
	f.call(http.MethodPost, base, createBody(), "Content-Type", "application/JSON; charset=UTF-8", "Content-Encoding", "identity").is(http.StatusAccepted)
}

func TestBadSelectAndRegenerate(t *testing.T) {
	t.Parallel()
	f := setup(t)
	id := f.awaiting()
	before := f.call(http.MethodGet, base+"/"+id, nil).Header.Get("ETag")
	for body, where := range map[string][]string{
		`{}`:                                  {"body.sampleId"},
		`{"sampleId":1,"resolution":2,"x":3}`: {"body.sampleId", "body.resolution", "body.x"},
		`{"sampleId":"","resolution":"big"}`:  {"body.sampleId", "body.resolution"},
		`{"sampleId":"s1","resolution":"5000x5000"}`:      {"body.resolution"},
		`{"sampleId":"` + strings.Repeat("s", 256) + `"}`: {"body.sampleId"},
	} {
		assert.ElementsMatch(t, where, f.call(http.MethodPost, base+"/"+id+"/select-sample", body).problem(422, "invalid_input"), body)
	}
	f.call(http.MethodPost, base+"/"+id+"/select-sample", object{"sampleId": "s9"}).problem(422, "unknown_sample")
	for body, where := range map[string][]string{
		`{"inputPrompt":""}`: {"body.inputPrompt"},
		`{"inputPrompt":4,"styleGuidance":5,"inputParameters":{"samples":9},"projectId":"x"}`: {
			"body.inputPrompt", "body.styleGuidance", "body.inputParameters.samples", "body.projectId",
		},
		`[]`: {"body"},
	} {
		assert.ElementsMatch(t, where, f.call(http.MethodPost, base+"/"+id+"/regenerate-samples", body).problem(422, "invalid_input"), body)
	}
	assert.Equal(t, before, f.call(http.MethodGet, base+"/"+id, nil).Header.Get("ETag"), "bad input changed the generation")
}

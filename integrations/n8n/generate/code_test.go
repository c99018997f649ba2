package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/dop251/goja"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// runCode runs the code of a Code node, with what n8n gives it: the items that come in,
// and the first items of other nodes.
func runCode(t *testing.T, files string, input []any, nodes map[string]any) ([]map[string]any, error) {
	t.Helper()
	var code []string
	for name := range strings.FieldsSeq(files) {
		part, err := readCode(name)
		require.NoError(t, err)
		code = append(code, part)
	}
	given, err := json.Marshal(map[string]any{"input": input, "nodes": nodes})
	require.NoError(t, err)
	vm := goja.New()
	require.NoError(t, vm.Set("given", string(given)))
	value, err := vm.RunString(`
		var { input, nodes } = JSON.parse(given);
		var wrap = (all) => ({ first: () => ({ json: all[0] }), all: () => all.map((json) => ({ json })) });
		var $ = (name) => wrap([nodes[name]]);
		var $input = wrap(input);
		var $execution = { id: '7' };
		JSON.stringify((function () {` + strings.Join(code, "\n") + `})().map((item) => item.json))`)
	if err != nil {
		return nil, err
	}
	var out []map[string]any
	require.NoError(t, json.Unmarshal([]byte(value.String()), &out))
	return out, nil
}

func job(more map[string]any) map[string]any {
	j := map[string]any{
		"jobId": "01890000-0000-7000-8000-000000000001", "generationId": "g", "jobType": "sample_generation", "inputPrompt": "a fox",
		"styleGuidance": "", "inputParameters": map[string]any{"samples": 3}, "callback": map[string]any{"url": "http://u", "token": "t"},
	}
	for k, v := range more {
		j[k] = v
	}
	return j
}

func plan(t *testing.T, provider string, j map[string]any) ([]map[string]any, error) {
	t.Helper()
	return runCode(t, "plan", []any{map[string]any{}}, map[string]any{"Read job": map[string]any{
		"job": j, "stage": "s", "settings": map[string]any{"provider": provider, "openaiModel": "gpt-image-1"},
	}})
}

// The workflow knows the sizes of formats, since a job holds only what the user asked for.
func TestPlanKnowsFormats(t *testing.T) {
	t.Parallel()
	for _, f := range aigen.Formats() {
		sample, err := plan(t, "edit-image", job(map[string]any{"inputParameters": map[string]any{"format": f, "samples": 1}}))
		require.NoError(t, err)
		final, err := plan(t, "edit-image", job(map[string]any{
			"jobType": "final_generation", "inputParameters": map[string]any{"format": f},
			"selectedSample": map[string]any{"metadata": sample[0]["metadata"]},
		}))
		require.NoError(t, err)
		assert.Equal(t, f.Resolution().String(), fmt.Sprintf("%vx%v", final[0]["width"], final[0]["height"]), f)
		assert.LessOrEqual(t, max(sample[0]["width"].(float64), sample[0]["height"].(float64)), 512.0)
	}
}

func TestPlanDraws(t *testing.T) {
	t.Parallel()
	all, err := plan(t, "edit-image", job(map[string]any{"inputParameters": map[string]any{"samples": 3, "resolution": "1000x500"}}))
	require.NoError(t, err)
	require.Len(t, all, 3)
	names := map[any]bool{}
	for i, p := range all {
		assert.Equal(t, []any{"draw", 512.0, 256.0, 3.0, float64(i)}, []any{p["how"], p["width"], p["height"], p["total"], p["index"]})
		names[p["name"]] = true
		assert.Regexp(t, `^[0-9a-f-]{36}-\d\.png$`, p["name"], "what the workflow for pictures serves")
	}
	assert.Len(t, names, 3)
	assert.NotEqual(t, all[0]["art"], all[1]["art"])
	again, err := plan(t, "edit-image", job(map[string]any{"inputParameters": map[string]any{"samples": 3, "resolution": "1000x500"}}))
	require.NoError(t, err)
	assert.Equal(t, all, again, "a job that comes twice gives the same pictures")
	// The chosen sample drawn large is the same picture.
	final, err := plan(t, "edit-image", job(map[string]any{
		"jobType": "final_generation", "resolution": "1024x512", "selectedSample": map[string]any{"metadata": all[2]["metadata"]},
	}))
	require.NoError(t, err)
	small, large := all[2]["art"].(map[string]any), final[0]["art"].(map[string]any)
	assert.Equal(t, small["background"], large["background"])
	assert.InDelta(t, 2*small["sun"].(map[string]any)["x0"].(float64), large["sun"].(map[string]any)["x0"], 0.001)
}

func TestPlanAsks(t *testing.T) {
	t.Parallel()
	for resolution, size := range map[string]string{"1080x1920": "1024x1536", "1920x1080": "1536x1024", "500x500": "1024x1024"} {
		all, err := plan(t, "openai", job(map[string]any{
			"styleGuidance": "ink", "inputParameters": map[string]any{"samples": 1, "resolution": resolution},
		}))
		require.NoError(t, err)
		assert.Equal(t, map[string]any{"model": "gpt-image-1", "n": 1.0, "size": size, "prompt": "a fox\n\nStyle: ink"}, all[0]["request"])
	}
	final, err := plan(t, "openai", job(map[string]any{
		"jobType": "final_generation", "resolution": "600x300",
		"selectedSample": map[string]any{"url": "http://p", "width": 1536, "height": 1024, "metadata": map[string]any{"provider": "openai"}},
	}))
	require.NoError(t, err)
	assert.Equal(t, []any{"enlarge", "http://p", map[string]any{"x": 0.0, "y": 50.0}}, []any{final[0]["how"], final[0]["source"], final[0]["crop"]})
	_, err = plan(t, "nonsense", job(nil))
	require.ErrorContains(t, err, `"code":"misconfigured"`)
	_, err = plan(t, "openai", job(map[string]any{"jobType": "final_generation"}))
	require.ErrorContains(t, err, `"code":"sample_missing"`)
}

// withKey is what the HTTP node of n8n 2.41.1 says where it has a credential.
func withKey(message, cause string) any {
	return map[string]any{
		"message": message, "name": "NodeApiError", "description": "no", "context": map[string]any{},
		"cause": map[string]any{"name": "AxiosError", "message": cause},
	}
}

// What n8n says of an error becomes a code, a sentence for people, and whether to retry.
func TestExplain(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		error     any
		code      string
		retryable bool
	}{
		"its own words":          {map[string]any{"message": `Error: {"code":"busy","message":"Later.","retryable":true} [line 3]`}, "busy", true},
		"its own, final":         {map[string]any{"message": `{"code":"no","message":"No."}`}, "no", false},
		"a bug":                  {map[string]any{"message": "nobodyHasDefinedThis is not defined [line 2]", "name": "ReferenceError"}, "workflow_failed", false},
		"moderation":             {map[string]any{"message": "400 - {\"error\": {\"code\": \"moderation_blocked\"}}", "status": 400}, "content_rejected", false},
		"moderation, with a key": {withKey("Bad request - please check your parameters", `400 - {"error":{"code":"moderation_blocked","message":"no"}}`), "content_rejected", false},
		"busy, with a key":       {withKey("The service is receiving too many requests from you", `429 - {"error":{"code":"rate_limit_exceeded","message":"no"}}`), "image_service_busy", true},
		"nobody, with a key":     {withKey("The service refused the connection - perhaps it is offline", "connect ECONNREFUSED 127.0.0.1:1"), "image_service_unreachable", true},
		"bad request":            {map[string]any{"message": "Bad request", "httpCode": "400"}, "image_service_refused", false},
		"bad key":                {map[string]any{"message": "Unauthorized", "status": 401}, "image_service_refused", false},
		"busy":                   {map[string]any{"message": "Too many requests", "httpCode": "429"}, "image_service_busy", true},
		"fault":                  {map[string]any{"message": "Bad gateway", "httpCode": "502"}, "image_service_fault", true},
		"nobody there":           {map[string]any{"message": "connect ECONNREFUSED 10.0.0.1:80"}, "image_service_unreachable", true},
		"too slow":               {map[string]any{"message": "The connection timed out"}, "image_service_unreachable", true},
		"no gm, drawing":         {map[string]any{"message": "Stream yields empty buffer"}, "graphicsmagick_missing", false},
		"no gm, looking":         {map[string]any{"message": `Could not execute GraphicsMagick/ImageMagick: gm "identify" "-"`}, "graphicsmagick_missing", false},
		"crashed":                {map[string]any{"message": "Workflow execution process crashed", "name": "WorkflowCrashedError"}, "engine_crashed", true},
		"nothing":                {nil, "workflow_failed", false},
		"a text":                 {map[string]any{}, "workflow_failed", false},
		"braces without a code":  {map[string]any{"message": `{"a": 1}`}, "workflow_failed", false},
	} {
		out, err := runCode(t, "explain failed_here", []any{map[string]any{"error": c.error}}, map[string]any{"Read job": map[string]any{
			"job": job(nil), "stage": "samples_generated", "settings": map[string]any{"proof": "token"},
		}})
		require.NoError(t, err, name)
		report := out[0]["report"].(map[string]any)
		why := report["error"].(map[string]any)
		assert.Equal(t, []any{c.code, c.retryable}, []any{why["code"], why["retryable"]}, name)
		assert.Regexp(t, `^[A-Z][^{}\[\]]*\.$`, why["message"], "%s: a sentence", name)
		want := "samples_generated"
		if c.code == "content_rejected" {
			want = "content_rejected"
		}
		assert.Equal(t, []any{"failure", want, "g"}, []any{report["status"], report["stage"], report["generationId"]}, name)
	}
}

// After a start of n8n the jobs from before it are reported, and not those that came since.
func TestFailedElsewhere(t *testing.T) {
	t.Parallel()
	row := func(id, created string) any {
		return map[string]any{
			"executionId": id, "jobId": "j" + id, "generationId": "g" + id, "stage": "final_asset_generated",
			"callbackUrl": "http://u", "callbackToken": "t" + id, "createdAt": created,
		}
	}
	rows := []any{row("1", "2026-11-25T10:00:00.000Z"), row("2", "2026-11-25T10:00:29.000Z")}
	settings := map[string]any{"settings": map[string]any{"proof": "signature"}, "timestamp": "2026-11-25T10:00:30.000Z"}
	out, err := runCode(t, "explain failed_elsewhere", rows, map[string]any{"Settings": settings})
	require.NoError(t, err)
	require.Len(t, out, 1)
	assert.Equal(t, map[string]any{
		"generationId": "g1", "jobId": "j1", "status": "failure", "stage": "final_asset_generated",
		"error": map[string]any{"code": "engine_restarted", "message": "The picture service was interrupted.", "retryable": true},
	}, out[0]["report"])
	settings["execution"] = map[string]any{"id": "2", "error": map[string]any{"message": "boom"}}
	out, err = runCode(t, "explain failed_elsewhere", rows[1:], map[string]any{"Settings": settings})
	require.NoError(t, err)
	require.Len(t, out, 1)
	assert.Equal(t, "workflow_failed", out[0]["report"].(map[string]any)["error"].(map[string]any)["code"])
}

// The bytes are made once: what is signed is what is sent.
func TestProof(t *testing.T) {
	t.Parallel()
	report := map[string]any{"jobId": "j", "status": "success", "text": "<ü> \u2028 \"🦊\""}
	out, err := runCode(t, "proof", []any{map[string]any{
		"callback": map[string]any{"url": "http://u", "token": "t"}, "proof": "signature", "report": report,
	}}, nil)
	require.NoError(t, err)
	p := out[0]
	assert.Equal(t, fmt.Sprintf("j-success.%s.%s", p["timestamp"], p["body"]), p["content"])
	assert.Equal(t, "j-success", p["id"])
	assert.Equal(t, true, p["signed"])
	var back map[string]any
	require.NoError(t, json.Unmarshal([]byte(p["body"].(string)), &back))
	assert.Equal(t, report, back)
}

// A report that the service refuses is not repeated; one that it did not hear is, until the deadline.
func TestAgain(t *testing.T) {
	t.Parallel()
	try := func(status any, deadline string) error {
		_, err := runCode(t, "again", []any{map[string]any{"error": map[string]any{"status": status, "message": "m"}}}, map[string]any{
			"Proof":    map[string]any{"report": map[string]any{"jobId": "j"}},
			"Read job": map[string]any{"job": job(map[string]any{"deadline": deadline})},
		})
		return err
	}
	require.NoError(t, try(nil, "2999-01-01T00:00:00Z"))
	require.NoError(t, try(503, "2999-01-01T00:00:00Z"))
	require.Error(t, try(403, "2999-01-01T00:00:00Z"))
	require.Error(t, try(503, "2001-01-01T00:00:00Z"))
}

package worker_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/worker"
)

// with answers with a status, a content type and a body.
func with(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// Servers that say they speak the images API put their pictures in all of these places.
func TestImageAPITakesGoodAnswers(t *testing.T) {
	t.Parallel()
	picture := asPNG(drawing(64, 48))
	b := base64.StdEncoding.EncodeToString(picture)
	const js = "application/json"
	event := func(kind, body string) string { return "event: " + kind + "\r\ndata: " + body + "\r\n\r\n" }
	for name, answer := range map[string]http.HandlerFunc{
		"201":                     with(201, js, `{"data":[{"b64_json":"`+b+`"}]}`),
		"202":                     with(202, js, `{"data":[{"b64_json":"`+b+`"}]}`),
		"data URL as url":         with(200, js, `{"data":[{"url":"data:image/png;base64,`+b+`"}]}`),
		"data URL, escaped":       with(200, js, `{"data":[{"url":"data:image/png;charset=x;base64,`+strings.ReplaceAll(b, "+", "%2B")+`"}]}`),
		"an error that is null":   with(200, js, `{"error":null,"data":[{"b64_json":"`+b+`","url":null}]}`),
		"an empty first":          with(200, js, `{"data":[{},{"b64_json":"","url":""},{"b64_json":"`+b+`"}]}`),
		"a null first":            with(200, js, `{"data":[null,{"b64_json":"`+b+`"}]}`),
		"a GIF first":             with(200, js, `{"data":[{"b64_json":"`+base64.StdEncoding.EncodeToString([]byte("GIF89a............"))+`"},{"b64_json":"`+b+`"}]}`),
		"images of strings":       with(200, js, `{"images":["`+b+`"]}`),
		"images of objects":       with(200, js, `{"images":[{"base64":"`+b+`"}]}`),
		"output":                  with(200, js, `{"output":["data:image/png;base64,`+b+`"]}`),
		"output alone":            with(200, js, `{"output":"`+b+`"}`),
		"artifacts":               with(200, js, `{"artifacts":[{"base64":"`+b+`","seed":7,"finishReason":"SUCCESS"}]}`),
		"strings in data":         with(200, js, `{"data":["`+b+`"]}`),
		"an object in data":       with(200, js, `{"data":{"b64_json":"`+b+`"}}`),
		"a bare list":             with(200, js, `[{"b64_json":"`+b+`"}]`),
		"a bare object":           with(200, js, `{"b64_json":"`+b+`"}`),
		"a bare string":           with(200, js, `"`+b+`"`),
		"image":                   with(200, js, `{"image":"`+b+`","finish_reason":"SUCCESS"}`),
		"b64Json":                 with(200, js, `{"data":[{"b64Json":"`+b+`"}]}`),
		"predictions":             with(200, js, `{"predictions":[{"bytesBase64Encoded":"`+b+`","mimeType":"image/png"}]}`),
		"candidates":              with(200, js, `{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"here"},{"inlineData":{"mimeType":"image/png","data":"`+b+`"}}]}}]}`),
		"choices":                 with(200, js, `{"choices":[{"message":{"content":"here","images":[{"image_url":{"url":"data:image/png;base64,`+b+`"}}]}}]}`),
		"filters that found none": with(200, js, `{"data":[{"b64_json":"`+b+`","content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}],"has_nsfw_concepts":[false]}`),
		"the picture itself":      with(200, "image/png", string(picture)),
		"with a wrong type":       with(200, "application/octet-stream", string(picture)),
		"text":                    with(200, "text/plain", "data:image/png;base64,"+b),
		"events": with(200, "text/event-stream", ": hello\r\n\r\n"+event("image_generation.partial_image", `{"type":"image_generation.partial_image","b64_json":"`+
			base64.StdEncoding.EncodeToString(asPNG(drawing(8, 8)))+`"}`)+event("image_generation.completed", `{"type":"image_generation.completed","b64_json":"`+b+`"}`)+"data: [DONE]\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setupAPI(t, answer)
			sample, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
			require.NoError(t, err)
			require.Equal(t, picture, a.file(t, sample.AssetID+".orig"))
			require.Len(t, a.requests(), 1)
		})
	}
}

// The addresses of pictures lead to the server itself here; others are refused where they
// lead inside.
func TestImageAPIFetchesPictures(t *testing.T) {
	t.Parallel()
	picture := asPNG(drawing(64, 48))
	var fails atomic.Int32
	fails.Store(1)
	serve := func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/images/generations":
			_, _ = io.WriteString(w, `{"data":[{"url":"`+r.Header.Get("X-None")+`http://`+r.Host+`/moved.png?sig=1","revised_prompt":"x"}]}`)
		case "/moved.png":
			http.Redirect(w, r, "/there.png", http.StatusFound)
		default:
			if fails.Add(-1) >= 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			_, _ = w.Write(picture)
		}
	}
	a := setupAPI(t, serve)
	sample, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	require.Equal(t, picture, a.file(t, sample.AssetID+".orig"))
	require.JSONEq(t, `{"revised_prompt":"x"}`, string(sample.Metadata))
	posts := 0
	for _, r := range a.requests() {
		if r.Method == http.MethodPost {
			posts++
		}
	}
	require.Equal(t, 1, posts, "the picture was paid for: only its address is asked again")
}

func TestImageAPIFetchesNothingFromInside(t *testing.T) {
	t.Parallel()
	var visits atomic.Int32
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		visits.Add(1)
		_, _ = w.Write(asPNG(drawing(8, 8)))
	}))
	t.Cleanup(inside.Close)
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]
	for _, address := range []string{
		inside.URL, "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port, "http://0.0.0.0" + port,
		"http://10.0.0.1/", "http://192.168.0.1/x.png", "http://169.254.169.254/latest/meta-data",
		"http://[fd00::1]/", "http://[fe80::1]/", "http://100.64.0.1/", "http://[64:ff9b::7f00:1]/", "ftp://example.com/x.png", "file:///etc/passwd",
	} {
		a := setupAPI(t, says(200, `{"data":[{"url":"`+address+`"}]}`))
		e := a.fault(t)
		require.False(t, e.Retryable, address)
		require.Len(t, a.requests(), 1, address)
		require.NotContains(t, e.Error(), port, "an address is not for the log")
	}
	// By way of the server that is allowed.
	a := setupAPI(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"data":[{"url":"/out"}]}`)
			return
		}
		http.Redirect(w, r, inside.URL, http.StatusFound)
	})
	require.False(t, a.fault(t).Retryable)
	require.Zero(t, visits.Load())
}

// What servers say when the content is refused, and what looks like it.
func TestImageAPIRecognisesRefusedContent(t *testing.T) {
	t.Parallel()
	for body, statuses := range map[string][]int{
		`{"error":{"message":"x","type":"image_generation_user_error","param":null,"code":"moderation_blocked"}}`:                                {200, 400, 403, 422, 451, 500},
		`{"error":{"code":"content_policy_violation","message":"x","type":"invalid_request_error","inner_error":{"content_filter_results":{}}}}`: {200, 400, 403, 422, 500},
		`{"error":{"message":"x","type":null,"param":"prompt","code":"400","innererror":{"code":"ResponsibleAIPolicyViolation"}}}`:               {400, 500},
		`{"error":{"message":"litellm.ContentPolicyViolationError: AzureException - x","type":null,"param":null,"code":"400"}}`:                  {400, 500},
		`{"detail":[{"loc":["body","prompt"],"msg":"x","type":"content_policy_violation","input":"a red fox"}]}`:                                 {200, 422},
		`[{"loc":["body","prompt"],"msg":"x","type":"content_policy_violation"}]`:                                                                {422},
		`{"detail":"NSFW content detected in the prompt"}`:                                                                                       {400, 422},
		`{"code":"DataInspectionFailed","message":"x","request_id":"y"}`:                                                                         {400},
		`{"code":"content_moderation","error":"Generated image rejected by content moderation."}`:                                                {400, 403},
		`{"id":"x","name":"content_moderation","errors":["Your request was flagged by our content moderation system"]}`:                          {403},
		`{"id":"x","status":"Request Moderated","result":null}`:                                                                                  {200},
		`{"error":"Your request was rejected as a result of our safety system."}`:                                                                {200, 400, 500},
		`{"error":{"code":500,"message":"{\"error\":{\"code\":\"content_filter\"}}"}}`:                                                           {500},
		`{"error":{"code":"OutputImageSensitiveContentDetected","message":"x"}}`:                                                                 {200, 400},
		`{"data":[],"finish_reason":"content_filter"}`:                                                                                           {200},
		`{"data":[{"b64_json":null,"finish_reason":"IMAGE_SAFETY"}]}`:                                                                            {200},
		`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`:                                                                                {200},
		`{"data":[{"url":"","error":{"code":"contentFilter","message":"x"}}]}`:                                                                   {200},
		`{"data":[{"url":null,"filtered":true}]}`:                                                                                                {200},
		`{"artifacts":[{"base64":"PICTURE","finishReason":"CONTENT_FILTERED"}]}`:                                                                 {200},
		`{"images":[{"url":"data:image/png;base64,PICTURE"}],"has_nsfw_concepts":[true]}`:                                                        {200},
		`{"data":[{"b64_json":"PICTURE","content_filter_results":{"sexual":{"filtered":true,"severity":"high"}}}]}`:                              {200},
		``: {451},
	} {
		for _, status := range statuses {
			a := setupAPI(t, says(status, strings.ReplaceAll(body, "PICTURE", base64.StdEncoding.EncodeToString(asPNG(drawing(8, 8))))))
			e := a.fault(t)
			require.True(t, e.Rejected, "%d %s: %s", status, body, e)
			require.Equal(t, aigen.CodeContentRejected, e.Code)
			require.Len(t, a.requests(), 1)
		}
	}
	for body, statuses := range map[string][]int{
		`{"error":{"message":"Your resource has been temporarily blocked because we detected behavior that may violate our content policy.","code":"Forbidden"}}`: {403},
		`{"error":{"message":"Unknown parameter: 'moderation'.","code":"unknown_parameter","param":"moderation"}}`:                                                {400},
		`{"error":{"message":"The moderation service is unavailable","code":"moderation_unavailable"}}`:                                                           {500, 503},
		`{"error":{"message":"You exceeded your current quota","code":"insufficient_quota"}}`:                                                                     {200, 403, 429},
		`{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`:                                                                             {200, 401},
		`{"error":{"message":"Invalid prompt: a red fox"}}`:                                                                                                       {400},
		`{"error":{"message":"Country, region, or territory not supported","code":"unsupported_country_region_territory"}}`:                                       {403, 451},
		`{"detail":[{"loc":["body","prompt"],"msg":"too long","type":"string_too_long","input":"an nsfw picture"}]}`:                                              {422},
	} {
		for _, status := range statuses {
			a := setupAPI(t, says(status, body))
			e := a.fault(t)
			require.False(t, e.Rejected, "%d %s", status, body)
			require.Equal(t, status >= 500, e.Retryable, "%d %s", status, body)
			require.Len(t, a.requests(), 1)
		}
	}
}

// The user's own words are no sign of anything.
func TestImageAPIDoesNotReadThePrompt(t *testing.T) {
	t.Parallel()
	j := sampleJob(t, "")
	j.InputPrompt, j.StyleGuidance = "a sign that reads nsfw and content policy, size 10x10", ""
	a := setupAPI(t, says(400, `{"error":{"message":"Bad model for 'a sign that reads nsfw and content policy, size 10x10'"}}`))
	_, err := a.Sample(t.Context(), j, 0)
	var e *worker.PaintError
	require.ErrorAs(t, err, &e)
	require.False(t, e.Rejected)
	require.Len(t, a.requests(), 1)
}

func TestImageAPITellsOperatorsOfAnEmptyAccount(t *testing.T) {
	t.Parallel()
	log := &text{}
	a := setupAPI(t, says(429, `{"error":{"code":"insufficient_quota"}}`), func(c *worker.ImageAPIConfig) { c.Log = logTo(log) })
	require.False(t, a.fault(t).Retryable)
	require.Contains(t, log.String(), "level=ERROR")
	require.Contains(t, log.String(), "insufficient_quota")
}

// A strict server takes the parameters that it knows, and says which it does not.
func TestImageAPILeavesOutWhatIsRefused(t *testing.T) {
	t.Parallel()
	picture := sends(asPNG(drawing(64, 64)))
	type body struct {
		Size   string
		N      *int
		Format string `json:"response_format"`
	}
	for name, tc := range map[string]struct {
		refuse func(b body) string // "": taken
		asked  int                 // for the first picture
		status int
	}{
		"OpenAI": {func(b body) string {
			switch {
			case b.Size != "1024x1024" && b.Size != "1024x1536" && b.Size != "1536x1024":
				return `{"error":{"message":"Invalid value: '` + b.Size + `'. Supported values are: '1024x1024', '1024x1536', '1536x1024', and 'auto'.","type":"invalid_request_error","param":"size","code":"invalid_value"}}`
			case b.Format != "":
				return `{"error":{"message":"Unknown parameter: 'response_format'.","type":"invalid_request_error","param":"response_format","code":"unknown_parameter"}}`
			}
			return ""
		}, 3, 400},
		"no size": {func(b body) string {
			if b.Size != "" {
				return `{"code":"invalid-argument","error":"Argument not supported: size"}`
			}
			return ""
		}, 2, 400},
		"only large sizes": {func(b body) string {
			if b.Size != "" {
				return `{"error":{"code":"InvalidParameter","message":"The parameter ` + "`size`" + ` specified in the request is not valid: image size must be at least 3686400 pixels."}}`
			}
			return ""
		}, 2, 400},
		"pydantic": {func(b body) string {
			if b.N != nil {
				return `{"detail":[{"type":"extra_forbidden","loc":["body","n"],"msg":"Extra inputs are not permitted","input":1}]}`
			}
			return ""
		}, 2, 422},
		"a Python server": {func(b body) string {
			if b.Format != "" {
				return `{"error":"generate() got an unexpected keyword argument 'response_format'"}`
			}
			return ""
		}, 2, 500},
		"within a 200": {func(b body) string {
			if b.Format != "" {
				return `{"error":{"message":"response_format is not supported","code":"unsupported_parameter"}}`
			}
			return ""
		}, 2, 200},
		"sizes with a star": {func(b body) string {
			if b.Size != "720*1280" {
				return `{"code":"InvalidParameter","message":"size must be one of 1024*1024, 720*1280, 1280*720"}`
			}
			return ""
		}, 2, 400},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setupAPI(t, func(w http.ResponseWriter, r *http.Request) {
				var b body
				raw, _ := io.ReadAll(r.Body)
				_ = json.Unmarshal(raw, &b)
				if refusal := tc.refuse(b); refusal != "" {
					says(tc.status, refusal)(w, r)
					return
				}
				picture(w, r)
			}, func(c *worker.ImageAPIConfig) { c.Model = "" })
			_, err := a.Sample(t.Context(), sampleJob(t, `{"format":"InstagramStory"}`), 0)
			require.NoError(t, err)
			require.Len(t, a.requests(), tc.asked)
			_, err = a.Sample(t.Context(), sampleJob(t, `{"format":"InstagramStory"}`), 1)
			require.NoError(t, err)
			require.Len(t, a.requests(), tc.asked+1, "what was learned is remembered")
		})
	}
	always := setupAPI(t, says(400, `{"error":{"message":"'size', 'n', 'response_format' are invalid"}}`))
	require.False(t, always.fault(t).Retryable)
	require.LessOrEqual(t, len(always.requests()), 4, "it ends")
}

func TestImageAPIAddresses(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"/v1": "/v1/images/generations", "/v1/": "/v1/images/generations", "": "/images/generations",
		"/v1/images/generations": "/v1/images/generations", "/v1/images/generations/": "/v1/images/generations",
		"/openai/deployments/prod-images?api-version=2025-04-01-preview":                    "/openai/deployments/prod-images/images/generations?api-version=2025-04-01-preview",
		"/openai/deployments/prod-images/images/generations?api-version=2025-04-01-preview": "/openai/deployments/prod-images/images/generations?api-version=2025-04-01-preview",
		"/a%2Fb/v1": "/a%2Fb/v1/images/generations",
	} {
		a := setupAPI(t, sends(asPNG(drawing(8, 8))))
		p := worker.NewImageAPI(worker.ImageAPIConfig{Assets: a.Assets, BaseURL: a.url + given, Key: apiKey})
		_, err := p.Sample(t.Context(), sampleJob(t, ""), 0)
		require.NoError(t, err)
		require.Equal(t, want, a.requests()[0].URL.RequestURI(), given)
		require.Equal(t, "Bearer "+apiKey, a.requests()[0].Header.Get("Authorization"))
		if strings.Contains(given, "api-version") {
			require.Equal(t, apiKey, a.requests()[0].Header.Get("Api-Key"), "Azure wants it there")
		} else {
			require.Empty(t, a.requests()[0].Header.Get("Api-Key"))
		}
	}
}

func TestImageAPICheck(t *testing.T) {
	t.Parallel()
	for status, fine := range map[int]bool{200: true, 404: true, 405: true, 429: true, 401: false, 403: false, 500: false, 503: false, 307: false} {
		a := setupAPI(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere.invalid/")
			w.WriteHeader(status)
		})
		err := a.Check(t.Context())
		require.Equal(t, fine, err == nil, "%d: %v", status, err)
		require.Equal(t, "/v1/models", a.requests()[0].URL.Path)
		require.Equal(t, http.MethodGet, a.requests()[0].Method)
		require.Equal(t, "Bearer "+apiKey, a.requests()[0].Header.Get("Authorization"))
	}
	gone := setupAPI(t, sends(nil), func(c *worker.ImageAPIConfig) { c.BaseURL = "http://u:secret@127.0.0.1:1/v1" })
	err := gone.Check(t.Context())
	require.ErrorContains(t, err, "cannot be reached")
	require.NotContains(t, err.Error(), "secret")
}

// Cameras and phones write how a picture is to be held, instead of turning it.
func TestImageAPITurnsPictures(t *testing.T) {
	t.Parallel()
	upright := drawing(120, 80)
	for o := 1; o <= 8; o++ {
		for _, order := range []string{"MM", "II"} {
			a := setupAPI(t, sends(withOrientation(asJPEG(heldAs(upright, o)), o, order)))
			sample, err := a.Sample(t.Context(), sampleJob(t, `{"resolution":"120x80"}`), 0)
			require.NoError(t, err)
			final, err := a.Final(t.Context(), finalJob(t, sample, "120x80"))
			require.NoError(t, err)
			require.Less(t, distance(a.picture(t, final), upright), 0.03, "orientation %d, %s", o, order)
		}
	}
}

func TestImageAPITakesTheFirstPictureOfAnAnimation(t *testing.T) {
	t.Parallel()
	plain := asWebP(t)
	frame := append(make([]byte, 16), plain[12:]...)
	chunk := func(kind string, data []byte) []byte {
		size := []byte{byte(len(data)), byte(len(data) >> 8), byte(len(data) >> 16), 0}
		return bytes.Join([][]byte{[]byte(kind), size, data, make([]byte, len(data)%2)}, nil)
	}
	body := bytes.Join([][]byte{
		[]byte("WEBP"), chunk("VP8X", []byte{2, 0, 0, 0, 63, 0, 0, 63, 0, 0}), chunk("ANIM", make([]byte, 6)), chunk("ANMF", frame), chunk("ANMF", frame),
	}, nil)
	a := setupAPI(t, sends(chunk("RIFF", body)))
	sample, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	b := setupAPI(t, sends(plain))
	same, err := b.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	require.Zero(t, distance(a.picture(t, sample), b.picture(t, same)))
}

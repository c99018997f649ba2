package worker_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/worker"
)

const apiKey = "sk-very-secret"

// api is a server of the images API, and a painter that asks it.
type api struct {
	bundle
	*worker.ImageAPI
	url string

	mu     sync.Mutex
	asked  []*http.Request
	bodies []string
}

// setupAPI starts a server that answers by a function. Settings besides the base, the
// key and the assets may be given.
func setupAPI(t testing.TB, answer http.HandlerFunc, more ...func(*worker.ImageAPIConfig)) *api {
	t.Helper()
	a := &api{bundle: setup(t)}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.mu.Lock()
		a.asked, a.bodies = append(a.asked, r), append(a.bodies, string(body))
		a.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}))
	transport := &http.Transport{}
	t.Cleanup(func() { transport.CloseIdleConnections(); s.Close() })
	a.url = s.URL
	c := worker.ImageAPIConfig{
		Assets: a.Assets, BaseURL: s.URL + "/v1/", Key: apiKey, Model: "some-model", Log: quiet, Transport: transport,
	}
	for _, change := range more {
		change(&c)
	}
	a.ImageAPI = worker.NewImageAPI(c)
	return a
}

// requests are those that have arrived. A request that the caller gave up may arrive later.
func (a *api) requests() []*http.Request {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.asked)
}

// sent are the bodies of the requests.
func (a *api) sent() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.bodies)
}

// says answers with a status and a body.
func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// sends answers with a picture.
func sends(picture []byte) http.HandlerFunc {
	return says(http.StatusOK, `{"created":1,"data":[{"b64_json":"`+base64.StdEncoding.EncodeToString(picture)+`"}]}`)
}

// drawing has a different colour everywhere, so that a crop or a turn would show.
func drawing(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetRGBA(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), uint8((x + y) % 256), 255})
		}
	}
	return img
}

func asPNG(img image.Image) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, img)
	return b.Bytes()
}

func asJPEG(img image.Image) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95})
	return b.Bytes()
}

// asWebP is a picture from golang.org/x/image/testdata, since nothing here writes WebP.
func asWebP(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "colours.webp"))
	require.NoError(t, err)
	return data
}

func TestImageAPIRequest(t *testing.T) {
	t.Parallel()
	a := setupAPI(t, sends(asPNG(drawing(64, 64))))
	_, err := a.Sample(t.Context(), sampleJob(t, `{"format":"InstagramStory"}`), 0)
	require.NoError(t, err)
	require.Equal(t, "POST /v1/images/generations", a.requests()[0].Method+" "+a.requests()[0].URL.Path)
	require.Equal(t, "Bearer "+apiKey, a.requests()[0].Header.Get("Authorization"))
	require.Equal(t, "application/json", a.requests()[0].Header.Get("Content-Type"))
	require.JSONEq(t, `{"model":"some-model","prompt":"a red fox\n\nwatercolour","n":1,"size":"576x1024","response_format":"b64_json"}`, a.sent()[0])
	require.Equal(t, "some-model", a.Model())

	bare := setupAPI(t, sends(asPNG(drawing(64, 64))), func(c *worker.ImageAPIConfig) {
		c.Key, c.Model, c.BaseURL = "", "", strings.TrimSuffix(c.BaseURL, "/")
	})
	j := sampleJob(t, "")
	j.StyleGuidance = ""
	_, err = bare.Sample(t.Context(), j, 0)
	require.NoError(t, err)
	require.Equal(t, "/v1/images/generations", bare.requests()[0].URL.Path)
	require.NotContains(t, bare.requests()[0].Header, "Authorization")
	require.JSONEq(t, `{"prompt":"a red fox","n":1,"size":"1024x1024","response_format":"b64_json"}`, bare.sent()[0])
	require.Equal(t, "image-api/default", bare.Model())
}

func TestImageAPISizes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ model, resolution, size, format string }{
		{"gpt-image-1", "1080x1080", "1024x1024", ""}, {"gpt-image-1", "1080x1920", "1024x1536", ""},
		{"gpt-image-1-mini", "1920x1080", "1536x1024", ""}, {"openai/gpt-image-1", "1080x1350", "1024x1536", ""},
		{"GPT-Image-2", "1100x1000", "1024x1024", ""},
		{"dall-e-3", "1080x1080", "1024x1024", "b64_json"}, {"dall-e-3", "1080x1920", "1024x1792", "b64_json"},
		{"dall-e-3", "1200x627", "1792x1024", "b64_json"}, {"dall-e-2", "1080x1920", "1024x1024", "b64_json"},
		{"flux", "1080x1080", "1024x1024", "b64_json"}, {"flux", "1200x627", "1024x512", "b64_json"},
		{"flux", "1000x1500", "704x1024", "b64_json"}, {"flux", "64x64", "1024x1024", "b64_json"},
		{"flux", "4096x64", "1024x64", "b64_json"}, {"", "64x4096", "64x1024", "b64_json"},
	} {
		a := setupAPI(t, says(http.StatusTeapot, ""), func(c *worker.ImageAPIConfig) { c.Model = tc.model })
		_, err := a.Sample(t.Context(), sampleJob(t, `{"resolution":"`+tc.resolution+`"}`), 0)
		require.Error(t, err)
		var r struct {
			Size   string
			Format string `json:"response_format"`
		}
		require.NoError(t, json.Unmarshal([]byte(a.sent()[0]), &r))
		require.Equal(t, tc.size, r.Size, "%s for %s", tc.model, tc.resolution)
		require.Equal(t, tc.format, r.Format, tc.model)
	}
}

// What the user gets is the sample that was chosen, in all the detail that it came with.
func TestImageAPIFinalIsTheOriginal(t *testing.T) {
	t.Parallel()
	drawn := drawing(600, 400)
	colours, err := webp.Decode(bytes.NewReader(asWebP(t)))
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		picture []byte
		src     image.Image
	}{"png": {asPNG(drawn), drawn}, "jpeg": {asJPEG(drawn), drawn}, "webp": {asWebP(t), colours}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := setupAPI(t, sends(tc.picture))
			sample, err := a.Sample(t.Context(), sampleJob(t, `{"resolution":"300x400"}`), 0)
			require.NoError(t, err)
			require.Equal(t, image.Pt(384, 512), a.picture(t, sample).Bounds().Size())
			require.Equal(t, tc.picture, a.file(t, sample.AssetID+".orig"))

			final, err := a.Final(t.Context(), finalJob(t, sample, "300x400"))
			require.NoError(t, err)
			require.NotEqual(t, sample.AssetID, final.AssetID)
			img := a.picture(t, final)
			want := image.NewRGBA(image.Rect(0, 0, 300, 400))
			full := tc.src.Bounds()
			side := (full.Dx() - full.Dy()*3/4) / 2
			crop := image.Rect(full.Min.X+side, full.Min.Y, full.Min.X+side+full.Dy()*3/4, full.Max.Y)
			draw.CatmullRom.Scale(want, want.Bounds(), tc.src, crop, draw.Src, nil)
			if name == "png" {
				require.Zero(t, distance(img, want))
				require.Equal(t, want.At(17, 23), color.RGBAModel.Convert(img.At(17, 23)))
			}
			require.Less(t, distance(img, want), 0.02, "the middle of the original")
			require.Less(t, distance(img, a.picture(t, sample)), 0.02, "and what the sample showed")
			require.Len(t, a.requests(), 1, "without another request")

			wide, err := a.Final(t.Context(), finalJob(t, sample, "1200x100"))
			require.NoError(t, err)
			require.Equal(t, image.Pt(1200, 100), a.picture(t, wide).Bounds().Size())
		})
	}
}

func TestImageAPIDoesNotPayTwice(t *testing.T) {
	t.Parallel()
	a := setupAPI(t, says(http.StatusOK, `{"data":[{"b64_json":"`+base64.StdEncoding.EncodeToString(asPNG(drawing(64, 64)))+
		`","revised_prompt":"a red\u0000 fox, \u001bpainted"}]}`))
	first, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	require.JSONEq(t, `{"revised_prompt":"a red  fox,  painted"}`, string(first.Metadata))
	again, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	require.Equal(t, first, again, "the same id, picture and metadata")
	require.Len(t, a.requests(), 1)

	other, err := a.Sample(t.Context(), sampleJob(t, ""), 1)
	require.NoError(t, err)
	require.NotEqual(t, first.AssetID, other.AssetID)
	require.Len(t, a.requests(), 2, "one request a sample")
	j := sampleJob(t, "")
	j.JobID = aigen.ID{0xff}
	again, err = a.Sample(t.Context(), j, 0)
	require.NoError(t, err)
	require.Equal(t, first, again, "another job of the run, too")
	require.Len(t, a.requests(), 2)
	j.RunID = aigen.ID{0xff}
	_, err = a.Sample(t.Context(), j, 0)
	require.NoError(t, err)
	require.Len(t, a.requests(), 3, "another run makes another picture")
}

func TestImageAPIMetadataIsBounded(t *testing.T) {
	t.Parallel()
	long, err := json.Marshal(strings.Repeat("<", 5000))
	require.NoError(t, err)
	a := setupAPI(t, says(http.StatusOK, `{"data":[{"b64_json":"`+base64.StdEncoding.EncodeToString(asPNG(drawing(8, 8)))+
		`","revised_prompt":`+string(long)+`}]}`))
	asset, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	var m map[string]string
	require.NoError(t, json.Unmarshal(asset.Metadata, &m))
	require.Len(t, m["revised_prompt"], 2000)
	require.LessOrEqual(t, len(asset.Metadata), aigen.MaxAssetMetadata)
}

func TestImageAPIRefusesFinals(t *testing.T) {
	t.Parallel()
	a := setupAPI(t, sends(asPNG(drawing(64, 64))))
	sample, err := a.Sample(t.Context(), sampleJob(t, ""), 0)
	require.NoError(t, err)
	for name, j := range map[string]app.Job{
		"of another engine": finalJob(t, aigen.Asset{AssetID: "n8n-1"}, "64x64"),
		"that lead out":     finalJob(t, aigen.Asset{AssetID: "../" + sample.AssetID}, "64x64"),
		"that are gone":     finalJob(t, aigen.Asset{AssetID: "0123abcd-0123-8123-8123-0123456789ab"}, "64x64"),
		"without a size":    finalJob(t, sample, ""),
	} {
		_, err := a.Final(t.Context(), j)
		var e *worker.PaintError
		require.ErrorAs(t, err, &e, name)
		require.False(t, e.Retryable, name)
	}
}

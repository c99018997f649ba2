package worker

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// ImageAPI asks a server that speaks the OpenAI images API for the pictures: OpenAI
// itself, or one of the many that copy it.
//
// Each sample is one request. The answer is kept as it came (<assetId>.orig, never
// served) and shown as a small preview. The final is made from that original, cropped
// and scaled to the asked resolution, without another request: an image model asked
// again paints another picture, and the user is to get exactly the one that was
// chosen. What the original lacks in pixels, scaling cannot invent.
//
// A job that is done again (a crash, a report that was not taken) finds the originals
// and does not pay for them twice.
type ImageAPI struct {
	assets   *Assets
	endpoint string
	key      string
	model    string
	detailed bool
	timeout  time.Duration
	log      *slog.Logger
	client   *http.Client
	requests chan struct{} // one for each request under way
	pixels   chan struct{} // one for each picture that is unpacked
}

// ImageAPIConfig are the settings of an ImageAPI. Assets and BaseURL are required.
type ImageAPIConfig struct {
	Assets  *Assets
	BaseURL string // "https://host/v1", with or without a slash at the end
	Key     string // sent as a bearer token; empty: none
	Model   string // empty: the server's own choice
	Log     *slog.Logger
	// Detailed lets the log have the server's own words, which may quote a prompt.
	Detailed bool
	// Timeout bounds one request; default 2 min. The job's deadline bounds it too.
	Timeout time.Duration
	// Transport makes the connections; default: that of package http.
	Transport http.RoundTripper
}

const (
	// parallelRequests bounds the requests under way, over all jobs: enough for the
	// samples of one job to come together, too few to run into a usual rate limit.
	parallelRequests = 4
	// unpackedPictures bounds the memory: one of 8192 × 8192 takes 256 MiB.
	unpackedPictures = 2
	requestTimeout   = 2 * time.Minute
)

// NewImageAPI builds an ImageAPI.
func NewImageAPI(c ImageAPIConfig) *ImageAPI {
	p := &ImageAPI{
		assets: c.Assets, endpoint: strings.TrimRight(c.BaseURL, "/") + "/images/generations",
		key: c.Key, model: c.Model, detailed: c.Detailed, timeout: c.Timeout, log: c.Log,
		client:   &http.Client{Transport: c.Transport, CheckRedirect: stayThere},
		requests: make(chan struct{}, parallelRequests),
		pixels:   make(chan struct{}, unpackedPictures),
	}
	if p.timeout <= 0 {
		p.timeout = requestTimeout
	}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	return p
}

// Model implements Painter. It names no host: users see it.
func (p *ImageAPI) Model() string {
	if p.model == "" {
		return "image-api/default"
	}
	return p.model
}

// Parallel implements Painter.
func (p *ImageAPI) Parallel() int { return parallelRequests }

// Sample implements Painter.
func (p *ImageAPI) Sample(ctx context.Context, j app.Job, i int) (aigen.Asset, error) {
	id, res := p.assets.id(j, "sample", i), j.InputParameters.FinalResolution()
	o, err := p.original(ctx, j, id, res)
	if err != nil {
		return aigen.Asset{}, err
	}
	asset, err := p.render(ctx, id, o.picture, previewSize(res))
	if err != nil {
		return aigen.Asset{}, err
	}
	asset.Metadata, err = o.metadata()
	return asset, err
}

// Final implements Painter: see ImageAPI.
func (p *ImageAPI) Final(ctx context.Context, j app.Job) (aigen.Asset, error) {
	res, err := aigen.ParseResolution(j.Resolution)
	if err != nil {
		return aigen.Asset{}, badResolution(err)
	}
	o, err := p.kept(j.SelectedSample.AssetID)
	if err != nil {
		return aigen.Asset{}, notOurs(err)
	}
	return p.render(ctx, p.assets.id(j, "final", 0), o.picture, res)
}

// original returns the picture of a sample: the one that is kept, or a new one.
func (p *ImageAPI) original(ctx context.Context, j app.Job, id string, res aigen.Resolution) (original, error) {
	if o, err := p.kept(id); err == nil {
		return o, nil
	}
	started := time.Now()
	r := imageRequest{
		Model: p.model, Prompt: fullPrompt(j), N: 1,
		Size: requestSize(p.model, res).String(), ResponseFormat: responseFormat(p.model),
	}
	o, err := p.ask(ctx, r)
	if err != nil {
		return original{}, err
	}
	p.log.Debug("picture received", "job_id", j.JobID, "asset_id", id, "model", p.Model(), "size", r.Size,
		"bytes", len(o.picture), "took", time.Since(started))
	return o, p.keep(id, o)
}

func fullPrompt(j app.Job) string {
	return strings.TrimSpace(j.InputPrompt + "\n\n" + j.StyleGuidance)
}

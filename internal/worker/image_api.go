package worker

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/picture"
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
// Originals are kept by the run. A job that is done again (a crash, a report that was not
// taken), or the next job of a run of which a sample failed, finds them and does not pay
// for them twice.
type ImageAPI struct {
	assets   *Assets
	endpoint endpoint
	key      string
	model    string
	detailed bool
	timeout  time.Duration
	log      *slog.Logger
	client   *http.Client
	fetcher  *http.Client  // for pictures that lie elsewhere
	requests chan struct{} // one for each request under way
	pixels   chan struct{} // one for each picture that is unpacked
	pace     pace
	forms    forms
}

// ImageAPIConfig are the settings of an ImageAPI. Assets and BaseURL are required.
type ImageAPIConfig struct {
	Assets  *Assets
	BaseURL string // "https://host/v1"; the whole address of a POST will do, and a query stays
	Key     string // sent as a bearer token; empty: none
	Model   string // empty: the server's own choice
	Log     *slog.Logger
	// Detailed lets the log have the server's own words, which may quote a prompt.
	Detailed bool
	// Timeout bounds one request, from when it is sent; 0: the job's deadline alone.
	Timeout time.Duration
	// Concurrency bounds the requests under way, over all jobs; default 4.
	Concurrency int
	// Transport makes the connections; default: that of package http.
	Transport http.RoundTripper
}

const (
	// parallelRequests is enough for the samples of one job to come together, and too few
	// to run into a usual rate limit.
	parallelRequests = 4
	// unpackedPictures bounds the memory: one of 8192 × 8192 takes 256 MiB.
	unpackedPictures = 2
)

// NewImageAPI builds an ImageAPI.
func NewImageAPI(c ImageAPIConfig) *ImageAPI {
	if c.Concurrency <= 0 {
		c.Concurrency = parallelRequests
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	at := endpointOf(c.BaseURL)
	return &ImageAPI{
		assets: c.Assets, endpoint: at, key: c.Key, model: c.Model, detailed: c.Detailed, timeout: c.Timeout, log: c.Log,
		client:   &http.Client{Transport: c.Transport, CheckRedirect: stayThere},
		fetcher:  newFetcher(at),
		requests: make(chan struct{}, c.Concurrency),
		pixels:   make(chan struct{}, unpackedPictures),
	}
}

// Model implements Painter. It names no host: users see it.
func (p *ImageAPI) Model() string {
	if p.model == "" {
		return "image-api/default"
	}
	return p.model
}

// Parallel implements Painter.
func (p *ImageAPI) Parallel() int { return cap(p.requests) }

// Forget removes the files of a job that will never be reported.
func (p *ImageAPI) Forget(j app.Job) { p.assets.forget(j) }

// Sample implements Painter.
func (p *ImageAPI) Sample(ctx context.Context, j app.Job, i int) (aigen.Asset, error) {
	id, res := p.assets.id(j, "sample", i), j.InputParameters.FinalResolution()
	o, err := p.original(ctx, j, id, res)
	if err != nil {
		return aigen.Asset{}, err
	}
	asset, err := p.render(ctx, id, o.picture, previewSize(res))
	if errors.Is(err, picture.ErrUnusable) {
		p.assets.remove(id)
		err = unusable(err) // and paid for: another one may be no better
	}
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
	id := p.assets.id(j, "final", 0)
	if j.SelectedSample == nil { // no samples were asked for
		o, err := p.original(ctx, j, id, res)
		if err != nil {
			return aigen.Asset{}, err
		}
		return p.render(ctx, id, o.picture, res)
	}
	o, err := p.kept(j.SelectedSample.AssetID)
	if err != nil {
		return aigen.Asset{}, notOurs(err)
	}
	return p.render(ctx, id, o.picture, res)
}

// original returns the picture of a sample: the one that is kept, or a new one.
func (p *ImageAPI) original(ctx context.Context, j app.Job, id string, res aigen.Resolution) (original, error) {
	if o, err := p.kept(id); err == nil {
		return o, nil
	}
	if err := p.assets.Check(); err != nil {
		return original{}, err // what cannot be kept is not paid for
	}
	started := time.Now()
	o, err := p.ask(ctx, fullPrompt(j), res)
	if err != nil {
		return original{}, err
	}
	p.log.Debug("picture received", "job_id", j.JobID, "asset_id", id, "model", p.Model(),
		"bytes", len(o.picture), "took", time.Since(started))
	return o, p.keep(id, o)
}

func fullPrompt(j app.Job) string {
	return strings.TrimSpace(j.InputPrompt + "\n\n" + j.StyleGuidance)
}

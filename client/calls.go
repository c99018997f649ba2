package client

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
)

// NewGeneration is what a generation is made from.
type NewGeneration struct {
	ProjectID       aigen.ID        `json:"projectId"`
	InputPrompt     string          `json:"inputPrompt"`
	StyleGuidance   string          `json:"styleGuidance,omitempty"`
	InputParameters json.RawMessage `json:"inputParameters,omitempty"`
}

// Changes are what new samples are made from; what is left out stays as it was.
type Changes struct {
	InputPrompt     *string         `json:"inputPrompt,omitempty"`
	StyleGuidance   *string         `json:"styleGuidance,omitempty"`
	InputParameters json.RawMessage `json:"inputParameters,omitempty"`
}

// Accepted is the answer to a request that started work.
type Accepted struct {
	GenerationID    aigen.ID      `json:"generationId"`
	Status          aigen.Status  `json:"status"`
	CreditsReserved aigen.Credits `json:"creditsReserved"`
}

// Generation is a generation as the API shows it.
type Generation struct {
	ID                aigen.ID           `json:"id"`
	UserID            aigen.ID           `json:"userId"`
	ProjectID         aigen.ID           `json:"projectId"`
	InputPrompt       string             `json:"inputPrompt"`
	StyleGuidance     string             `json:"styleGuidance"`
	InputParameters   json.RawMessage    `json:"inputParameters"`
	Status            aigen.Status       `json:"status"`
	Stage             aigen.Stage        `json:"stage"`
	Attempt           int                `json:"attempt"`
	Error             *aigen.Failure     `json:"error"`
	SampleAssets      []aigen.Asset      `json:"sampleAssets"`
	SelectedSampleID  string             `json:"selectedSampleId"`
	FinalAssetID      string             `json:"finalAssetId"`
	FinalAsset        *aigen.Asset       `json:"finalAsset"`
	CreditsCostSample *aigen.Credits     `json:"creditsCostSample"`
	CreditsCostFinal  *aigen.Credits     `json:"creditsCostFinal"`
	Credits           aigen.CreditTotals `json:"credits"`
	AIModelUsed       string             `json:"aiModelUsed"`
	CreatedAt         time.Time          `json:"createdAt"`
	UpdatedAt         time.Time          `json:"updatedAt"`
}

// Balance is the user's account.
type Balance struct {
	Balance   aigen.Credits `json:"balance"`
	Reserved  aigen.Credits `json:"reserved"`
	Available aigen.Credits `json:"available"`
}

// Create starts a generation. It is tried again when the service is busy or out of
// reach; key makes that harmless, and "" makes one. A *Problem has status 402 for
// too few credits, 422 for invalid fields.
func (c *Client) Create(ctx context.Context, in NewGeneration, key string) (Accepted, error) {
	return c.start(ctx, "/generations", key, in)
}

// Select starts the final stage with one of the samples, at resolution res or, if
// that is zero, the one that was asked for at the start.
func (c *Client) Select(ctx context.Context, id aigen.ID, sampleID string, res aigen.Resolution) (Accepted, error) {
	body := struct {
		SampleID   string `json:"sampleId"`
		Resolution string `json:"resolution,omitempty"`
	}{sampleID, res.String()}
	return c.start(ctx, "/generations/"+id.String()+"/select-sample", "", body)
}

// Regenerate starts new samples for the same generation.
func (c *Client) Regenerate(ctx context.Context, id aigen.ID, changes Changes) (Accepted, error) {
	return c.start(ctx, "/generations/"+id.String()+"/regenerate-samples", "", changes)
}

func (c *Client) start(ctx context.Context, path, key string, body any) (Accepted, error) {
	var a Accepted
	err := c.call(ctx, request{method: http.MethodPost, path: path, key: orNewKey(key)}, body, &a)
	return a, err
}

func orNewKey(key string) string {
	if key == "" {
		return NewKey()
	}
	return key
}

// Cancel ends a generation; what is reserved is refunded. A *Problem with status 409
// says that it has ended already.
func (c *Client) Cancel(ctx context.Context, id aigen.ID) (Generation, error) {
	var g Generation
	err := c.call(ctx, request{method: http.MethodPost, path: "/generations/" + id.String() + "/cancel", key: NewKey()}, nil, &g)
	return g, err
}

// Get returns a generation.
func (c *Client) Get(ctx context.Context, id aigen.ID) (Generation, error) {
	var g Generation
	err := c.call(ctx, request{method: http.MethodGet, path: "/generations/" + id.String()}, nil, &g)
	return g, err
}

// Newest returns the user's newest generations, the newest first: up to limit, which is
// at most 100.
func (c *Client) Newest(ctx context.Context, limit int) ([]Generation, error) {
	var page struct {
		Items []Generation `json:"items"`
	}
	err := c.call(ctx, request{method: http.MethodGet, path: "/generations?limit=" + strconv.Itoa(limit)}, nil, &page)
	return page.Items, err
}

// Credits returns the user's balance.
func (c *Client) Credits(ctx context.Context) (Balance, error) {
	var b Balance
	err := c.call(ctx, request{method: http.MethodGet, path: "/credits"}, nil, &b)
	return b, err
}

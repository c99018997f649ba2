package httpapi

import (
	"encoding/json"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// The wire forms. Every field is always there; what is not known is null.

type assetView struct {
	AssetID  string          `json:"assetId" doc:"The engine's name for the picture."`
	URL      string          `json:"url" doc:"Where the picture is: http(s), or a path of this service. Where the service stores pictures it is permanent."`
	Width    int             `json:"width,omitempty" doc:"Pixels."`
	Height   int             `json:"height,omitempty" doc:"Pixels."`
	Format   string          `json:"format,omitempty" doc:"png, jpeg …"`
	Metadata json.RawMessage `json:"metadata,omitempty" doc:"Whatever the engine sent."`

	Size              *int64  `json:"size,omitempty" doc:"Bytes; once it is stored."`
	SHA256            *string `json:"sha256,omitempty" pattern:"^[0-9a-f]{64}$" doc:"Of the bytes; once it is stored."`
	Stored            *bool   `json:"stored,omitempty" doc:"Whether the service has a copy. Until then the URL redirects to the engine."`
	DigitalSourceType *string `json:"digitalSourceType,omitempty" enum:"trainedAlgorithmicMedia,compositeWithTrainedAlgorithmicMedia,algorithmicMedia" doc:"How it was made, in IPTC's terms."`
}

type failureView struct {
	Code      string `json:"code" doc:"For programs: timeout, content_rejected, or the engine's own code."`
	Message   string `json:"message" doc:"For a person."`
	Retryable bool   `json:"retryable" doc:"Whether starting again may succeed."`
}

type totalsView struct {
	Reserved string `json:"reserved" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Ever held for this generation. Always deducted + refunded + still held."`
	Deducted string `json:"deducted" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Spent."`
	Refunded string `json:"refunded" pattern:"^[0-9]+\\.[0-9]{2}$" example:"0.00" doc:"Given back."`
}

type generationView struct {
	ID                string            `json:"id" format:"uuid"`
	UserID            string            `json:"userId" format:"uuid"`
	ProjectID         string            `json:"projectId" format:"uuid"`
	InputPrompt       string            `json:"inputPrompt"`
	StyleGuidance     *string           `json:"styleGuidance"`
	InputParameters   json.RawMessage   `json:"inputParameters" doc:"As sent, with samples filled in."`
	Status            string            `json:"status" enum:"@status"`
	Stage             *string           `json:"stage" enum:"samples,final" doc:"What was last worked on."`
	Attempt           int               `json:"attempt" doc:"Which try of that stage; 0 before the first."`
	Error             *failureView      `json:"error" doc:"Why it ended without a picture."`
	SampleAssets      []assetView       `json:"sampleAssets" nullable:"false"`
	SelectedSampleID  *string           `json:"selectedSampleId"`
	FinalAssetID      *string           `json:"finalAssetId"`
	FinalAsset        *assetView        `json:"finalAsset"`
	CreditsCostSample *string           `json:"creditsCostSample" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Price of the newest samples."`
	CreditsCostFinal  *string           `json:"creditsCostFinal" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Price of the final."`
	AIModelUsed       *string           `json:"aiModelUsed"`
	CreatedAt         time.Time         `json:"createdAt"`
	UpdatedAt         time.Time         `json:"updatedAt"`
	Credits           totalsView        `json:"credits"`
	References        []referenceView   `json:"references" nullable:"false" doc:"Pictures given along with the prompt."`
	ExternalID        *string           `json:"externalId" doc:"The caller's own id."`
	Metadata          map[string]string `json:"metadata" nullable:"false" doc:"What the caller added."`
	BatchID           *string           `json:"batchId" format:"uuid"`
	RetryOf           *string           `json:"retryOf" format:"uuid" doc:"The generation that this one repeats."`
}

type referenceView struct {
	AssetID string `json:"assetId"`
	Role    string `json:"role" enum:"reference,style,mask,logo"`
}

// pageView describes what generationPage writes.
type pageView struct {
	Items      []generationView `json:"items" nullable:"false" doc:"As many as asked for, unless that is more than 1 MiB: then fewer."`
	NextCursor *string          `json:"nextCursor" doc:"For the next page; null on the last."`
}

type acceptedView struct {
	GenerationID    string `json:"generationId" format:"uuid"`
	Status          string `json:"status" enum:"@status"`
	CreditsReserved string `json:"creditsReserved" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Held for this step; 0.00 while it is decided in the background."`
}

type balanceView struct {
	Balance   string `json:"balance" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"100.00"`
	Reserved  string `json:"reserved" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"1.00"`
	Available string `json:"available" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"99.00" doc:"balance - reserved"`
}

func (a *API) viewGeneration(g *aigen.Generation, known facts) (generationView, error) {
	parameters, err := g.Input.Parameters.MarshalJSON()
	if err != nil {
		return generationView{}, err
	}
	v := generationView{
		ID: g.ID.String(), UserID: g.UserID.String(), ProjectID: g.ProjectID.String(),
		InputPrompt: g.Input.Prompt, StyleGuidance: orNull(g.Input.StyleGuidance), InputParameters: parameters,
		Status: string(g.Status), Stage: orNull(string(g.Stage())), Attempt: g.Attempt(), Error: viewFailure(g.Failure),
		SampleAssets: make([]assetView, len(g.Samples)), SelectedSampleID: orNull(g.SelectedSampleID),
		FinalAssetID:      orNull(g.FinalAssetID),
		CreditsCostSample: viewCost(g, aigen.StageSamples), CreditsCostFinal: viewCost(g, aigen.StageFinal),
		AIModelUsed: orNull(g.AIModelUsed), CreatedAt: g.CreatedAt.UTC(), UpdatedAt: g.UpdatedAt.UTC(),
		Credits: viewTotals(g.Totals()), References: make([]referenceView, len(g.Input.References)),
		ExternalID: orNull(g.Options.ExternalID), Metadata: g.Options.Metadata,
		BatchID: idOrNull(g.Options.BatchID), RetryOf: idOrNull(g.Options.RetryOf),
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	for i, r := range g.Input.References {
		v.References[i] = referenceView{AssetID: r.AssetID, Role: string(r.Role)}
	}
	for i, s := range g.Samples {
		v.SampleAssets[i] = a.viewAsset(s, known)
	}
	if g.FinalAsset != nil {
		final := a.viewAsset(*g.FinalAsset, known)
		v.FinalAsset = &final
	}
	return v, nil
}

func idOrNull(id aigen.ID) *string {
	if id.IsZero() {
		return nil
	}
	return orNull(id.String())
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func viewFailure(f *aigen.Failure) *failureView {
	if f == nil {
		return nil
	}
	return &failureView{Code: string(f.Code), Message: f.Message, Retryable: f.Retryable}
}

func viewCost(g *aigen.Generation, s aigen.Stage) *string {
	cost, ok := g.Cost(s)
	if !ok {
		return nil
	}
	return orNull(cost.String())
}

func viewTotals(t aigen.CreditTotals) totalsView {
	return totalsView{Reserved: t.Reserved.String(), Deducted: t.Deducted.String(), Refunded: t.Refunded.String()}
}

func viewBalance(b app.Balance) balanceView {
	return balanceView{Balance: b.Balance.String(), Reserved: b.Reserved.String(), Available: b.Available.String()}
}

package wire

import (
	"encoding/json"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// The wire forms. Every field is always there; what is not known is null.

// AssetView is a picture.
type AssetView struct {
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

// FailureView says why a generation ended without a picture.
type FailureView struct {
	Code      string `json:"code" doc:"For programs: timeout, content_rejected, or the engine's own code."`
	Message   string `json:"message" doc:"For a person."`
	Retryable bool   `json:"retryable" doc:"Whether starting again may succeed."`
}

// TotalsView is what became of the credits of a generation.
type TotalsView struct {
	Reserved string `json:"reserved" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Ever held for this generation. Always deducted + refunded + still held."`
	Deducted string `json:"deducted" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Spent."`
	Refunded string `json:"refunded" pattern:"^[0-9]+\\.[0-9]{2}$" example:"0.00" doc:"Given back."`
}

// GenerationView is a generation.
type GenerationView struct {
	ID                string            `json:"id" format:"uuid"`
	UserID            string            `json:"userId" format:"uuid"`
	ProjectID         string            `json:"projectId" format:"uuid"`
	InputPrompt       string            `json:"inputPrompt"`
	StyleGuidance     *string           `json:"styleGuidance"`
	InputParameters   json.RawMessage   `json:"inputParameters" doc:"As sent, with samples filled in."`
	Status            string            `json:"status" enum:"@status"`
	Stage             *string           `json:"stage" enum:"samples,final" doc:"What was last worked on."`
	Attempt           int               `json:"attempt" doc:"Which try of that stage; 0 before the first."`
	Error             *FailureView      `json:"error" doc:"Why it ended without a picture."`
	SampleAssets      []AssetView       `json:"sampleAssets" nullable:"false"`
	SelectedSampleID  *string           `json:"selectedSampleId"`
	FinalAssetID      *string           `json:"finalAssetId"`
	FinalAsset        *AssetView        `json:"finalAsset"`
	CreditsCostSample *string           `json:"creditsCostSample" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Price of the newest samples."`
	CreditsCostFinal  *string           `json:"creditsCostFinal" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Price of the final."`
	AIModelUsed       *string           `json:"aiModelUsed"`
	CreatedAt         time.Time         `json:"createdAt"`
	UpdatedAt         time.Time         `json:"updatedAt"`
	Credits           TotalsView        `json:"credits"`
	References        []ReferenceView   `json:"references" nullable:"false" doc:"Pictures given along with the prompt."`
	ExternalID        *string           `json:"externalId" doc:"The caller's own id."`
	Metadata          map[string]string `json:"metadata" nullable:"false" doc:"What the caller added."`
	BatchID           *string           `json:"batchId" format:"uuid"`
	RetryOf           *string           `json:"retryOf" format:"uuid" doc:"The generation that this one repeats."`
}

// ReferenceView is a picture that was given along with a prompt.
type ReferenceView struct {
	AssetID string `json:"assetId"`
	Role    string `json:"role" enum:"reference,style,mask,logo"`
}

// PageView describes what generationPage writes.
type PageView struct {
	Items      []GenerationView `json:"items" nullable:"false" doc:"As many as asked for, unless that is more than 1 MiB: then fewer."`
	NextCursor *string          `json:"nextCursor" doc:"For the next page; null on the last."`
}

// AcceptedView is the answer to a request that has begun work.
type AcceptedView struct {
	GenerationID    string `json:"generationId" format:"uuid"`
	Status          string `json:"status" enum:"@status"`
	CreditsReserved string `json:"creditsReserved" pattern:"^[0-9]+\\.[0-9]{2}$" example:"1.00" doc:"Held for this step; 0.00 while it is decided in the background."`
}

// BalanceView is a user's account.
type BalanceView struct {
	Balance   string `json:"balance" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"100.00"`
	Reserved  string `json:"reserved" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"1.00"`
	Available string `json:"available" pattern:"^-?[0-9]+\\.[0-9]{2}$" example:"99.00" doc:"balance - reserved"`
}

// Generation is the wire form of g. known is what Look says of its pictures.
func (vs *Views) Generation(g *aigen.Generation, known Facts) (GenerationView, error) {
	parameters, err := g.Input.Parameters.MarshalJSON()
	if err != nil {
		return GenerationView{}, err
	}
	v := GenerationView{
		ID: g.ID.String(), UserID: g.UserID.String(), ProjectID: g.ProjectID.String(),
		InputPrompt: g.Input.Prompt, StyleGuidance: OrNull(g.Input.StyleGuidance), InputParameters: parameters,
		Status: string(g.Status), Stage: OrNull(string(g.Stage())), Attempt: g.Attempt(), Error: viewFailure(g.Failure),
		SampleAssets: make([]AssetView, len(g.Samples)), SelectedSampleID: OrNull(g.SelectedSampleID),
		FinalAssetID:      OrNull(g.FinalAssetID),
		CreditsCostSample: viewCost(g, aigen.StageSamples), CreditsCostFinal: viewCost(g, aigen.StageFinal),
		AIModelUsed: OrNull(g.AIModelUsed), CreatedAt: g.CreatedAt.UTC(), UpdatedAt: g.UpdatedAt.UTC(),
		Credits: ViewTotals(g.Totals()), References: make([]ReferenceView, len(g.Input.References)),
		ExternalID: OrNull(g.Options.ExternalID), Metadata: g.Options.Metadata,
		BatchID: IDOrNull(g.Options.BatchID), RetryOf: IDOrNull(g.Options.RetryOf),
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	for i, r := range g.Input.References {
		v.References[i] = ReferenceView{AssetID: r.AssetID, Role: string(r.Role)}
	}
	for i, s := range g.Samples {
		v.SampleAssets[i] = vs.asset(s, known)
	}
	if g.FinalAsset != nil {
		final := vs.asset(*g.FinalAsset, known)
		v.FinalAsset = &final
	}
	return v, nil
}

// IDOrNull is null for the zero id.
func IDOrNull(id aigen.ID) *string {
	if id.IsZero() {
		return nil
	}
	return OrNull(id.String())
}

// OrNull is null for "".
func OrNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func viewFailure(f *aigen.Failure) *FailureView {
	if f == nil {
		return nil
	}
	return &FailureView{Code: string(f.Code), Message: f.Message, Retryable: f.Retryable}
}

func viewCost(g *aigen.Generation, s aigen.Stage) *string {
	cost, ok := g.Cost(s)
	if !ok {
		return nil
	}
	return OrNull(cost.String())
}

// ViewTotals is the wire form of t.
func ViewTotals(t aigen.CreditTotals) TotalsView {
	return TotalsView{Reserved: t.Reserved.String(), Deducted: t.Deducted.String(), Refunded: t.Refunded.String()}
}

// ViewBalance is the wire form of b.
func ViewBalance(b app.Balance) BalanceView {
	return BalanceView{Balance: b.Balance.String(), Reserved: b.Reserved.String(), Available: b.Available.String()}
}

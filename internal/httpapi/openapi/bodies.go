package openapi

import "github.com/creativeflow/aigen/internal/httpapi/wire"

// These types describe bodies that are read by hand, for the document alone.

// createBody describes the body of POST /generations; readCreate reads it.
type createBody struct {
	ProjectID       string         `json:"projectId" format:"uuid" doc:"Any but the nil UUID."`
	InputPrompt     string         `json:"inputPrompt" minLength:"1" maxLength:"4000" pattern:"@prompt" example:"a red fox in the snow" doc:"What the picture shows, 1 to 4000 characters after trimming."`
	StyleGuidance   *string        `json:"styleGuidance,omitempty" maxLength:"2000" nullable:"true" pattern:"@text" example:"watercolour" doc:"How it shall look."`
	InputParameters parametersSpec `json:"inputParameters,omitempty"`

	References []wire.ReferenceView `json:"references,omitempty" maxItems:"16" nullable:"true" doc:"Pictures of yours, uploads or results, to go by."`
	ExternalID *string              `json:"externalId,omitempty" nullable:"true" minLength:"1" maxLength:"128" doc:"Your own id, unique among your generations."`
	Metadata   map[string]string    `json:"metadata,omitempty" nullable:"true" doc:"At most 16 texts, 4 KiB together; returned with the generation and its events."`
	AutoSelect *string              `json:"autoSelect,omitempty" nullable:"true" enum:"first" doc:"first: choose the first sample as soon as there is one."`
}

// selectBody describes the body of select-sample.
type selectBody struct {
	SampleID   string  `json:"sampleId" minLength:"1" maxLength:"255" doc:"assetId of one of sampleAssets."`
	Resolution *string `json:"resolution,omitempty" nullable:"true" pattern:"@resolution" example:"1080x1920" doc:"WIDTHxHEIGHT, each 64 to 4096; default: that of the input."`
}

// regenerateBody describes the body of regenerate-samples. What is missing stays.
type regenerateBody struct {
	InputPrompt     *string        `json:"inputPrompt,omitempty" nullable:"true" minLength:"1" maxLength:"4000" pattern:"@prompt" example:"a blue fox"`
	StyleGuidance   *string        `json:"styleGuidance,omitempty" nullable:"true" maxLength:"2000" pattern:"@text" example:"watercolour"`
	InputParameters parametersSpec `json:"inputParameters,omitempty"`

	References []wire.ReferenceView `json:"references,omitempty" maxItems:"16" nullable:"true" doc:"Replace those that the generation has."`
}

// parametersSpec describes inputParameters.
type parametersSpec struct {
	_          struct{} `additionalProperties:"true"`
	Format     string   `json:"format,omitempty" enum:"@format" doc:"What the picture is for; decides its proportions."`
	Resolution string   `json:"resolution,omitempty" pattern:"@resolution" example:"1080x1920" doc:"WIDTHxHEIGHT of the final, each 64 to 4096; default: that of the format."`
	Samples    int      `json:"samples,omitempty" minimum:"0" maximum:"8" default:"4" doc:"How many samples to make; 0: the final at once."`
}

type callbackBody struct {
	_            struct{}        `additionalProperties:"true"`
	GenerationID string          `json:"generationId" format:"uuid" doc:"As in the job; not the nil UUID."`
	JobID        string          `json:"jobId,omitempty" format:"uuid" doc:"As in the job; without it the stage decides."`
	Status       string          `json:"status" enum:"success,failure" doc:"For progress: success."`
	Stage        string          `json:"stage" enum:"samples_generated,final_asset_generated,content_rejected,progress"`
	Results      callbackResults `json:"results,omitempty" doc:"What the stage needs of it is required."`
	Error        callbackError   `json:"error,omitempty" doc:"Required for a failure."`
}

type callbackResults struct {
	_            struct{}        `additionalProperties:"true"`
	SampleAssets []callbackAsset `json:"sampleAssets,omitempty" minItems:"1" maxItems:"8" doc:"samples_generated: required, each assetId once."`
	FinalAssetID string          `json:"finalAssetId,omitempty" minLength:"1" maxLength:"255" pattern:"@assetId" doc:"final_asset_generated: this or finalAsset; of both, the same. At most 255 bytes."`
	FinalAsset   callbackAsset   `json:"finalAsset,omitempty"`
	AIModelUsed  string          `json:"aiModelUsed,omitempty"`
	Progress     float64         `json:"progress,omitempty" minimum:"0" maximum:"100" doc:"progress: required, percent; rounded to a whole number."`
}

// callbackAsset is what readAsset takes.
type callbackAsset struct {
	_        struct{}       `additionalProperties:"true"`
	AssetID  string         `json:"assetId" minLength:"1" maxLength:"255" pattern:"@assetId" example:"sample-1" doc:"The engine's name for the picture, at most 255 bytes."`
	URL      string         `json:"url,omitempty" maxLength:"1048576" format:"uri-reference" pattern:"@assetURL" example:"https://cdn.example.com/sample-1.png" doc:"Where the picture is: http(s), a path that starts with one slash, or a data: URL; of the first two at most 4096 bytes. Not needed where the picture was handed over."`
	Width    int            `json:"width,omitempty" minimum:"0" maximum:"100000" doc:"Pixels; 0 if it is not known."`
	Height   int            `json:"height,omitempty" minimum:"0" maximum:"100000" doc:"Pixels; 0 if it is not known."`
	Format   string         `json:"format,omitempty" doc:"png, jpeg …"`
	Metadata map[string]any `json:"metadata,omitempty" doc:"Whatever else there is to say, at most 16 KiB as JSON; shown to the user as it is."`
}

type callbackError struct {
	_         struct{} `additionalProperties:"true"`
	Code      string   `json:"code" doc:"Becomes lower case with underscores, at most 64 characters."`
	Message   string   `json:"message" doc:"Shown to the user, without stack and addresses, at most 500 characters."`
	Retryable bool     `json:"retryable,omitempty" doc:"The stage may be tried again."`
}

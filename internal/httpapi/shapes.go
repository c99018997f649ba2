package httpapi

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// These types describe what is read by hand, for the document alone.

// parametersSpec describes inputParameters.
type parametersSpec struct {
	_          struct{} `additionalProperties:"true"`
	Format     string   `json:"format,omitempty" enum:"@format" doc:"What the picture is for; decides its proportions."`
	Resolution string   `json:"resolution,omitempty" pattern:"^[0-9]{2,4}x[0-9]{2,4}$" example:"1080x1920" doc:"WIDTHxHEIGHT of the final, each 64 to 4096; default: that of the format."`
	Samples    int      `json:"samples,omitempty" minimum:"1" maximum:"8" default:"4" doc:"How many samples to make."`
}

type callbackBody struct {
	_            struct{}        `additionalProperties:"true"`
	GenerationID string          `json:"generationId" format:"uuid"`
	JobID        string          `json:"jobId,omitempty" format:"uuid" doc:"As in the job; without it the stage decides."`
	Status       string          `json:"status" enum:"success,failure"`
	Stage        string          `json:"stage" enum:"samples_generated,final_asset_generated,content_rejected,progress"`
	Results      callbackResults `json:"results,omitempty"`
	Error        callbackError   `json:"error,omitempty" doc:"Required for a failure."`
}

type callbackResults struct {
	_            struct{}    `additionalProperties:"true"`
	SampleAssets []assetView `json:"sampleAssets,omitempty" minItems:"1" maxItems:"8" doc:"samples_generated: required, each assetId once."`
	FinalAssetID string      `json:"finalAssetId,omitempty" maxLength:"255" doc:"final_asset_generated: this or finalAsset."`
	FinalAsset   assetView   `json:"finalAsset,omitempty"`
	AIModelUsed  string      `json:"aiModelUsed,omitempty"`
	Progress     int         `json:"progress,omitempty" minimum:"0" maximum:"100" doc:"progress: percent."`
}

type callbackError struct {
	_         struct{} `additionalProperties:"true"`
	Code      string   `json:"code" doc:"Becomes lower case with underscores, at most 64 characters."`
	Message   string   `json:"message" doc:"Shown to the user, without stack and addresses, at most 500 characters."`
	Retryable bool     `json:"retryable,omitempty" doc:"The stage may be tried again."`
}

// shapes makes schemas of Go types.
type shapes struct{ registry huma.Registry }

func newShapes() shapes {
	name := func(t reflect.Type, hint string) string {
		n := huma.DefaultSchemaNamer(t, hint)
		for _, suffix := range []string{"View", "Body", "Spec"} {
			n = strings.TrimSuffix(n, suffix)
		}
		return n
	}
	r := huma.NewMapRegistry("#/components/schemas/", name)
	r.RegisterTypeAlias(reflect.TypeFor[aigen.Asset](), reflect.TypeFor[assetView]())
	r.RegisterTypeAlias(reflect.TypeFor[aigen.Failure](), reflect.TypeFor[failureView]())
	r.RegisterTypeAlias(reflect.TypeFor[aigen.CreditTotals](), reflect.TypeFor[totalsView]())
	return shapes{r}
}

// of returns a reference to the schema of t.
func (s shapes) of(t reflect.Type) *huma.Schema { return s.registry.Schema(t, true, t.Name()) }

// finish adds to the schemas what tags cannot say.
func (s shapes) finish() {
	strict := map[string]bool{
		"Create": true, "Select": true, "Regenerate": true, "AdminReason": true, "AdminNote": true, "AdminDrop": true, "AdminRetry": true,
	}
	words := map[string][]any{
		"@status": list(aigen.Statuses()), "@format": list(aigen.Formats()), "@event": list(eventTypes()),
		"@kind": list(app.DeliveryKinds()),
	}
	for name, schema := range s.registry.Map() {
		if schema.AdditionalProperties == false && !strict[name] {
			schema.AdditionalProperties = nil // answers may grow
		}
		for _, p := range schema.Properties {
			if len(p.Enum) == 1 {
				if enum, ok := words[p.Enum[0].(string)]; ok { //nolint:errcheck // all enums are of strings
					p.Enum = enum
				}
			}
			if p.Nullable && len(p.Enum) > 0 {
				p.Enum = append(p.Enum, nil)
			}
		}
	}
	generation := s.registry.Map()["Generation"]
	for _, name := range []string{"error", "finalAsset"} {
		ref := generation.Properties[name].Ref
		generation.Properties[name] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: ref}, {Type: "null"}}}
	}
	s.registry.Map()["Problem"].Properties["code"].Enum = codeWords()
}

func list[T ~string](values []T) []any {
	var out []any
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func eventTypes() []aigen.EventType {
	return []aigen.EventType{
		aigen.EventCreated, aigen.EventSamplesStarted, aigen.EventSamplesRetrying, aigen.EventSamplesReady,
		aigen.EventFinalStarted, aigen.EventFinalRetrying, aigen.EventCompleted, aigen.EventFailed,
		aigen.EventRejected, aigen.EventCancelled, aigen.EventCreditsRefused, aigen.EventCreditsUnavailable,
		aigen.EventProgress,
	}
}

func codeWords() []any {
	var words []any
	for _, k := range kinds {
		words = append(words, string(k.code))
	}
	return words
}

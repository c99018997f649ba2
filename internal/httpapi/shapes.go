package httpapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// These types describe what is read by hand, for the document alone.

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

// patterns are those of tags: their own syntax would be in the way there. The texts of
// users may not hold NUL, and a prompt not blanks alone.
var patterns = map[string]string{
	"@resolution": "^" + sidePattern + "x" + sidePattern + "$",
	"@assetId":    `^[^\x00-\x1f\x7f-\x9f]+$`,
	"@assetURL":   `^([Hh][Tt][Tt][Pp][Ss]?://[^\s/\\]|/[^\s/\\\x00-\x1f\x7f-\x9f]|/$|data:image/)[^\s\\\x00-\x1f\x7f-\x9f]*$`,
	"@prompt":     `^[^\x00]*[^\s\x00][^\x00]*$`,
	"@text":       `^[^\x00]*$`,
}

// sidePattern is a number from aigen.MinSide to aigen.MaxSide.
const sidePattern = "(6[4-9]|[7-9][0-9]|[1-9][0-9]{2}|[1-3][0-9]{3}|40[0-8][0-9]|409[0-6])"

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
		"@kind": list(outbox.DeliveryKinds()),
	}
	for name, schema := range s.registry.Map() {
		s.refine(name, schema, strict[name])
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

// refine fills in patterns, and lets null stand for what may be missing from a request.
func (s shapes) refine(name string, schema *huma.Schema, strict bool) {
	request := strict || strings.HasPrefix(name, "Callback")
	for key, p := range schema.Properties {
		if text, ok := patterns[p.Pattern]; ok {
			p.Pattern = text
		}
		switch {
		case !request || slices.Contains(schema.Required, key):
		case p.Ref != "":
			schema.Properties[key] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}, Description: p.Description}
		default:
			p.Nullable = true
		}
	}
	if metadata := schema.Properties["metadata"]; metadata != nil && metadata.Type == "" {
		metadata.Type, metadata.AdditionalProperties = huma.TypeObject, true
	}
	if parameters := schema.Properties["inputParameters"]; parameters != nil && parameters.Type == "" && parameters.Ref == "" && len(parameters.AnyOf) == 0 {
		parameters.Type, parameters.AdditionalProperties = huma.TypeObject, true
	}
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
		aigen.EventAssetLost, aigen.EventProgress,
	}
}

func codeWords() []any {
	var words []any
	for _, k := range errorTable {
		words = append(words, string(k.code))
	}
	return words
}

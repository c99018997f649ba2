package openapi

import (
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/runtimeinfo"
)

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

// schemas makes schemas of Go types.
type schemas struct{ registry huma.Registry }

func newSchemas() schemas {
	names := map[reflect.Type]string{
		reflect.TypeFor[runtimeinfo.Setting](): "AdminSetting", reflect.TypeFor[runtimeinfo.Part](): "AdminPart",
	}
	name := func(t reflect.Type, hint string) string {
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if n, ok := names[t]; ok {
			return n
		}
		n := huma.DefaultSchemaNamer(t, hint)
		for _, suffix := range []string{"View", "Body", "Spec"} {
			n = strings.TrimSuffix(n, suffix)
		}
		if strings.HasSuffix(t.PkgPath(), "/httpapi/admin") {
			n = "Admin" + n
		}
		return n
	}
	r := huma.NewMapRegistry("#/components/schemas/", name)
	r.RegisterTypeAlias(reflect.TypeFor[aigen.Asset](), reflect.TypeFor[wire.AssetView]())
	r.RegisterTypeAlias(reflect.TypeFor[aigen.Failure](), reflect.TypeFor[wire.FailureView]())
	r.RegisterTypeAlias(reflect.TypeFor[aigen.CreditTotals](), reflect.TypeFor[wire.TotalsView]())
	return schemas{r}
}

// of returns a reference to the schema of t.
func (s schemas) of(t reflect.Type) *huma.Schema { return s.registry.Schema(t, true, t.Name()) }

// finish adds to the schemas what tags cannot say.
func (s schemas) finish() {
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
func (s schemas) refine(name string, schema *huma.Schema, strict bool) {
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
	for _, k := range wire.ErrorSpecs() {
		words = append(words, string(k.Code))
	}
	return words
}

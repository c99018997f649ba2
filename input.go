package aigen

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of the input. Lengths of text are in characters (code points), that of
// the parameters in bytes of compact JSON (contract section 1).
const (
	MaxPromptLength   = 4000
	MaxStyleLength    = 2000
	MaxParametersSize = 16 << 10
	MaxKeyLength      = 255 // of an Idempotency-Key
	DefaultSamples    = 4
)

// Input is what the user asks for. Build it with NewInput, which checks it.
type Input struct {
	Prompt        string     `json:"inputPrompt"`
	StyleGuidance string     `json:"styleGuidance,omitempty"`
	Parameters    Parameters `json:"inputParameters"`

	References []Reference `json:"references,omitempty"`
}

// Parameters is the JSON object `inputParameters`: keys that the service knows,
// and others that pass through to the job unchanged.
type Parameters struct {
	Format     Format
	Resolution Resolution // zero: that of Format
	Samples    int        // 0 to MaxSamples; 0 asks for the final at once

	raw json.RawMessage // the object as it came, compacted, with `samples` always there
}

// NewInput trims and checks what a user sent. Every fault is a FieldError in an
// *Error with CodeInvalidInput; locations start with "body.".
func NewInput(prompt, style string, parameters json.RawMessage) (Input, error) {
	var faults []FieldError
	fault := func(location, format string, args ...any) {
		faults = append(faults, FieldError{Location: location, Message: fmt.Sprintf(format, args...)})
	}
	in := Input{Prompt: strings.TrimSpace(prompt), StyleGuidance: strings.TrimSpace(style)}
	switch n := utf8.RuneCountInString(in.Prompt); {
	case !utf8.ValidString(prompt) || strings.ContainsRune(prompt, 0):
		fault("body.inputPrompt", "must be valid UTF-8 without NUL")
	case n == 0:
		fault("body.inputPrompt", "must not be empty or blank")
	case n > MaxPromptLength:
		fault("body.inputPrompt", "has %d characters, at most %d are allowed", n, MaxPromptLength)
	}
	switch n := utf8.RuneCountInString(in.StyleGuidance); {
	case !utf8.ValidString(style) || strings.ContainsRune(style, 0):
		fault("body.styleGuidance", "must be valid UTF-8 without NUL")
	case n > MaxStyleLength:
		fault("body.styleGuidance", "has %d characters, at most %d are allowed", n, MaxStyleLength)
	}
	params, paramFaults := ParseParameters(parameters)
	faults = append(faults, paramFaults...)
	if len(faults) > 0 {
		return Input{}, InvalidInput(faults...)
	}
	in.Parameters = params
	return in, nil
}

// InvalidInput is the error for an input with these faults.
func InvalidInput(faults ...FieldError) *Error {
	parts := make([]string, len(faults))
	for i, f := range faults {
		parts[i] = f.Location + " " + f.Message
	}
	return &Error{Code: CodeInvalidInput, Message: strings.Join(parts, "; "), Fields: faults}
}

// ParseParameters reads the object `inputParameters`. Nothing and null mean {}.
// Keys are matched exactly: "Samples" is an unknown key and passes through.
func ParseParameters(raw json.RawMessage) (Parameters, []FieldError) {
	return parseParameters(raw, MaxParametersSize)
}

func parseParameters(raw json.RawMessage, maxSize int) (Parameters, []FieldError) {
	const at = "body.inputParameters"
	if s := bytes.TrimSpace(raw); len(s) == 0 || string(s) == "null" {
		raw = json.RawMessage("{}")
	}
	if !utf8.Valid(raw) {
		return Parameters{}, []FieldError{{at, "must be valid UTF-8"}}
	}
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil || compact.Bytes()[0] != '{' {
		return Parameters{}, []FieldError{{at, "must be a JSON object"}}
	}
	if compact.Len() > maxSize {
		return Parameters{}, []FieldError{{at, fmt.Sprintf("has %d bytes as JSON, at most %d are allowed", compact.Len(), maxSize)}}
	}
	p := Parameters{Samples: DefaultSamples, raw: compact.Bytes()}
	known := findKnown(p.raw)
	faults := p.readKnown(known, at)
	if len(faults) > 0 {
		return Parameters{}, faults
	}
	switch spelt := strconv.Itoa(p.Samples); {
	case known.samples == nil:
		p.raw = withSamples(p.raw, p.Samples)
	case string(known.samples) != spelt: // 4.0, which not every engine takes for an integer
		end := known.samplesAt + len(known.samples)
		p.raw = slices.Concat(p.raw[:known.samplesAt], []byte(spelt), p.raw[end:])
	}
	return p, nil
}

func (p *Parameters) readKnown(known knownParameters, at string) (faults []FieldError) {
	if v := known.format; v != nil {
		s, ok := textOf(v)
		if !ok || !Format(s).Valid() {
			faults = append(faults, FieldError{at + ".format", "must be one of " + formatList()})
		}
		p.Format = Format(s)
	}
	if v := known.resolution; v != nil {
		s, ok := textOf(v)
		var err error
		if ok {
			p.Resolution, err = ParseResolution(s)
		}
		if !ok || err != nil {
			faults = append(faults, FieldError{at + ".resolution", fmt.Sprintf(`must be "WIDTHxHEIGHT" in pixels, such as "1080x1920", each side %d to %d`, MinSide, MaxSide)})
		}
	}
	if v := known.samples; v != nil {
		n, ok := WholeNumber(string(v))
		if !ok || n < 0 || n > MaxSamples {
			faults = append(faults, FieldError{at + ".samples", fmt.Sprintf("must be a whole number from 0 to %d", MaxSamples)})
		}
		p.Samples = int(n)
	}
	return faults
}

func formatList() string {
	names := make([]string, 0, len(formats))
	for _, f := range Formats() {
		names = append(names, string(f))
	}
	return strings.Join(names, ", ")
}

// withSamples writes the default into the object, so that every engine sees the
// number that the user pays for.
func withSamples(object json.RawMessage, n int) json.RawMessage {
	member := `"samples":` + strconv.Itoa(n)
	if string(object) == "{}" {
		return json.RawMessage("{" + member + "}")
	}
	return json.RawMessage("{" + member + "," + string(object[1:]))
}

// MarshalJSON writes the object as the user sent it, with `samples` filled in.
func (p Parameters) MarshalJSON() ([]byte, error) {
	if p.raw == nil {
		return []byte("{}"), nil
	}
	return p.raw, nil
}

// UnmarshalJSON reads back what MarshalJSON wrote; for stores and jobs. The size
// was checked when the user sent it: since then `samples` was filled in, and
// encoding/json spells "<" in six bytes. A limit here would make a stored
// generation unreadable.
func (p *Parameters) UnmarshalJSON(data []byte) error {
	parsed, faults := parseParameters(data, math.MaxInt)
	if len(faults) > 0 {
		return InvalidInput(faults...)
	}
	*p = parsed
	return nil
}

// FinalResolution is the size of the final when the user names none: the asked
// resolution, else that of the format.
func (p Parameters) FinalResolution() Resolution {
	if p.Resolution != (Resolution{}) {
		return p.Resolution
	}
	return p.Format.Resolution()
}

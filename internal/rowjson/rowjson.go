// Package rowjson is the JSON that both stores keep in columns: what is written as a
// whole, read as a whole, and never searched.
package rowjson

import (
	"bytes"
	"encoding/json"

	"github.com/creativeflow/aigen"
)

// Marshal writes v as JSON. Unlike json.Marshal it leaves <, > and & alone: what
// passes through must come out as it went in, and not grow either.
func Marshal(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// EventData is what is kept of an event, but for its columns.
type EventData struct {
	aigen.EventData

	Operator *aigen.OperatorNote `json:"operator,omitempty"`
}

type input struct {
	Prompt     string          `json:"inputPrompt"`
	Style      string          `json:"styleGuidance,omitempty"`
	Parameters json.RawMessage `json:"inputParameters"`
}

// Input writes what a run was asked for; "" for nil.
func Input(in *aigen.Input) (string, error) {
	if in == nil {
		return "", nil
	}
	parameters, err := in.Parameters.MarshalJSON()
	if err != nil {
		return "", err
	}
	return Marshal(input{in.Prompt, in.StyleGuidance, parameters})
}

// ReadInput reads what Input has written.
func ReadInput(text []byte) (*aigen.Input, error) {
	var row input
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, err
	}
	in := &aigen.Input{Prompt: row.Prompt, StyleGuidance: row.Style}
	return in, in.Parameters.UnmarshalJSON(row.Parameters)
}

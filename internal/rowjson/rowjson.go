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

	References []aigen.Reference `json:"references,omitempty"`
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
	return Marshal(input{in.Prompt, in.StyleGuidance, parameters, in.References})
}

// ReadInput reads what Input has written.
func ReadInput(text []byte) (*aigen.Input, error) {
	var row input
	if err := json.Unmarshal(text, &row); err != nil {
		return nil, err
	}
	in := &aigen.Input{Prompt: row.Prompt, StyleGuidance: row.Style, References: row.References}
	return in, in.Parameters.UnmarshalJSON(row.Parameters)
}

// options is the part of aigen.Options that has no column of its own.
type options struct {
	Metadata   map[string]string `json:"metadata,omitempty"`
	AutoSelect bool              `json:"autoSelect,omitempty"`
	RetryOf    aigen.ID          `json:"retryOf,omitzero"`
}

// Options writes what of o has no column; "" for nothing.
func Options(o *aigen.Options) (string, error) {
	if len(o.Metadata) == 0 && !o.AutoSelect && o.RetryOf.IsZero() {
		return "", nil
	}
	return Marshal(options{o.Metadata, o.AutoSelect, o.RetryOf})
}

// ReadOptions reads what Options has written into o.
func ReadOptions(text []byte, o *aigen.Options) error {
	if len(text) == 0 {
		return nil
	}
	var row options
	if err := json.Unmarshal(text, &row); err != nil {
		return err
	}
	o.Metadata, o.AutoSelect, o.RetryOf = row.Metadata, row.AutoSelect, row.RetryOf
	return nil
}

// References writes the references of an input; "" for none.
func References(list []aigen.Reference) (string, error) {
	if len(list) == 0 {
		return "", nil
	}
	return Marshal(list)
}

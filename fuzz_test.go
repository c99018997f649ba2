package aigen_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/creativeflow/aigen"
)

func FuzzParseParameters(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `{}`, `[]`, `{"samples":4}`, `{"samples":-5}`, `{"samples":8,"samples":1}`, `{"s\u0061mples":3}`,
		`{"format":"Custom","resolution":"64x4096"}`, `{"format":"InstagramStory","seed":1e400,"x":{"samples":99}}`,
		"{\"a\":\"\xff\"}", `{"a":"\u0000\ud800"}`, `{ "a" : [ ] }`, `{"a":"<>&"}`, `{"resolution":"00640x0064"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		p, faults := aigen.ParseParameters(sent)
		sameAsMap(t, sent, p, faults)
		if len(faults) > 0 {
			for _, fault := range faults {
				if !strings.HasPrefix(fault.Location, "body.inputParameters") || fault.Message == "" {
					t.Fatalf("%q: a fault that says nothing: %+v", sent, fault)
				}
			}
			return
		}
		if p.Samples < 1 || p.Samples > aigen.MaxSamples || (p.Format != "" && !p.Format.Valid()) {
			t.Fatalf("%q was accepted as %+v", sent, p)
		}
		if r := p.FinalResolution(); min(r.Width, r.Height) < aigen.MinSide || max(r.Width, r.Height) > aigen.MaxSide {
			t.Fatalf("%q has a final of %s", sent, r)
		}
		// What the engine reads is what the user pays for.
		var engine struct {
			Samples int `json:"samples"`
		}
		object := map[string]json.RawMessage{}
		if err := json.Unmarshal([]byte(written(t, p)), &object); err != nil {
			t.Fatalf("%q became no object: %v", sent, err)
		}
		if err := json.Unmarshal(object["samples"], &engine.Samples); err != nil || engine.Samples != p.Samples {
			t.Fatalf("%q: %d are paid for, the job says %s", sent, p.Samples, object["samples"])
		}
		stored, err := json.Marshal(p)
		if err != nil {
			t.Fatalf("%q cannot be stored: %v", sent, err)
		}
		var back aigen.Parameters
		if err := json.Unmarshal(stored, &back); err != nil {
			t.Fatalf("%q cannot be loaded: %v", sent, err)
		}
		if back.Samples != p.Samples || back.Format != p.Format || back.Resolution != p.Resolution {
			t.Fatalf("%q came back as %+v", sent, back)
		}
	})
}

// sameAsMap compares with what encoding/json finds.
func sameAsMap(t *testing.T, sent []byte, p aigen.Parameters, faults []aigen.FieldError) {
	t.Helper()
	var object map[string]json.RawMessage
	if s := bytes.TrimSpace(sent); len(s) == 0 || string(s) == "null" {
		sent = []byte("{}")
	}
	if err := json.Unmarshal(sent, &object); err != nil || object == nil || !utf8.Valid(sent) {
		if len(faults) != 1 || faults[0].Location != "body.inputParameters" {
			t.Fatalf("%q is no object, and was read as %+v %+v", sent, p, faults)
		}
		return
	}
	at := map[string]bool{}
	for _, fault := range faults {
		at[strings.TrimPrefix(fault.Location, "body.inputParameters")] = true
	}
	if at[""] {
		return // too large
	}
	var format aigen.Format
	var resolution aigen.Resolution
	samples := strconv.Itoa(aigen.DefaultSamples)
	if v, ok := object["format"]; ok && (json.Unmarshal(v, &format) != nil || !format.Valid()) != at[".format"] {
		t.Fatalf("%q: format: %+v", sent, faults)
	}
	if v, ok := object["resolution"]; ok {
		var text string
		err := json.Unmarshal(v, &text)
		if err == nil {
			resolution, err = aigen.ParseResolution(text)
		}
		if (err != nil) != at[".resolution"] {
			t.Fatalf("%q: resolution: %+v", sent, faults)
		}
	}
	if v, ok := object["samples"]; ok {
		samples = string(v)
	}
	if n, err := strconv.Atoi(samples); (err != nil || n < 1 || n > aigen.MaxSamples) != at[".samples"] {
		t.Fatalf("%q: samples: %+v", sent, faults)
	}
	if len(faults) == 0 && (p.Format != format || p.Resolution != resolution || strconv.Itoa(p.Samples) != samples) {
		t.Fatalf("%q was read as %+v", sent, p)
	}
}

func FuzzParseCredits(f *testing.F) {
	for _, seed := range []string{"", "0", "0.25", "-0.01", "1000000000000.00", "1e2", "1.", ".1", "00.1", "-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := aigen.ParseCredits(s)
		if err != nil {
			return
		}
		if c > aigen.MaxCredits || c < -aigen.MaxCredits {
			t.Fatalf("%q is %d", s, c)
		}
		if back, err := aigen.ParseCredits(c.String()); err != nil || back != c {
			t.Fatalf("%q was %d and is %d, %v", s, c, back, err)
		}
	})
}

func FuzzParseID(f *testing.F) {
	for _, seed := range []string{"", someID, strings.ToUpper(someID), "00000000-0000-0000-0000-000000000000", "{" + someID + "}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := aigen.ParseID(s)
		if err == nil && id.String() != strings.ToLower(s) {
			t.Fatalf("%q became %s", s, id)
		}
	})
}

func FuzzParseResolution(f *testing.F) {
	for _, seed := range []string{"", "64x64", "4096x4096", "1080x1920", "63x64", "0064x64", "x", "64x", "64x64x64", "+64x64"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := aigen.ParseResolution(s)
		if err != nil {
			return
		}
		if min(r.Width, r.Height) < aigen.MinSide || max(r.Width, r.Height) > aigen.MaxSide {
			t.Fatalf("%q is %s", s, r)
		}
		text, _ := r.MarshalText()
		var back aigen.Resolution
		if err := back.UnmarshalText(text); err != nil || back != r {
			t.Fatalf("%q came back as %s, %v", s, back, err)
		}
	})
}

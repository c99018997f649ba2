package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// form is what a person fills in to ask for samples.
type form struct {
	Prompt  string
	Style   string
	Format  aigen.Format
	Width   string // of a custom size, as typed
	Height  string
	Samples int
	Project string
	Nonce   string
}

// Custom reports whether the size is the person's own.
func (f form) Custom() bool { return f.Format == customFormat }

// resolution is the size of the final; 0 by 0 if no size was typed.
func (f form) resolution() aigen.Resolution {
	if !f.Custom() {
		return f.Format.Resolution()
	}
	width, _ := strconv.Atoi(f.Width)
	height, _ := strconv.Atoi(f.Height)
	return aigen.Resolution{Width: width, Height: height}
}

// firstForm is an empty one.
func firstForm() form {
	return form{Format: "InstagramPost", Samples: aigen.DefaultSamples, Width: "1024", Height: "1024", Nonce: newNonce()}
}

// newNonce makes one sending of a form tell itself from the next: who sends the same
// form twice, by a double click or by loading the answer again, asks once.
func newNonce() string { return rand.Text() }

func readStudioForm(r *http.Request) form {
	f := form{
		Prompt: lines(r.PostFormValue("prompt")), Style: lines(r.PostFormValue("style")),
		Format: aigen.Format(r.PostFormValue("format")),
		Width:  strings.TrimSpace(r.PostFormValue("width")), Height: strings.TrimSpace(r.PostFormValue("height")),
		Project: strings.TrimSpace(r.PostFormValue("project")), Nonce: r.PostFormValue("nonce"),
	}
	f.Samples, _ = strconv.Atoi(r.PostFormValue("samples")) // 0 is refused like any other bad number
	return f
}

// lines undoes what forms do to line breaks: a prompt is the same text however it is
// sent.
func lines(text string) string { return strings.ReplaceAll(text, "\r\n", "\n") }

// fieldErrors are what is wrong, by the name of the field.
type fieldErrors map[string]string

// fieldOf says which field of the form a field of the API is.
var fieldOf = map[string]string{
	"body.inputPrompt": "prompt", "body.styleGuidance": "style", "body.inputParameters.format": "format",
	"body.inputParameters.resolution": "size", "body.inputParameters.samples": "samples",
}

// sentences say it as to a person, who knows no field of an API.
var sentences = map[string]string{
	"size":    "Each side must be a whole number from 64 to 4096 pixels.",
	"samples": "Choose from 1 to 8 samples.",
	"format":  "Choose one of the formats.",
}

// input checks the form. The error is only for what no field is to blame for.
func (f form) input() (aigen.Input, fieldErrors, error) {
	parameters := map[string]any{"samples": f.Samples, "format": f.Format}
	if f.Custom() {
		parameters["resolution"] = f.Width + "x" + f.Height
	}
	raw, err := json.Marshal(parameters)
	if err != nil {
		return aigen.Input{}, nil, err
	}
	in, err := aigen.NewInput(f.Prompt, f.Style, raw)
	faults, err := faultsOf(err)
	return in, faults, err
}

// faultsOf sorts an invalid input by field.
func faultsOf(err error) (fieldErrors, error) {
	var known *aigen.Error
	if !errors.As(err, &known) || known.Code != aigen.CodeInvalidInput {
		return nil, err
	}
	faults := fieldErrors{}
	for _, fe := range known.Fields {
		field := fieldOf[fe.Location]
		if field == "" {
			return nil, err
		}
		text := sentences[field]
		switch {
		case text != "":
		case strings.Contains(fe.Message, "blank"):
			text = "Describe the picture."
		default:
			text = "This " + fe.Message + "."
		}
		faults[field] = text
	}
	return faults, nil
}

// requestKey makes a repeat of a form harmless. The hash of the fields is part of the
// key, so that a page that is gone back to, and changed, asks anew.
func requestKey(r *http.Request, what string, generation aigen.ID, fields url.Values) app.RequestKey {
	nonce := r.PostFormValue("nonce")
	if nonce == "" || len(nonce) > 64 {
		return app.RequestKey{}
	}
	hash := sha256.Sum256([]byte("console\x00" + what + "\x00" + generation.String() + "\x00" + fields.Encode()))
	return app.RequestKey{Key: "console-" + nonce + "-" + hex.EncodeToString(hash[:8]), Hash: hash}
}

// content is what makes two sendings of a form the same.
func (f form) content() url.Values {
	return url.Values{
		"prompt": {f.Prompt}, "style": {f.Style}, "format": {string(f.Format)}, "width": {f.Width}, "height": {f.Height},
		"samples": {strconv.Itoa(f.Samples)}, "project": {f.Project},
	}
}

// formOf fills a form from what was asked for before.
func formOf(c generationView) form {
	f := firstForm()
	f.Prompt, f.Style, f.Samples = c.Prompt, c.Style, c.Count
	if c.Format != "" {
		f.Format = c.Format
	} else {
		f.Format = customFormat
	}
	f.Width, f.Height = strconv.Itoa(c.Final.Width), strconv.Itoa(c.Final.Height)
	return f
}

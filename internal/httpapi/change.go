package httpapi

import (
	"net/http"
	"unicode/utf8"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

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

	References []referenceView `json:"references,omitempty" maxItems:"16" nullable:"true" doc:"Replace those that the generation has."`
}

func (a *API) selectSample(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	body, err := a.readBody(w, r, a.c.MaxBody, strict)
	if err != nil {
		return err
	}
	var f faults
	cmd := app.SelectSample{UserID: identityOf(r.Context()).UserID, GenerationID: id}
	cmd.SampleID, cmd.Resolution = readSelect(body, &f)
	if cmd.Key, err = keyOf(r, selectPath, id, body, &f); err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.SelectSample(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}

func readSelect(body []byte, f *faults) (sample string, res aigen.Resolution) {
	o := newObject("body", body, f)
	if o.members == nil {
		return sample, res
	}
	o.only("sampleId", "resolution")
	o.need("sampleId")
	if s, ok := o.text("sampleId"); ok {
		// In characters, as the document has it. One that has more bytes than an id may
		// have is no sample's.
		if s == "" || utf8.RuneCountInString(s) > aigen.MaxAssetIDLength {
			o.fault("sampleId", "must have 1 to %d characters", aigen.MaxAssetIDLength)
		}
		sample = s
	}
	if s, ok := o.text("resolution"); ok {
		var err error
		if res, err = aigen.ParseResolution(s); err != nil {
			o.fault("resolution", "%s", err.Error())
		}
	}
	return sample, res
}

func (a *API) regenerate(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	body, err := a.readOptional(w, r) // nothing at all: the same once more
	if err != nil {
		return err
	}
	var f faults
	cmd := readRegenerate(body, &f)
	cmd.UserID, cmd.GenerationID = identityOf(r.Context()).UserID, id
	if cmd.Key, err = keyOf(r, regeneratePath, id, body, &f); err != nil {
		return err
	}
	if err := f.err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.RegenerateSamples(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}

func readRegenerate(body []byte, f *faults) (cmd app.RegenerateSamples) {
	o := newObject("body", body, f)
	if o.members == nil {
		return cmd
	}
	o.only("inputPrompt", "styleGuidance", "inputParameters", "references")
	if list, ok := readReferences(o); ok {
		cmd.References = &list
	}
	if s, ok := o.text("inputPrompt"); ok {
		cmd.InputPrompt = &s
	}
	if s, ok := o.text("styleGuidance"); ok {
		cmd.StyleGuidance = &s
	}
	if raw, ok := o.get("inputParameters"); ok {
		cmd.InputParameters = raw
	}
	// The service checks the merged input once it has the generation. Looking at
	// the parts here names all faults at once; a prompt that is kept is fine.
	if _, given := o.get("inputPrompt"); !given {
		o.set("inputPrompt", []byte(`"kept"`))
	}
	readInput(o, f)
	return cmd
}

func (a *API) cancel(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	key, err := requestKey(r, cancelPath, id, nil)
	if err != nil {
		return err
	}
	if err := a.skipBody(w, r); err != nil {
		return err
	}
	g, again, err := a.c.Service.CancelGeneration(r.Context(), app.CancelGeneration{
		UserID: identityOf(r.Context()).UserID, GenerationID: id, Key: key,
	})
	if err != nil {
		return err
	}
	replayed(w, r, again)
	return a.answerGeneration(w, r, g, false)
}

package httpapi

import (
	"net/http"
	"unicode/utf8"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

func (a *API) selectSample(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	body, err := a.bodies.Read(w, r)
	if err != nil {
		return err
	}
	var f wire.Faults
	cmd := app.SelectSample{UserID: web.IdentityOf(r.Context()).UserID, GenerationID: id}
	cmd.SampleID, cmd.Resolution = readSelect(body, &f)
	if cmd.Key, err = keyOf(r, selectPath, id, body, &f); err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.SelectSample(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}

func readSelect(body []byte, f *wire.Faults) (sample string, res aigen.Resolution) {
	o := wire.NewObject("body", body, f)
	if o.Members == nil {
		return sample, res
	}
	o.Only("sampleId", "resolution")
	o.Need("sampleId")
	if s, ok := o.Text("sampleId"); ok {
		// In characters, as the document has it. One that has more bytes than an id may
		// have is no sample's.
		if s == "" || utf8.RuneCountInString(s) > aigen.MaxAssetIDLength {
			o.Fault("sampleId", "must have 1 to %d characters", aigen.MaxAssetIDLength)
		}
		sample = s
	}
	if s, ok := o.Text("resolution"); ok {
		var err error
		if res, err = aigen.ParseResolution(s); err != nil {
			o.Fault("resolution", "%s", err.Error())
		}
	}
	return sample, res
}

func (a *API) regenerate(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	body, err := a.bodies.ReadOptional(w, r) // nothing at all: the same once more
	if err != nil {
		return err
	}
	var f wire.Faults
	cmd := readRegenerate(body, &f)
	cmd.UserID, cmd.GenerationID = web.IdentityOf(r.Context()).UserID, id
	if cmd.Key, err = keyOf(r, regeneratePath, id, body, &f); err != nil {
		return err
	}
	if err := f.Err(); err != nil {
		return err
	}
	accepted, err := a.c.Service.RegenerateSamples(r.Context(), cmd)
	if err != nil {
		return err
	}
	return accept(w, r, accepted)
}

func readRegenerate(body []byte, f *wire.Faults) (cmd app.RegenerateSamples) {
	o := wire.NewObject("body", body, f)
	if o.Members == nil {
		return cmd
	}
	o.Only("inputPrompt", "styleGuidance", "inputParameters", "references")
	if list, ok := readReferences(o); ok {
		cmd.References = &list
	}
	if s, ok := o.Text("inputPrompt"); ok {
		cmd.InputPrompt = &s
	}
	if s, ok := o.Text("styleGuidance"); ok {
		cmd.StyleGuidance = &s
	}
	if raw, ok := o.Get("inputParameters"); ok {
		cmd.InputParameters = raw
	}
	// The service checks the merged input once it has the generation. Looking at
	// the parts here names all faults at once; a prompt that is kept is fine.
	if _, given := o.Get("inputPrompt"); !given {
		o.Set("inputPrompt", []byte(`"kept"`))
	}
	readInput(o, f)
	return cmd
}

func (a *API) cancel(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	key, err := requestKey(r, cancelPath, id, nil)
	if err != nil {
		return err
	}
	if err := a.bodies.Skip(w, r); err != nil {
		return err
	}
	g, again, err := a.c.Service.CancelGeneration(r.Context(), app.CancelGeneration{
		UserID: web.IdentityOf(r.Context()).UserID, GenerationID: id, Key: key,
	})
	if err != nil {
		return err
	}
	replayed(w, r, again)
	return a.answerGeneration(w, r, g, false)
}

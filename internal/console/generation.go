package console

import (
	"net/http"
	"net/url"
	"strconv"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/web"
)

// generationData is the page of one generation.
type generationData struct {
	generationView
	Form   form // for new samples
	Errors fieldErrors
	// Trouble is why the last step came to nothing, if no field is to blame.
	Trouble *problem
	Chosen  string // the sample and the size that were chosen for it
	Size    string
	Open    bool // the panel for new samples
	Sizes   []size
	Counts  []count
	Nonce   string
}

// size is one that the final can have.
type size struct {
	Resolution aigen.Resolution
	Name       string
	Price      aigen.Credits
}

// Checked reports whether a sample is chosen in the form: that of the last attempt, or
// the only one there is.
func (d generationData) Checked(p picture) bool {
	return p.ID == d.Chosen || len(d.Samples) == 1
}

// SizeChecked is the same for a size; without an attempt it is the first.
func (d generationData) SizeChecked(i int, s size) bool {
	for _, known := range d.Sizes {
		if known.Resolution.String() == d.Size {
			return s == known
		}
	}
	return i == 0
}

// sizesOf are that of the format and, where it fits, the double.
func (k *Console) sizesOf(r aigen.Resolution) []size {
	all := []size{{r, "Standard", k.c.Pricing.FinalRun(r)}}
	if double := (aigen.Resolution{Width: 2 * r.Width, Height: 2 * r.Height}); max(double.Width, double.Height) <= aigen.MaxSide {
		all = append(all, size{double, "Twice as large", k.c.Pricing.FinalRun(double)})
	}
	return all
}

func (k *Console) generationDataOf(r *http.Request, g *aigen.Generation) (generationData, error) {
	d := generationData{generationView: k.viewOf(g), Nonce: newNonce()}
	events, err := k.c.Service.ListEvents(r.Context(), g.UserID, g.ID, 0)
	if err != nil {
		return d, err
	}
	d.Moments = k.timelineOf(g, events)
	d.Form = formOf(d.generationView)
	d.Sizes = k.sizesOf(g.Input.Parameters.FinalResolution())
	for n := 1; n <= aigen.MaxSamples; n++ {
		d.Counts = append(d.Counts, count{n, k.c.Pricing.SamplesRun(n)})
	}
	return d, nil
}

// generation is its page.
func (k *Console) generation(w http.ResponseWriter, r *http.Request) error {
	g, err := k.load(r)
	if err != nil {
		return err
	}
	d, err := k.generationDataOf(r, g)
	if err != nil {
		return err
	}
	k.render(w, r, http.StatusOK, "generation", "layout", page{Title: d.PageTitle(), Nav: "history", Data: d, NeedsBalance: true})
	return nil
}

func (k *Console) load(r *http.Request) (*aigen.Generation, error) {
	id, err := generationID(r)
	if err != nil {
		return nil, err
	}
	return k.c.Service.GetGeneration(r.Context(), sessionOf(r.Context()).UserID, id)
}

// generationPart is the part of the page that changes; nothing if the page has it.
func (k *Console) generationPart(w http.ResponseWriter, r *http.Request) error {
	g, err := k.load(r)
	if err != nil {
		return err
	}
	if r.URL.Query().Get("have") == strconv.FormatInt(g.Version, 10) {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return k.showPart(w, r, g)
}

func (k *Console) showPart(w http.ResponseWriter, r *http.Request, g *aigen.Generation) error {
	d, err := k.generationDataOf(r, g)
	if err != nil {
		return err
	}
	k.render(w, r, http.StatusOK, "generation", "creative", page{Data: d, NeedsBalance: true})
	return nil
}

// selectSample orders the final.
func (k *Console) selectSample(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	cmd := app.SelectSample{UserID: sessionOf(r.Context()).UserID, GenerationID: id, SampleID: r.PostFormValue("sample")}
	if cmd.SampleID == "" {
		return k.refused(w, r, id, &fault{code: codeNoSample})
	}
	if text := r.PostFormValue("resolution"); text != "" {
		if cmd.Resolution, err = aigen.ParseResolution(text); err != nil {
			return aigen.InvalidInput(aigen.FieldError{Location: "body.resolution", Message: err.Error()})
		}
	}
	cmd.Key = requestKey(r, "select", id, url.Values{"sample": {cmd.SampleID}, "resolution": {cmd.Resolution.String()}})
	if _, err := k.c.Service.SelectSample(r.Context(), cmd); err != nil {
		return k.refused(w, r, id, err)
	}
	return k.changed(w, r, id)
}

// regenerate orders new samples.
func (k *Console) regenerate(w http.ResponseWriter, r *http.Request) error {
	g, err := k.load(r)
	if err != nil {
		return err
	}
	f := readStudioForm(r)
	in, faults, err := f.input()
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return k.showFaults(w, r, g, f, faults)
	}
	parameters, err := in.Parameters.MarshalJSON()
	if err != nil {
		return err
	}
	_, err = k.c.Service.RegenerateSamples(r.Context(), app.RegenerateSamples{
		UserID: g.UserID, GenerationID: g.ID, InputPrompt: &f.Prompt, StyleGuidance: &f.Style, InputParameters: parameters,
		Key: requestKey(r, "regenerate", g.ID, f.content()),
	})
	if err != nil {
		return k.refused(w, r, g.ID, err)
	}
	return k.changed(w, r, g.ID)
}

// showFaults shows the page again with what was typed for the new samples.
func (k *Console) showFaults(w http.ResponseWriter, r *http.Request, g *aigen.Generation, f form, faults fieldErrors) error {
	d, err := k.generationDataOf(r, g)
	if err != nil {
		return err
	}
	d.Form, d.Errors, d.Open = f, faults, true
	return k.showAgain(w, r, http.StatusUnprocessableEntity, d)
}

// refused shows the page as it stands now, with why a step came to nothing: it stays
// there until the person has read it.
func (k *Console) refused(w http.ResponseWriter, r *http.Request, id aigen.ID, cause error) error {
	p := problemOf(cause)
	if !p.tellable(cause) {
		return cause
	}
	g, err := k.c.Service.GetGeneration(r.Context(), sessionOf(r.Context()).UserID, id)
	if err != nil {
		return err
	}
	d, err := k.generationDataOf(r, g)
	if err != nil {
		return err
	}
	d.Trouble, d.Chosen, d.Size = &p, r.PostFormValue("sample"), r.PostFormValue("resolution")
	if r.PostForm.Has("prompt") {
		d.Form, d.Open = readStudioForm(r), true
	}
	info := web.InfoFrom(r.Context())
	info.Code, info.Err = p.Code, cause
	return k.showAgain(w, r, p.Status, d)
}

func (k *Console) showAgain(w http.ResponseWriter, r *http.Request, status int, d generationData) error {
	block := "layout"
	if isPart(r) {
		block = "creative"
	}
	k.render(w, r, status, "generation", block, page{Title: d.PageTitle(), Nav: "history", Data: d, NeedsBalance: true})
	return nil
}

// confirmCancel asks first, where no script can.
func (k *Console) confirmCancel(w http.ResponseWriter, r *http.Request) error {
	g, err := k.load(r)
	if err != nil {
		return err
	}
	k.render(w, r, http.StatusOK, "cancel", "layout", page{Title: "Cancel?", Nav: "history", Data: generationData{generationView: k.viewOf(g), Nonce: newNonce()}})
	return nil
}

// cancel ends the generation.
func (k *Console) cancel(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	_, _, err = k.c.Service.CancelGeneration(r.Context(), app.CancelGeneration{
		UserID: sessionOf(r.Context()).UserID, GenerationID: id, Key: requestKey(r, "cancel", id, nil),
	})
	if err != nil {
		return k.refused(w, r, id, err)
	}
	if !isPart(r) {
		k.setFlash(w, r, "cancelled")
	}
	return k.changed(w, r, id)
}

// changed answers a form of the page: with its new state, or by leading back to it.
func (k *Console) changed(w http.ResponseWriter, r *http.Request, id aigen.ID) error {
	if !isPart(r) {
		redirect(w, r, generationURL(id))
		return nil
	}
	g, err := k.c.Service.GetGeneration(r.Context(), sessionOf(r.Context()).UserID, id)
	if err != nil {
		return err
	}
	return k.showPart(w, r, g)
}

package console

import (
	"net/http"
	"net/url"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/web"
)

// studioData is the studio's: the form, and what was made last.
type studioData struct {
	Form     form
	Errors   fieldErrors
	Trouble  *problem // why the last sending came to nothing, if no field is to blame
	Formats  []formatChoice
	Styles   []string
	Pricing  aigen.Pricing
	Counts   []count
	Projects []project
	Recent   []generationView
}

// FinalPrice is what the final costs in the size that the form asks for.
func (d studioData) FinalPrice() aigen.Credits { return d.Pricing.FinalRun(d.Form.resolution()) }

// FinalPriceOf is the same for a format of its own size.
func (d studioData) FinalPriceOf(f formatChoice) aigen.Credits {
	return d.Pricing.FinalRun(f.Resolution)
}

// HighAbove is the longest side that still costs the lower price.
func (d studioData) HighAbove() int { return aigen.HighResolutionSide }

// Cheapest is the least that anything costs here.
func (d studioData) Cheapest() aigen.Credits { return d.Pricing.SamplesRun(1) }

// count is a number of samples with its price.
type count struct {
	N     int
	Price aigen.Credits
}

// styles are offered beside the field; anything else can be typed.
var styles = []string{"Photograph", "Watercolour", "Oil painting", "Ink drawing", "Flat illustration", "Film still", "3D render"}

// recentCount is how many are shown below the form.
const recentCount = 8

func (k *Console) studio(w http.ResponseWriter, r *http.Request) error {
	f := firstForm()
	q := r.URL.Query()
	if id, err := aigen.ParseID(q.Get("from")); err == nil {
		g, err := k.c.Service.GetGeneration(r.Context(), sessionOf(r.Context()).UserID, id)
		if err != nil {
			return err
		}
		f = formOf(k.viewOf(g))
		f.Project = g.ProjectID.String()
	}
	f.fillFrom(q)
	return k.showStudio(w, r, http.StatusOK, studioData{Form: f})
}

// fillFrom lets a link bring a prompt, a style, a format and a project along.
func (f *form) fillFrom(q url.Values) {
	for name, field := range map[string]*string{"prompt": &f.Prompt, "style": &f.Style, "project": &f.Project} {
		if v := q.Get(name); v != "" {
			*field = v
		}
	}
	if v := aigen.Format(q.Get("format")); v.Valid() {
		f.Format = v
	}
}

func (k *Console) showStudio(w http.ResponseWriter, r *http.Request, status int, d studioData) error {
	s := sessionOf(r.Context())
	page1, err := k.c.Service.ListGenerations(r.Context(), app.ListQuery{UserID: s.UserID, Limit: projectsLookedAt})
	if err != nil {
		return err
	}
	for i, g := range page1.Items {
		if i == recentCount {
			break
		}
		d.Recent = append(d.Recent, k.viewOf(g))
	}
	d.Projects = k.projectsOf(s, page1.Items, d.Form.Project)
	if d.Form.Project == "" {
		d.Form.Project = k.projectOf(s).String()
	}
	d.Formats, d.Styles, d.Pricing = formatChoices(), styles, k.c.Pricing
	for n := 1; n <= aigen.MaxSamples; n++ {
		d.Counts = append(d.Counts, count{n, k.c.Pricing.SamplesRun(n)})
	}
	block := "layout"
	if isPart(r) {
		block = "main"
	}
	k.render(w, r, status, "studio", block, page{Title: "Studio", Nav: "studio", Data: d, NeedsBalance: true})
	return nil
}

// create starts a generation.
func (k *Console) create(w http.ResponseWriter, r *http.Request) error {
	f := readStudioForm(r)
	in, faults, err := f.input()
	if err != nil {
		return err
	}
	projectID, err := aigen.ParseID(f.Project)
	if err != nil {
		faults = faults.with("project", "A project is named by a UUID.")
	}
	if len(faults) > 0 {
		return k.showStudio(w, r, http.StatusUnprocessableEntity, studioData{Form: f, Errors: faults})
	}
	accepted, err := k.c.Service.InitiateGeneration(r.Context(), app.InitiateGeneration{
		UserID: sessionOf(r.Context()).UserID, ProjectID: projectID, Input: in, Key: requestKey(r, "create", aigen.ID{}, f.content()),
	})
	if err != nil {
		return k.notStarted(w, r, f, err)
	}
	web.InfoFrom(r.Context()).Generation = accepted.GenerationID
	leadTo(w, r, generationURL(accepted.GenerationID))
	return nil
}

func (e fieldErrors) with(field, text string) fieldErrors {
	if e == nil {
		e = fieldErrors{}
	}
	e[field] = text
	return e
}

// notStarted shows the form again with what stood in the way, and what was typed.
func (k *Console) notStarted(w http.ResponseWriter, r *http.Request, f form, cause error) error {
	p := problemOf(cause)
	if !p.tellable(cause) {
		return cause
	}
	info := web.InfoFrom(r.Context())
	info.Code, info.Err = p.Code, cause
	if err := k.showStudio(w, r, p.Status, studioData{Form: f, Trouble: &p}); err != nil {
		return cause
	}
	return nil
}

// leadTo takes the browser to another page, from a form with script or without.
func leadTo(w http.ResponseWriter, r *http.Request, to string) {
	if isPart(r) {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	redirect(w, r, to)
}

func generationURL(id aigen.ID) string { return generationsPath + "/" + id.String() }

package console

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/operations"
	"github.com/creativeflow/aigen/internal/outbox"
)

// operatorPage is how many rows a page of a list has.
const operatorPage = 25

// generationsDesk is a list of generations of all users.
type generationsDesk struct {
	Items    []*aigen.Generation
	Next     string // URL of the next page; "" on the last
	Statuses []aigen.Status
	Status   aigen.Status
	User     string
	Project  string
	From, To string // as the inputs of dates write them
	Filtered bool
	Faults   map[string]string // what is wrong with a field of the filter
}

func (k *Console) operatorGenerations(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	d := generationsDesk{
		Statuses: aigen.Statuses(), Status: choice(r, "status", aigen.Statuses()),
		User: strings.TrimSpace(query.Get("user")), Project: strings.TrimSpace(query.Get("project")),
		From: query.Get("from"), To: query.Get("to"),
	}
	q := operations.AllQuery{
		Status: d.Status, UserID: queryID(r, "user"), ProjectID: queryID(r, "project"), Before: queryID(r, "before"), Limit: operatorPage,
	}
	q.From, _ = time.Parse(time.DateOnly, d.From)
	if to, err := time.Parse(time.DateOnly, d.To); err == nil {
		q.To = to.AddDate(0, 0, 1) // that day is meant too
	}
	d.Filtered = d.Status != "" || d.User+d.Project+d.From+d.To != ""
	if d.Faults = filterFaults(d, q); len(d.Faults) > 0 {
		// To show all generations instead would mislead.
		return k.renderOperator(w, r, "generations", "", "Generations", operatorView{Place: "generations", Body: d})
	}
	page, err := k.c.Operations.ListAllGenerations(r.Context(), q)
	if err != nil {
		return err
	}
	d.Items = page.Items
	if !page.Next.IsZero() {
		d.Next = nextPage(operatorGenerationsPath, query, "before", page.Next.String())
	}
	return k.renderOperator(w, r, "generations", "rows", "Generations", operatorView{Place: "generations", Body: d})
}

// filterFaults says which fields of the filter cannot be used, and what to write.
func filterFaults(d generationsDesk, q operations.AllQuery) map[string]string {
	faults := map[string]string{}
	if d.User != "" && q.UserID.IsZero() {
		faults["user"] = "This is not a UUID. To look for other ids, use the search above."
	}
	if d.Project != "" && q.ProjectID.IsZero() {
		faults["project"] = "This is not a UUID."
	}
	if !q.From.IsZero() && !q.To.IsZero() && !q.From.Before(q.To) {
		faults["to"] = "This is before the first day."
	}
	return faults
}

// nextPage is this page's address with another place to go on from.
func nextPage(path string, query url.Values, name, value string) string {
	next := url.Values{}
	for key, values := range query {
		if len(values) > 0 && values[0] != "" {
			next.Set(key, values[0])
		}
	}
	next.Set(name, value)
	return path + "?" + next.Encode()
}

// storyDesk is one generation with all that is known of it.
type storyDesk struct {
	*aigen.Generation

	Entries []storyRow
	Samples []picture
	Final   *picture
	Credits aigen.CreditTotals
	Took    time.Duration // to the end, or until now
	Ended   bool
	Waiting []outbox.Delivery // what is still to be delivered, or could not be
}

// storyRow is an entry with the time since the beginning.
type storyRow struct {
	operations.TimelineEntry

	After time.Duration
	NewOn bool // another day than the one before
}

func (k *Console) operatorGeneration(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	story, err := k.c.Operations.GetTimeline(r.Context(), id)
	if err != nil {
		return err
	}
	g := story.Generation
	d := storyDesk{Generation: g, Credits: g.Totals(), Ended: g.Status.Ended(), Took: k.c.Now().Sub(g.CreatedAt)}
	if d.Ended {
		d.Took = g.StatusSince.Sub(g.CreatedAt)
	}
	d.addPictures(k)
	day := ""
	for _, e := range story.Entries {
		row := storyRow{TimelineEntry: e, After: max(0, e.At.Sub(g.CreatedAt))}
		if on := e.At.UTC().Format(time.DateOnly); on != day {
			day, row.NewOn = on, true
		}
		d.Entries = append(d.Entries, row)
		if e.Kind == operations.StoryDelivery {
			d.Waiting = append(d.Waiting, *e.Delivery)
		}
	}
	return k.renderOperator(w, r, "generation", "story", "Generation "+g.ID.String()[:8], operatorView{Place: "generations", Body: d})
}

// addPictures shows what was made. What an engine gave an address for that a page may not
// show has its id alone.
func (d *storyDesk) addPictures(k *Console) {
	for i, a := range d.Generation.Samples {
		p := k.pictureOf(a, aigen.Resolution{Width: 512, Height: 512})
		p.Number, p.Selected = i+1, a.AssetID == d.SelectedSampleID
		d.Samples = append(d.Samples, p)
	}
	if d.FinalAsset != nil {
		p := k.pictureOf(*d.FinalAsset, d.Input.Parameters.FinalResolution())
		d.Final = &p
	}
}

func (k *Console) operatorFail(w http.ResponseWriter, r *http.Request) error {
	id, err := generationID(r)
	if err != nil {
		return err
	}
	if _, err := k.c.Operations.FailGeneration(r.Context(), operations.FailGeneration{By: operatorNote(r), GenerationID: id}); err != nil {
		return err
	}
	k.setFlash(w, r, "failed")
	redirect(w, r, operatorGenerationsPath+"/"+id.String())
	return nil
}

package console

import (
	"net/http"
	"net/url"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
)

// historyData is a page of the history.
type historyData struct {
	Items    []creative
	Next     string // the URL of the next page; "" on the last
	First    bool   // the first page
	Filter   historyFilter
	Statuses []statusChoice
	Projects []project
}

// historyFilter is what the list is narrowed to.
type historyFilter struct {
	Status  aigen.Status
	Project aigen.ID // zero: all
}

// Any reports whether it is narrowed at all.
func (f historyFilter) Any() bool { return f.Status != "" || !f.Project.IsZero() }

// url is the history with this filter, from a cursor on.
func (f historyFilter) url(cursor string) string {
	q := url.Values{}
	if f.Status != "" {
		q.Set("status", string(f.Status))
	}
	if !f.Project.IsZero() {
		q.Set("project", f.Project.String())
	}
	if cursor != "" {
		q.Set("cursor", cursor)
	}
	if len(q) == 0 {
		return generationsPath
	}
	return generationsPath + "?" + q.Encode()
}

// statusChoice is one of the filters.
type statusChoice struct {
	Status  aigen.Status
	Words   string
	URL     string
	Current bool
}

// historyPage is how many come at a time.
const historyPage = 24

func (k *Console) history(w http.ResponseWriter, r *http.Request) error {
	s, q := sessionOf(r.Context()), r.URL.Query()
	d := historyData{First: q.Get("cursor") == ""}
	if st := aigen.Status(q.Get("status")); st.Valid() {
		d.Filter.Status = st
	}
	if id, err := aigen.ParseID(q.Get("project")); err == nil {
		d.Filter.Project = id
	}
	query := app.ListQuery{UserID: s.UserID, Status: d.Filter.Status, ProjectID: d.Filter.Project, Limit: historyPage}
	if text := q.Get("cursor"); text != "" {
		cursor, ok := cursorOf(text)
		if !ok {
			redirect(w, r, d.Filter.url("")) // an old link: the list from its start is what they want
			return nil
		}
		query.Before = cursor
	}
	found, err := k.c.Service.ListGenerations(r.Context(), query)
	if err != nil {
		return err
	}
	for _, g := range found.Items {
		d.Items = append(d.Items, k.creativeOf(g))
	}
	if found.Next != nil {
		d.Next = d.Filter.url(found.Next.String())
	}
	if isPart(r) {
		k.render(w, r, http.StatusOK, "history", "cards", page{Data: d})
		return nil
	}
	if err := k.fillFilters(r, s, &d); err != nil {
		return err
	}
	k.render(w, r, http.StatusOK, "history", "layout", page{Title: "History", Nav: "history", Data: d})
	return nil
}

// cursorOf takes only times that a generation can have been created at: a store need
// not cope with the year 200,000.
func cursorOf(text string) (*app.Cursor, bool) {
	cursor, err := app.ParseCursor(text)
	year := cursor.CreatedAt.Year()
	return &cursor, err == nil && year >= 1970 && year <= 9999
}

func (k *Console) fillFilters(r *http.Request, s session, d *historyData) error {
	recent, err := k.c.Service.ListGenerations(r.Context(), app.ListQuery{UserID: s.UserID, Limit: projectsLookedAt})
	if err != nil {
		return err
	}
	chosen := ""
	if !d.Filter.Project.IsZero() {
		chosen = d.Filter.Project.String()
	}
	d.Projects = k.projectsOf(s, recent.Items, chosen)
	for _, st := range append([]aigen.Status{""}, aigen.Statuses()...) {
		f := d.Filter
		f.Status = st
		words := states[st].Words
		if st == "" {
			words = "All"
		}
		d.Statuses = append(d.Statuses, statusChoice{st, words, f.url(""), st == d.Filter.Status})
	}
	return nil
}

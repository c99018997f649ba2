package console

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// historyData is a page of the history.
type historyData struct {
	Items    []generationView
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

func filterOf(q url.Values) (f historyFilter) {
	if st := aigen.Status(q.Get("status")); st.Valid() {
		f.Status = st
	}
	if id, err := aigen.ParseID(q.Get("project")); err == nil {
		f.Project = id
	}
	return f
}

func (f historyFilter) query(s session) app.ListQuery {
	return app.ListQuery{UserID: s.UserID, Status: f.Status, ProjectID: f.Project, Limit: historyPage}
}

// title names the page, so that tabs and bookmarks of several filters differ.
func (f historyFilter) title() string {
	text := "History"
	if !f.Project.IsZero() {
		text = "Project " + f.Project.String()[:8] + " · " + text
	}
	if f.Status != "" {
		text = states[f.Status].Words + " · " + text
	}
	return text
}

// Cards is where the page asks for what is new in its list.
func (f historyFilter) Cards() string {
	return strings.Replace(f.url(""), generationsPath, cardsPath, 1)
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
	d := historyData{First: q.Get("cursor") == "", Filter: filterOf(q)}
	query := d.Filter.query(s)
	if text := q.Get("cursor"); text != "" {
		cursor, ok := cursorOf(text)
		if !ok {
			redirect(w, r, d.Filter.url("")) // an old link: the list from its start is what they want
			return nil
		}
		query.Before = &cursor
	}
	until, _ := cursorOf(q.Get("until"))
	found, err := k.listUntil(r.Context(), query, until)
	if err != nil {
		return err
	}
	for _, g := range found.Items {
		d.Items = append(d.Items, k.viewOf(g))
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
	k.render(w, r, http.StatusOK, "history", "layout", page{Title: d.Filter.title(), Nav: "history", Data: d})
	return nil
}

// cursorOf takes only times that a generation can have been created at: a store need
// not cope with the year 200,000.
func cursorOf(text string) (app.Cursor, bool) {
	cursor, err := app.ParseCursor(text)
	year := cursor.CreatedAt.Year()
	if err != nil || year < 1970 || year > 9999 {
		return app.Cursor{}, false
	}
	return cursor, true
}

// historyMost is how many a page shows at once when somebody comes back to a long list.
const historyMost = 480

// listUntil reads a page of the list or, where until is a cursor of a later page, all
// from the start to there: so a person who scrolled far and comes back finds the place.
func (k *Console) listUntil(ctx context.Context, q app.ListQuery, until app.Cursor) (app.Page, error) {
	all, err := k.c.Service.ListGenerations(ctx, q)
	for err == nil && all.Next != nil && before(until, *all.Next) && len(all.Items) < historyMost {
		q.Before = all.Next
		var more app.Page
		if more, err = k.c.Service.ListGenerations(ctx, q); err == nil {
			all.Items, all.Next = append(all.Items, more.Items...), more.Next
		}
	}
	return all, err
}

// before reports whether a is older than b; the zero cursor is older than none.
func before(a, b app.Cursor) bool {
	if a.ID.IsZero() {
		return false
	}
	if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
		return c < 0
	}
	return bytes.Compare(a.ID[:], b.ID[:]) < 0
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

package httpapi

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/httpapi/wire"
	"github.com/creativeflow/aigen/internal/web"
)

func (a *API) list(w http.ResponseWriter, r *http.Request) error {
	q, err := readListQuery(r)
	if err != nil {
		return err
	}
	q.UserID = web.IdentityOf(r.Context()).UserID
	leave, err := wire.EnterLarge(a.large, q.UserID)
	if err != nil {
		return err
	}
	defer leave()
	cursor := func(g *aigen.Generation) app.Cursor { return app.Cursor{CreatedAt: g.CreatedAt, ID: g.ID} }
	read := func(after *aigen.Generation, limit int) ([]*aigen.Generation, bool, error) {
		part := q
		part.Limit = limit
		if after != nil {
			before := cursor(after)
			part.Before = &before
		}
		page, err := a.c.Service.ListGenerations(r.Context(), part)
		return page.Items, page.Next != nil, err
	}
	return a.views.Page(w, r, q.Limit, read, func(g *aigen.Generation) string { return cursor(g).String() })
}

func readListQuery(r *http.Request) (app.ListQuery, error) {
	f := wire.NewFilter(r)
	q := app.ListQuery{Limit: f.Limit(), Status: wire.Word(f, "status", aigen.Statuses()), ProjectID: f.ID("projectId"), BatchID: f.ID("batchId"), ExternalID: f.Get("externalId")}
	if err := f.Faults.Err(); err != nil {
		return q, err
	}
	text := f.Get("cursor")
	if text == "" {
		return q, nil
	}
	cursor, err := parseCursor(text)
	q.Before = &cursor
	return q, err
}

// parseCursor takes only times that a generation can have been created at: a store
// need not cope with the year 200,000.
func parseCursor(text string) (app.Cursor, error) {
	cursor, err := app.ParseCursor(text)
	if year := cursor.CreatedAt.Year(); err != nil || year < 1970 || year > 9999 {
		return app.Cursor{}, wire.NewError(wire.CodeInvalidCursor, "Take the cursor from nextCursor of the page before, as it is.",
			aigen.FieldError{Location: "query.cursor", Message: "is not a cursor that this service gave out"})
	}
	return cursor, nil
}

func (a *API) get(w http.ResponseWriter, r *http.Request) error {
	id, err := wire.GenerationID(r)
	if err != nil {
		return err
	}
	g, err := a.c.Service.GetGeneration(r.Context(), web.IdentityOf(r.Context()).UserID, id)
	if err != nil {
		return err
	}
	return a.answerGeneration(w, r, g, true)
}

// answerGeneration writes a generation with its ETag; conditional lets a client
// that has it already off with 304.
func (a *API) answerGeneration(w http.ResponseWriter, r *http.Request, g *aigen.Generation, conditional bool) error {
	known, err := a.views.Look(r.Context(), g)
	if err != nil {
		return err
	}
	tag := etag(g, known)
	if conditional {
		w.Header().Set("ETag", tag)
		// It may be kept, and must be asked for again each time.
		w.Header().Set("Cache-Control", "private, no-cache")
		if matches(r.Header.Values("If-None-Match"), tag) {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
	}
	view, err := a.views.Generation(g, known)
	if err != nil {
		return err
	}
	body, err := wire.Marshal(view)
	if err != nil {
		return err
	}
	if conditional && len(body) > wire.LargeAnswer {
		leave, err := wire.EnterLarge(a.large, web.IdentityOf(r.Context()).UserID)
		if err != nil {
			return err
		}
		defer leave()
	}
	wire.WriteBody(w, http.StatusOK, body)
	return nil
}

// etag names a state of a generation. The 2 stands for the shape of the JSON: who
// changes that counts it up.
func etag(g *aigen.Generation, known wire.Facts) string {
	return `"2.` + strconv.FormatInt(g.Version, 10) + "." + strconv.Itoa(known.Stored(g)) + `"`
}

// matches compares weakly, as If-None-Match wants (RFC 9110, 13.1.2).
func matches(header []string, tag string) bool {
	for _, line := range header {
		for candidate := range strings.SplitSeq(line, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || strings.TrimPrefix(candidate, "W/") == tag {
				return true
			}
		}
	}
	return false
}

func (a *API) credits(w http.ResponseWriter, r *http.Request) error {
	balance, err := a.c.Service.GetCredits(r.Context(), web.IdentityOf(r.Context()).UserID)
	if err != nil {
		return err
	}
	return wire.WriteJSON(w, http.StatusOK, wire.ViewBalance(balance))
}

package odoo

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/httpcall"
	"github.com/creativeflow/aigen/internal/reconcile"
)

// opList is for metrics and errors.
const opList opName = "list"

const reservationsPath = basePath + "reservations"

var _ reconcile.ReservationList = (*Service)(nil)

// Reservations implements app.ReservationList by the extra route that docs/operations.md
// describes. It is beyond the contract: 404 or 405 in JSON is app.ErrNotOffered.
func (s *Service) Reservations(ctx context.Context, q reconcile.ReservationQuery) (reconcile.ReservationPage, error) {
	query := url.Values{}
	set := func(name, value string) {
		if value != "" {
			query.Set(name, value)
		}
	}
	set("state", string(q.State))
	set("cursor", q.Cursor)
	if !q.Since.IsZero() {
		set("since", q.Since.UTC().Format(time.RFC3339Nano))
	}
	if !q.OlderThan.IsZero() {
		set("older_than", q.OlderThan.UTC().Format(time.RFC3339Nano))
	}
	if q.Limit > 0 {
		set("limit", strconv.Itoa(q.Limit))
	}
	var page reconcile.ReservationPage
	offered := true
	v := s.ask(ctx, opList, 1, func() result {
		a, err := s.http.Do(ctx, httpcall.Request{Method: http.MethodGet, Path: reservationsPath, Query: query})
		if err != nil {
			return classifyFault(err)
		}
		var v result
		page, offered, v = judgeReservations(a)
		return v
	})
	if !offered {
		return reconcile.ReservationPage{}, reconcile.ErrNotOffered
	}
	return page, v.err(opList)
}

// judgeReservations reads a page. One reservation that cannot be read makes the whole
// page unusable: what is left out would look like a difference.
func judgeReservations(a httpcall.Answer) (page reconcile.ReservationPage, offered bool, v result) {
	o, isJSON := a.JSON()
	switch {
	case isJSON && (a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed):
		return page, false, done()
	case !isJSON || a.Status != http.StatusOK || errorBodyOf(o).made:
		v := classifyStatus(opList, a, o, isJSON)
		if !v.failed() {
			v.class = classUnavailable // there is no other error here
		}
		return page, true, v
	}
	o = resultObject(o)
	items, ok := o.List("reservations")
	if !ok {
		return page, true, unusable(`the answer lacks "reservations" as a list`)
	}
	for _, raw := range items {
		kept, ok := readReservation(raw)
		if !ok {
			return reconcile.ReservationPage{}, true, unusable("a reservation of the list cannot be read: %s", httpcall.Short(string(raw), 200))
		}
		page.Reservations = append(page.Reservations, kept)
	}
	page.Next = o.Text("next_cursor")
	return page, true, done()
}

func readReservation(raw json.RawMessage) (kept reconcile.KeptReservation, ok bool) {
	var r httpcall.Object
	if json.Unmarshal(raw, &r) != nil {
		return kept, false
	}
	for name, id := range map[string]*aigen.ID{"reference": &kept.Reference, "user_id": &kept.UserID, "generation_id": &kept.GenerationID} {
		var err error
		if *id, err = aigen.ParseID(r.Text(name)); err != nil {
			return kept, false
		}
	}
	amount, err := parseAmount(r["amount"])
	at, err2 := time.Parse(time.RFC3339, r.Text("created_at"))
	if err != nil || err2 != nil || amount < 0 {
		return kept, false
	}
	kept.Amount, kept.CreatedAt = amount, at
	switch state := aigen.ReservationState(r.Text("state")); state {
	case aigen.ReservationHeld, aigen.ReservationDeducted, aigen.ReservationRefunded:
		kept.State = state
		return kept, true
	default:
		return kept, false
	}
}

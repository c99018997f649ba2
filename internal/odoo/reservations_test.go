package odoo_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/reconcile"
)

func keptJSON(reference aigen.ID, changes ...string) string {
	fields := map[string]string{
		"reference": reference.String(), "user_id": newID().String(), "generation_id": newID().String(),
		"amount": "0.50", "state": "held", "created_at": "2026-11-25T12:00:00Z",
	}
	for i := 0; i < len(changes); i += 2 {
		fields[changes[i]] = changes[i+1]
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		panic(err) // texts
	}
	return string(raw)
}

func TestReservationsAreListed(t *testing.T) {
	t.Parallel()
	one, two := newID(), newID()
	since := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	s := connect(t, odoo.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/api/v1/credits/reservations", r.URL.Path)
		assert.Equal(t, http.MethodGet, r.Method)
		assert.Equal(t, "Bearer "+testKey, r.Header.Get("Authorization"))
		q := r.URL.Query()
		assert.Equal(t, "held", q.Get("state"))
		assert.Equal(t, "2026-11-01T00:00:00Z", q.Get("since"))
		assert.Equal(t, "2026-11-02T00:00:00Z", q.Get("older_than"))
		assert.Equal(t, "2", q.Get("limit"))
		if q.Get("cursor") == "" {
			says(200, "application/json", `{"reservations":[`+keptJSON(one)+`],"next_cursor":"c 1"}`)(w, r)
			return
		}
		assert.Equal(t, "c 1", q.Get("cursor"))
		says(200, "application/json", `{"reservations":[`+keptJSON(two, "state", "deducted", "amount", "1.00")+`],"next_cursor":null}`)(w, r)
	}))
	q := reconcile.ReservationQuery{State: aigen.ReservationHeld, Since: since, OlderThan: since.Add(24 * time.Hour), Limit: 2}
	page, err := s.Reservations(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, page.Reservations, 1)
	assert.Equal(t, one, page.Reservations[0].Reference)
	assert.Equal(t, aigen.Credits(50), page.Reservations[0].Amount)
	assert.Equal(t, aigen.ReservationHeld, page.Reservations[0].State)
	assert.Equal(t, "c 1", page.Next)
	q.Cursor = page.Next
	page, err = s.Reservations(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, page.Reservations, 1)
	assert.Equal(t, aigen.ReservationDeducted, page.Reservations[0].State)
	assert.Empty(t, page.Next)
}

func TestReservationsThatAreNotListed(t *testing.T) {
	t.Parallel()
	for name, h := range map[string]http.HandlerFunc{
		"404 in JSON": says(404, "application/json", `{"error":{"code":"not_found","message":"no such route"}}`),
		"405 in JSON": says(405, "application/json", `{"error":"method_not_allowed"}`),
	} {
		_, err := connect(t, odoo.Config{}, h).Reservations(t.Context(), reconcile.ReservationQuery{})
		require.ErrorIs(t, err, reconcile.ErrNotOffered, name)
	}
	bad := func(changes ...string) http.HandlerFunc {
		return says(200, "application/json", `{"reservations":[`+keptJSON(newID())+`,`+keptJSON(newID(), changes...)+`]}`)
	}
	for name, h := range map[string]http.HandlerFunc{
		"a page":            says(404, "text/html", "<html>"),
		"no list":           says(200, "application/json", `{"ok":true}`),
		"an object":         says(200, "application/json", `{"reservations":{}}`),
		"null in the list":  says(200, "application/json", `{"reservations":[null]}`),
		"an error":          says(200, "application/json", `{"error":{"code":"x"}}`),
		"no access":         says(401, "application/json", `{"error":{"code":"access_denied"}}`),
		"a fault":           says(500, "application/json", `{}`),
		"a redirect":        says(303, "text/html", "", "Location", "/web/login"),
		"no reference":      bad("reference", ""),
		"another reference": bad("reference", "INV/2026/1"),
		"no amount":         bad("amount", "half"),
		"less than nothing": bad("amount", "-1.00"),
		"another state":     bad("state", "draft"),
		"no time":           bad("created_at", "yesterday"),
	} {
		_, err := connect(t, odoo.Config{}, h).Reservations(t.Context(), reconcile.ReservationQuery{})
		require.ErrorIs(t, err, aigen.ErrCreditsUnavailable, name)
		require.NotErrorIs(t, err, reconcile.ErrNotOffered, name)
		assert.NotContains(t, err.Error(), testKey, name)
	}
}

// FuzzReservations: a list of any bytes is read as a whole, or not at all.
func FuzzReservations(f *testing.F) {
	f.Add(200, []byte(`{"reservations":[`+keptJSON(newID())+`],"next_cursor":"x"}`))
	f.Add(200, []byte(`{"reservations":[null,1],"next_cursor":5}`))
	f.Add(404, []byte(`{}`))
	f.Add(200, []byte(`{"jsonrpc":"2.0","result":{"reservations":[]}}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		page, offered, err := odoo.JudgeReservations(status, body)
		if (!offered || err != nil) && len(page.Reservations) > 0 {
			t.Fatal("a list that is none has reservations")
		}
		for _, k := range page.Reservations {
			if k.Amount < 0 || k.State == "" || k.CreatedAt.IsZero() {
				t.Fatalf("%+v", k)
			}
		}
	})
}

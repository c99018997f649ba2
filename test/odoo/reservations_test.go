//go:build odoo

package odoo

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/reconcile"
)

// byItself makes what other tests have left a day older, so that the last hour is a test's
// own.
func (s *server) byItself(t *testing.T) (since time.Time) {
	t.Helper()
	_, err := s.db.Exec("UPDATE creativeflow_credit_reservation SET reserved_at = reserved_at - interval '1 day'")
	require.NoError(t, err)
	return time.Now().Add(-time.Hour)
}

// pages reads a whole list and calls between before each page but the first.
func pages(t *testing.T, client *odoo.Service, q reconcile.ReservationQuery, between func()) (all []reconcile.KeptReservation, n int) {
	t.Helper()
	for {
		page, err := client.Reservations(patient(t), q)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Reservations), q.Limit)
		all, n = append(all, page.Reservations...), n+1
		if page.Next == "" {
			return all, n
		}
		require.Len(t, page.Reservations, q.Limit, "only the last page is short")
		require.Less(t, n, 1000, "the list comes to an end")
		q.Cursor = page.Next
		if between != nil {
			between()
		}
	}
}

func byCreation(x, y reconcile.KeptReservation) int {
	return cmp.Or(x.CreatedAt.Compare(y.CreatedAt), strings.Compare(x.Reference.String(), y.Reference.String()))
}

// The service's own client pages through the list while reservations are made and settled.
func TestReservationsAreListed(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	users := m.newUsers(3, "100")
	client := s.client(t, nil)
	q := reconcile.ReservationQuery{Since: s.byItself(t), Limit: 7}

	ctx := patient(t)
	verbs := map[aigen.ReservationState]func(context.Context, app.CreditOperation) error{
		aigen.ReservationDeducted: client.Deduct, aigen.ReservationRefunded: client.Refund, aigen.ReservationHeld: nil,
	}
	want := map[aigen.ID]reconcile.KeptReservation{}
	var wg sync.WaitGroup
	for state, settle := range verbs {
		for i := range 15 {
			op := newOperation(users[i%len(users)], aigen.Credits(25+i))
			want[op.Reference] = reconcile.KeptReservation{CreditOperation: op, State: state}
			wg.Go(func() { // together, so that batches make many at one time
				if assert.NoError(t, client.Reserve(ctx, op)) && settle != nil {
					assert.NoError(t, settle(ctx, op))
				}
			})
		}
	}
	wg.Wait()
	require.ErrorIs(t, client.Reserve(ctx, newOperation(users[0], 1_000_000)), aigen.ErrInsufficientCredits)

	var added []aigen.ID
	got, n := pages(t, client, q, func() {
		if len(added) < 12 {
			for range 3 {
				op := newOperation(users[0], 1)
				require.NoError(t, client.Reserve(ctx, op))
				added = append(added, op.Reference)
			}
		}
	})
	require.Len(t, added, 12)
	require.Equal(t, (len(want)+len(added)+6)/7, n)
	require.True(t, slices.IsSortedFunc(got, byCreation))
	for _, k := range got[:len(want)] {
		w, ok := want[k.Reference]
		require.True(t, ok, "once, and before what was added")
		delete(want, k.Reference)
		w.CreatedAt = k.CreatedAt
		require.Equal(t, w, k)
		require.WithinDuration(t, time.Now(), k.CreatedAt, 10*time.Minute)
	}
	require.Empty(t, want)
	for i, k := range got[len(got)-len(added):] {
		require.Equal(t, added[i], k.Reference)
	}

	for state := range verbs {
		q := q
		q.State = state
		some, _ := pages(t, client, q, nil)
		require.Equal(t, slices.DeleteFunc(slices.Clone(got), func(k reconcile.KeptReservation) bool { return k.State != state }), some)
	}
	// Both bounds are those of the very reservation, to the microsecond.
	from, to := q, q
	from.Since, to.OlderThan = got[20].CreatedAt, got[20].CreatedAt
	later, _ := pages(t, client, from, nil)
	earlier, _ := pages(t, client, to, nil)
	require.Equal(t, got, append(earlier, later...))
	require.Equal(t, got[20].CreatedAt, later[0].CreatedAt)
}

// Refusals are in JSON, and none of them looks like an Odoo that has no such list.
func TestReservationsAreRefused(t *testing.T) {
	s := theOdoo(t)
	for path, code := range map[string]string{
		"reservations?limit=0": "invalid_request", "reservations?state=expired": "invalid_request",
		"reservations?since=yesterday": "invalid_request", "reservations?cursor=x": "invalid_request",
	} {
		a, err := s.raw(http.MethodGet, path, nil)
		require.NoError(t, err)
		require.Equal(t, http.StatusUnprocessableEntity, a.status, a.body)
		require.Contains(t, a.body, `"code": "`+code+`"`)
	}
	a, err := s.raw(http.MethodPost, "reservations", []byte("{}"))
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusMethodNotAllowed, http.MethodGet}, []any{a.status, a.header.Get("Allow")}, a.body)
	for name, client := range map[string]*odoo.Service{
		"a wrong key":    s.client(t, func(c *odoo.Config) { c.Key = strings.Repeat("x", 40) }),
		"a wrong cursor": s.client(t, nil),
	} {
		_, err := client.Reservations(patient(t), reconcile.ReservationQuery{Cursor: "x"})
		require.ErrorIs(t, err, aigen.ErrCreditsUnavailable, name)
		require.NotErrorIs(t, err, reconcile.ErrNotOffered, name)
	}
}

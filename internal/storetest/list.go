package storetest

import (
	"bytes"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

func (w *fixture) list(q app.ListQuery) (ids []aigen.ID) {
	w.t.Helper()
	list, err := w.List(w.ctx, q)
	w.must(err)
	for _, g := range list {
		ids = append(ids, g.ID)
	}
	return ids
}

func testListFilters(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: 10000})
	user, other := w.id(), w.id()
	var made []*aigen.Generation
	for range 4 {
		made = append(made, w.create(user))
		w.create(other)
		w.clock.advance(time.Microsecond)
	}
	w.must(made[2].Cancel(w.policy))
	w.apply(w.change(made[2]))

	ids := func(of ...int) (ids []aigen.ID) {
		for _, i := range of {
			ids = append(ids, made[i].ID)
		}
		return ids
	}
	project := made[1].ProjectID
	for name, tt := range map[string]struct {
		q    app.ListQuery
		want []aigen.ID
	}{
		"newest first":      {app.ListQuery{Limit: 10}, ids(3, 2, 1, 0)},
		"limit":             {app.ListQuery{Limit: 2}, ids(3, 2)},
		"status":            {app.ListQuery{Limit: 10, Status: aigen.StatusCancelled}, ids(2)},
		"no such status":    {app.ListQuery{Limit: 10, Status: aigen.StatusCompleted}, nil},
		"project":           {app.ListQuery{Limit: 10, ProjectID: project}, ids(1)},
		"project, status":   {app.ListQuery{Limit: 10, ProjectID: project, Status: aigen.StatusCancelled}, nil},
		"cursor":            {app.ListQuery{Limit: 10, Before: cursor(made[2])}, ids(1, 0)},
		"cursor and status": {app.ListQuery{Limit: 1, Before: cursor(made[3]), Status: aigen.StatusProcessingSamples}, ids(1)},
		"after the last":    {app.ListQuery{Limit: 10, Before: cursor(made[0])}, nil},
	} {
		tt.q.UserID = user
		require.Equal(t, tt.want, w.list(tt.q), name)
	}
	list, err := w.List(w.ctx, app.ListQuery{UserID: user, Limit: 10})
	w.must(err)
	for _, g := range list {
		require.Equal(t, w.get(g.ID), g)
	}
}

func cursor(g *aigen.Generation) *app.Cursor { return &app.Cursor{CreatedAt: g.CreatedAt, ID: g.ID} }

// Pages of generations with equal times, read while newer and equal ones come in:
// each that was there at the start is seen once.
func testListPages(t *testing.T, open Open) {
	w := setup(t, open, Options{InitialCredits: aigen.MaxCredits})
	user := w.id()
	there := map[aigen.ID]bool{}
	for i := range 23 {
		there[w.create(user).ID] = false
		if i%9 == 8 {
			w.clock.advance(time.Microsecond)
		}
	}
	var stop atomic.Bool
	done := make(chan error, 1)
	go func() {
		var errs []error
		for !stop.Load() {
			errs = append(errs, w.Apply(w.ctx, []*app.Change{w.accepted(user)})...)
		}
		done <- errors.Join(errs...)
	}()

	var last *aigen.Generation
	q := app.ListQuery{UserID: user, Limit: 4}
	for {
		page, err := w.List(w.ctx, q)
		w.must(err)
		if len(page) == 0 {
			break
		}
		for _, g := range page {
			if last != nil {
				require.True(t, comesAfter(g, last), "order of the list")
			}
			if seen, ok := there[g.ID]; ok {
				require.False(t, seen, "seen twice")
				there[g.ID] = true
			}
			last = g
		}
		q.Before = cursor(last)
	}
	stop.Store(true)
	w.must(<-done)
	for id, seen := range there {
		require.True(t, seen, "%s was never seen", id)
	}
}

func comesAfter(g, before *aigen.Generation) bool {
	if c := g.CreatedAt.Compare(before.CreatedAt); c != 0 {
		return c < 0
	}
	return bytes.Compare(g.ID[:], before.ID[:]) < 0
}

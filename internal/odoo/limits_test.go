package odoo_test

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/odoo"
)

// Deductions that all hang leave reservations and balances their places.
func TestSettlementsDoNotStarveReservations(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, odoo.Config{Timeout: time.Hour, Limits: odoo.Limits{Wait: time.Hour}}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/deduct") {
			<-r.Context().Done()
			return
		}
		o.ServeHTTP(w, r)
	}))
	ctx, cancel := context.WithCancel(t.Context())
	hanging := calls(100, func(int) error { return s.Deduct(ctx, operation()) })
	until(t, "deductions in the queue", func() bool { return s.Waiting() == 96 })
	soon, late := context.WithTimeout(t.Context(), time.Minute) // a deduction waits an hour for its turn
	defer late()
	for range 10 {
		require.NoError(t, s.Reserve(soon, operation()))
		_, err := s.Balance(soon, newID())
		require.NoError(t, err)
	}
	cancel()
	for _, err := range hanging() {
		require.ErrorIs(t, err, context.Canceled)
	}
}

// At most so many calls of a kind are under way; the others wait, but not for ever.
func TestPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		s := inMemory(t, odoo.Config{
			Limits: odoo.Limits{Reserves: 3, Settles: 2, Balances: 1, Batches: 4, Wait: 3500 * time.Millisecond},
		}, func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/batch") {
				return answer(404, `{}`), nil
			}
			n := now.Add(1)
			most.Store(max(most.Load(), n))
			time.Sleep(time.Second)
			now.Add(-1)
			return answer(200, `{"can_afford":true,"ok":true,"balance":1,"reserved":0,"available":1}`), nil
		})
		kinds := map[string]struct {
			call   func() error
			places int32
		}{
			"reserve": {func() error { return s.Reserve(t.Context(), operation()) }, 3},
			"deduct":  {func() error { return s.Deduct(t.Context(), operation()) }, 2},
			"balance": {func() error { _, err := s.Balance(t.Context(), newID()); return err }, 1},
		}
		warm := calls(20, func(int) error { return s.Reserve(t.Context(), operation()) }) // learns that there are no batches
		warm()
		for name, k := range kinds {
			most.Store(0)
			started := time.Now()
			byClass := map[string]int{}
			for _, err := range calls(20, func(int) error { return k.call() })() {
				byClass[class(err)]++
				if err != nil {
					require.ErrorContains(t, err, "no turn within 3.5s")
					assert.Equal(t, time.Second, retryAfter(t, err))
				}
			}
			assert.Equal(t, k.places, most.Load(), name)
			assert.Equal(t, map[string]int{"done": int(4 * k.places), "unavailable": 20 - int(4*k.places)}, byClass, name)
			assert.Equal(t, 4*time.Second, time.Since(started), name)
			assert.Equal(t, "closed", s.State().Breaker, "waiting in vain is not Odoo's fault")
		}
	})
}

func TestFullQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{hang: true}
		s := inMemory(t, odoo.Config{Limits: odoo.Limits{Batches: 1, Queue: 10}}, c.answer)
		ctx, cancel := context.WithCancel(t.Context())
		end := calls(11, func(int) error { return s.Deduct(ctx, operation()) })
		synctest.Wait()
		started := time.Now()
		err := s.Deduct(ctx, operation())
		assert.Equal(t, "unavailable", class(err))
		require.ErrorContains(t, err, "10 operations are waiting")
		assert.Zero(t, time.Since(started))
		cancel()
		end()
	})
}

// A body that drips is cut off when the call's time is over.
func TestSlowBody(t *testing.T) {
	t.Parallel()
	s := connect(t, odoo.Config{Timeout: 200 * time.Millisecond}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-tick.C:
			}
		}
	}))
	err := s.Deduct(t.Context(), operation())
	assert.Equal(t, "unavailable", class(err))
	require.ErrorContains(t, err, "no answer within 200ms")
}

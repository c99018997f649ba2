package web_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/web"
)

func TestPlacesAreOfEachUser(t *testing.T) {
	t.Parallel()
	p := web.NewPlaces(2)
	one, other := aigen.ID{1}, aigen.ID{2}
	leave, ok := p.Enter(one)
	require.True(t, ok)
	_, ok = p.Enter(one)
	require.True(t, ok)
	_, ok = p.Enter(one)
	require.False(t, ok, "two is all")
	_, ok = p.Enter(other)
	require.True(t, ok, "another user has places of their own")
	leave()
	leave() // once is all that counts
	_, ok = p.Enter(one)
	require.True(t, ok)
	_, ok = p.Enter(one)
	require.False(t, ok)
}

func TestLifetimeEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		service, stop := context.WithCancelCause(context.Background())
		forever := web.Identity{UserID: aigen.ID{1}}
		anHour := web.Identity{UserID: aigen.ID{1}, ExpiresAt: time.Now().Add(time.Hour)}

		ctx, cancel := web.Lifetime(t.Context(), service, anHour, time.Now())
		defer cancel()
		time.Sleep(time.Hour - time.Second)
		require.NoError(t, ctx.Err())
		time.Sleep(time.Second)
		synctest.Wait()
		require.ErrorIs(t, context.Cause(ctx), web.ErrTokenExpired)

		late, cancel := web.Lifetime(t.Context(), service, anHour, time.Now())
		defer cancel()
		require.ErrorIs(t, context.Cause(late), web.ErrTokenExpired, "at once")

		request, hangUp := context.WithCancel(t.Context())
		gone, cancel := web.Lifetime(request, service, forever, time.Now())
		defer cancel()
		hangUp()
		require.ErrorIs(t, gone.Err(), context.Canceled)

		stopped, cancel := web.Lifetime(t.Context(), service, forever, time.Now())
		defer cancel()
		stop(nil)
		synctest.Wait()
		require.ErrorIs(t, context.Cause(stopped), web.ErrStopping)
	})
}

// slow has an event every ten seconds.
type slow struct{ left int }

var errOver = errors.New("no more")

func (s *slow) Next(ctx context.Context) (aigen.Event, error) {
	if s.left == 0 {
		return aigen.Event{}, errOver
	}
	select {
	case <-ctx.Done():
		return aigen.Event{}, ctx.Err()
	case <-time.After(10 * time.Second):
		s.left--
		return aigen.Event{Seq: int64(s.left)}, nil
	}
}

func TestPump(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var seen []int64
		beats := 0
		event := func(e aigen.Event) error { seen = append(seen, e.Seq); return nil }
		beat := func() error { beats++; return nil }
		err := web.Pump(t.Context(), &slow{left: 3}, time.Minute, event, beat)
		require.ErrorIs(t, err, errOver)
		assert.Equal(t, []int64{2, 1, 0}, seen)
		assert.Zero(t, beats)

		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second)
		defer cancel()
		err = web.Pump(ctx, &slow{left: 1}, 9*time.Second, event, beat) // its event never comes within the interval
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, 3, beats)

		err = web.Pump(t.Context(), &slow{left: 1}, time.Second, event, func() error { return errOver })
		require.ErrorIs(t, err, errOver, "a beat that cannot be written ends the stream")
	})
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	ask := func(name, id string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set(name, id)
		return web.NewRequestID(r)
	}
	assert.Equal(t, "a.B_1:2-3", ask("X-Request-Id", "a.B_1:2-3"))
	assert.Equal(t, "mine", ask("X-Correlation-Id", "mine"))
	for _, id := range []string{"", "a b", "a\tb", "ü", "\"", strings.Repeat("x", 129)} {
		got := ask("X-Request-Id", id)
		assert.NotEqual(t, id, got)
		assert.True(t, web.SaneRequestID(got))
	}
	assert.Empty(t, web.RequestID(t.Context()), "outside of a request")
	ctx := web.WithInfo(t.Context(), &web.RequestInfo{ID: "7", Identity: web.Identity{Roles: []string{web.RoleOperator}}})
	assert.Equal(t, "7", web.RequestID(ctx))
	assert.True(t, web.IdentityOf(ctx).Operator())
}

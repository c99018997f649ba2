package odoo_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
)

// counter is a network that answers by what it is set to, in no time.
type counter struct {
	mu     sync.Mutex
	n      int
	status int
	body   string
	err    error
	hang   bool
}

func (c *counter) set(f func(*counter)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(c)
}

func (c *counter) calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

func (c *counter) answer(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.n++
	status, body, err, hang := c.status, c.body, c.err, c.hang
	c.mu.Unlock()
	if hang {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	return answer(status, body), nil
}

const yes = `{"can_afford":true,"ok":true}`

func retryAfter(t *testing.T, err error) time.Duration {
	t.Helper()
	var hint interface{ RetryAfter() time.Duration }
	require.ErrorAs(t, err, &hint)
	return hint.RetryAfter()
}

// closed → open → half-open → open → half-open → closed, by the clock.
func TestBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{err: errors.New("connection refused")}
		log, m := &lines{}, &record{}
		s := inMemory(t, odoo.Config{Log: log.logger(), Metrics: m}, c.answer)
		deduct := func() error { return s.Deduct(t.Context(), operation()) }
		for range 5 {
			assert.Equal(t, "closed", s.State().Breaker)
			assert.Equal(t, "unavailable", class(deduct()))
		}
		require.Equal(t, 5, c.calls())
		st := s.State()
		assert.Equal(t, "open", st.Breaker)
		assert.Equal(t, 5*time.Second, st.RetryIn)
		assert.Equal(t, "connection refused", st.Reason)

		time.Sleep(2 * time.Second)
		for name, f := range map[string]func() error{
			"deduct":  deduct,
			"reserve": func() error { return s.Reserve(t.Context(), operation()) },
			"balance": func() error { _, err := s.Balance(t.Context(), newID()); return err },
		} {
			before := time.Now()
			err := f()
			assert.Equal(t, "unavailable", class(err), name)
			assert.Equal(t, 3*time.Second, retryAfter(t, err), name)
			assert.Zero(t, time.Since(before), "at once")
			assert.ErrorIs(t, err, app.ErrNotAsked, name)
		}
		require.Equal(t, 5, c.calls(), "nobody was asked")

		time.Sleep(3*time.Second + time.Millisecond)
		assert.Equal(t, "half-open", s.State().Breaker)
		require.Error(t, deduct())
		assert.Equal(t, 6, c.calls(), "one is tried")
		assert.Equal(t, "open", s.State().Breaker)

		time.Sleep(5*time.Second + time.Millisecond)
		c.set(func(c *counter) { c.hang = true })
		probe := calls(1, func(int) error { return deduct() })
		synctest.Wait()
		require.Equal(t, "unavailable", class(deduct()), "while one is tried, the others are not")
		assert.Equal(t, 7, c.calls())
		require.Error(t, probe()[0])
		assert.Equal(t, "open", s.State().Breaker)

		time.Sleep(5*time.Second + time.Millisecond)
		c.set(func(c *counter) { c.hang, c.err, c.status, c.body = false, nil, 200, yes })
		require.NoError(t, deduct())
		st = s.State()
		assert.Equal(t, odoo.State{Breaker: "closed", Batching: true}, st)
		require.NoError(t, s.Reserve(t.Context(), operation()))
		assert.Equal(t, []string{"closed", "open", "half-open", "open", "half-open", "open", "half-open", "closed"}, m.states())
		assert.Equal(t, 3, strings.Count(log.String(), "left alone"))
		assert.Equal(t, 1, strings.Count(log.String(), "answers again"))
	})
}

// A reservation that was sent, and whose second try the breaker stopped, may be held:
// that it was not asked for must not be said.
func TestStoppedAfterACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{status: 503, body: `{}`}
		s := inMemory(t, odoo.Config{}, c.answer)
		for range 4 {
			require.Error(t, s.Deduct(t.Context(), operation()))
		}
		err := s.Reserve(t.Context(), operation())
		assert.Equal(t, "unavailable", class(err))
		assert.Equal(t, 5, c.calls(), "sent once; the second try was stopped")
		assert.Equal(t, "open", s.State().Breaker)
		require.NotErrorIs(t, err, app.ErrNotAsked)
		assert.ErrorIs(t, s.Reserve(t.Context(), operation()), app.ErrNotAsked)
	})
}

// Refusals and permanent faults are answers: they open nothing. A caller that leaves
// says nothing either.
func TestWhatDoesNotOpenTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{status: 402, body: `{}`}
		s := inMemory(t, odoo.Config{}, c.answer)
		for _, status := range []int{402, 409, 422} {
			c.set(func(c *counter) { c.status = status })
			for range 50 {
				require.Error(t, s.Reserve(t.Context(), operation()))
			}
		}
		c.set(func(c *counter) { c.hang = true })
		for range 50 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(8*time.Second, cancel)
			require.ErrorIs(t, s.Reserve(ctx, operation()), context.Canceled)
		}
		for range 50 { // these had no time left from the start
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			require.Error(t, s.Deduct(ctx, operation()))
			cancel()
		}
		assert.Equal(t, 250, c.calls())
		assert.Equal(t, "closed", s.State().Breaker)
	})
}

// A service that hangs is found out, also where the caller's own deadline is the
// same as that of the call.
func TestHangingServiceOpensTheBreaker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{hang: true}
		s := inMemory(t, odoo.Config{Timeout: 10 * time.Second}, c.answer)
		started := time.Now()
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			err := s.Reserve(ctx, operation())
			cancel()
			require.Equal(t, "unavailable", class(err))
		}
		assert.Equal(t, 5, c.calls(), "a slow call is not made again for the same caller")
		assert.Equal(t, 50*time.Second, time.Since(started))
		synctest.Wait()
		assert.Equal(t, "open", s.State().Breaker)
	})
}

// Where half of the calls fail, the breaker opens without a row of failures; where
// less do, it does not.
func TestBreakerByShare(t *testing.T) {
	t.Parallel()
	for good, want := range map[int]string{1: "open", 2: "closed"} {
		synctest.Test(t, func(t *testing.T) {
			c := &counter{}
			s := inMemory(t, odoo.Config{}, c.answer)
			for i := range 60 {
				c.set(func(c *counter) { c.status, c.body = 200, yes })
				if i%(good+1) == good {
					c.set(func(c *counter) { c.status, c.body = 503, `{}` })
				}
				_ = s.Deduct(t.Context(), operation())
				time.Sleep(10 * time.Millisecond)
			}
			assert.Equal(t, want, s.State().Breaker)
		})
	}
}

// Operations that are queued behind calls that hang learn at once that it is over.
func TestOpenBreakerEmptiesTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &counter{hang: true}
		s := inMemory(t, odoo.Config{Limits: odoo.Limits{Batches: 2, Wait: time.Hour}}, c.answer)
		end := calls(50, func(int) error { return s.Reserve(t.Context(), operation()) })
		synctest.Wait()
		require.Equal(t, 48, s.Waiting())
		c.set(func(c *counter) { c.hang, c.err = false, errors.New("connection refused") })
		for s.State().Breaker == "closed" {
			_ = s.Deduct(t.Context(), operation())
		}
		started := time.Now()
		synctest.Wait()
		assert.Zero(t, s.Waiting())
		assert.Zero(t, time.Since(started))
		for _, err := range end() {
			assert.Equal(t, "unavailable", class(err))
		}
	})
}

// A batch of nothing but faults is a fault.
func TestFaultyBatchesOpenTheBreaker(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	o.results = func(_ []sentOperation, r []map[string]any) []map[string]any {
		for i := range r {
			r[i] = map[string]any{"reference": r[i]["reference"], "ok": false, "error": map[string]any{"code": "database_down"}}
		}
		return r
	}
	s := connect(t, odoo.Config{Limits: odoo.Limits{Batches: 1, BatchSize: 2}, Breaker: odoo.BreakerConfig{Failures: 3}}, o)
	errs := crowd(t, o, s, s.ReserveOnce, 6, func(int) error { return s.ReserveOnce(background, operation()) })()
	for _, err := range errs {
		assert.Equal(t, "unavailable", class(err))
	}
	assert.Equal(t, "open", s.State().Breaker)
}

// record keeps what metrics are told.
type record struct {
	mu    sync.Mutex
	state []string
	made  []string
}

func (r *record) Call(name, outcome string, _ int, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.made = append(r.made, name+" "+outcome)
}

func (r *record) Breaker(state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = append(r.state, state)
}

func (r *record) states() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.state)
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := &record{}
	o := newRemote(t)
	s := connect(t, odoo.Config{Metrics: m, Limits: odoo.Limits{Batches: 1}, Breaker: odoo.BreakerConfig{Failures: 1}}, o)
	op := operation()
	require.NoError(t, s.Reserve(t.Context(), op))
	require.NoError(t, s.Deduct(t.Context(), op))
	require.Error(t, s.Refund(t.Context(), op))
	_, err := s.Balance(t.Context(), op.UserID)
	require.NoError(t, err)
	o.credit[op.UserID.String()] = 0
	op.Reference = newID()
	require.Error(t, s.Reserve(t.Context(), op))
	o.down = says(503, jsonType, `{}`, "Retry-After", "60")
	require.Error(t, s.Reserve(t.Context(), op))
	assert.Equal(t, []string{
		"reserve ok", "deduct ok", "refund permanent", "balance ok", "reserve refused", "reserve unavailable",
	}, m.made)
	assert.Equal(t, []string{"closed", "open"}, m.states())
}

package odoo_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
)

// crowd begins a call by reserve that hangs at the gate, and then n more, which gather behind
// it as there is one place. end opens the gate and returns their errors.
func crowd(
	t *testing.T, o *remote, s *odoo.Service, reserve func(context.Context, app.CreditOperation) error,
	n int, f func(i int) error,
) (end func() []error) {
	t.Helper()
	o.gate = make(chan struct{})
	first := calls(1, func(int) error { return reserve(background, operation()) })
	until(t, "the first call", func() bool { return len(o.seen()) == 1 })
	rest := calls(n, f)
	until(t, "the crowd", func() bool { return s.Waiting() == n })
	return func() []error {
		close(o.gate)
		require.NoError(t, first()[0])
		return rest()
	}
}

var onePlace = odoo.Config{Limits: odoo.Limits{Batches: 1}}

func TestLoneCallsGoAtOnce(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, onePlace, o)
	for range 3 {
		op := operation()
		require.NoError(t, s.Reserve(t.Context(), op))
		require.NoError(t, s.Deduct(t.Context(), op))
	}
	for _, c := range o.seen() {
		assert.NotContains(t, c.path, "batch")
	}
}

// Calls of different users that come together share one request, and each gets its
// own answer.
func TestCrowdSharesACall(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, onePlace, o)
	ops := make([]app.CreditOperation, 60)
	for i := range ops {
		ops[i] = operation()
		if i%3 == 1 {
			o.credit[ops[i].UserID.String()] = 10
		}
		if i%3 == 2 { // this reference is taken, with other content
			other := ops[i]
			other.Amount++
			require.NoError(t, s.Reserve(t.Context(), other))
		}
	}
	o.calls = nil
	errs := crowd(t, o, s, s.Reserve, len(ops), func(i int) error { return s.Reserve(background, ops[i]) })()
	for i, err := range errs {
		assert.Equal(t, []string{"done", "refused", "permanent"}[i%3], class(err))
	}
	assert.Equal(t, []int{1, 60}, o.sizes())
	batch := o.seen()[1]
	assert.Equal(t, "/api/v1/credits/batch", batch.path)
	for _, op := range batch.ops {
		assert.Equal(t, "reserve", op.Op)
	}
	assert.True(t, s.State().Batching)
}

func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, onePlace, o)
	for _, err := range crowd(t, o, s, s.Reserve, 250, func(int) error { return s.Reserve(background, operation()) })() {
		require.NoError(t, err)
	}
	assert.Equal(t, []int{1, 100, 100, 50}, o.sizes())
}

// Operations of one user share a call in their order; those on one reference never
// share one.
func TestOrder(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, onePlace, o)
	user := newID()
	same := operation()
	var ops []app.CreditOperation
	for i := range 12 {
		op := operation()
		op.UserID = user
		if i%4 == 3 {
			op = same
		}
		ops = append(ops, op)
	}
	o.gate = make(chan struct{})
	first := calls(1, func(int) error { return s.Reserve(background, operation()) })
	until(t, "the first call", func() bool { return len(o.seen()) == 1 })
	var ends []func() []error
	for i, op := range ops { // one by one, so that their order is known
		ends = append(ends, calls(1, func(int) error { return s.Reserve(background, op) }))
		until(t, "the queue", func() bool { return s.Waiting() == i+1 })
	}
	close(o.gate)
	require.NoError(t, first()[0])
	for _, end := range ends {
		require.NoError(t, end()[0])
	}
	require.Equal(t, []int{1, 10, 1, 1}, o.sizes())
	var want []string
	for i, op := range ops {
		if i < 4 || i%4 != 3 {
			want = append(want, op.Reference.String())
		}
	}
	var got []string
	for _, op := range o.seen()[1].ops {
		got = append(got, op.Reference)
	}
	assert.Equal(t, want, got)
	assert.Equal(t, same.Reference.String(), o.seen()[2].ops[0].Reference)
	assert.Equal(t, aigen.Credits(100_00-9*25), o.credit[user.String()])
	assert.Equal(t, aigen.Credits(99_75), o.credit[same.UserID.String()], "held once, asked three times")
}

// Deductions and refunds have a line of their own and share calls with each other.
func TestSettlementsShareACall(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, onePlace, o)
	ops := make([]app.CreditOperation, 9)
	for i := range ops {
		ops[i] = operation()
		require.NoError(t, s.Reserve(t.Context(), ops[i]))
	}
	ops[8] = operation() // never reserved
	o.calls, o.gate = nil, make(chan struct{})
	settle := func(i int) error {
		if i%2 == 0 {
			return s.Deduct(background, ops[i])
		}
		return s.Refund(background, ops[i])
	}
	first := calls(1, func(int) error { return settle(0) })
	until(t, "the first call", func() bool { return len(o.seen()) == 1 })
	rest := calls(8, func(i int) error { return settle(i + 1) })
	until(t, "the others", func() bool { return s.Waiting() == 8 })
	close(o.gate)
	require.NoError(t, first()[0])
	for i, err := range rest() {
		want := "done"
		if i == 7 {
			want = "permanent"
		}
		assert.Equal(t, want, class(err))
	}
	assert.Equal(t, []int{1, 8}, o.sizes())
	for i, op := range ops[:8] {
		assert.Equal(t, []string{"deduct", "refund"}[i%2], o.settled[op.Reference.String()])
	}
}

// Where batches are not offered, the crowd goes one by one, and nobody tries batches
// again until some minutes have passed.
func TestNotOffered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newRemote(t)
		o.noBatch = true
		s := inMemory(t, odoo.Config{Key: testKey, Limits: odoo.Limits{Batches: 1}}, o.transport())
		round := func() []string {
			o.set(func(o *remote) { o.calls, o.gate = nil, make(chan struct{}) })
			end := calls(21, func(int) error { return s.Reserve(background, operation()) })
			synctest.Wait()
			close(o.gate)
			for _, err := range end() {
				require.NoError(t, err)
			}
			var paths []string
			for _, c := range o.seen() {
				paths = append(paths, c.path)
			}
			return paths
		}
		isBatch := func(p string) bool { return strings.HasSuffix(p, "/batch") }
		count := func(paths []string) (n int) {
			for _, p := range paths {
				if isBatch(p) {
					n++
				}
			}
			return n
		}
		paths := round()
		assert.Len(t, paths, 22)
		assert.True(t, isBatch(paths[1]))
		assert.Equal(t, 1, count(paths))
		assert.False(t, s.State().Batching)
		assert.Zero(t, count(round()), "remembered")
		time.Sleep(6 * time.Minute)
		assert.Equal(t, 1, count(round()), "tried again")
		o.noBatch = false
		time.Sleep(6 * time.Minute)
		paths = round()
		assert.Len(t, paths, 2)
		assert.Equal(t, 1, count(paths))
	})
}

// What can be wrong with a batch's results harms those whose results they are, and
// nobody gets another's.
func TestSpoiltResults(t *testing.T) {
	t.Parallel()
	type results = []map[string]any
	tests := map[string]struct {
		spoil func([]sentOperation, results) results
		want  []string // of four operations
	}{
		"one missing at the end": {
			func(_ []sentOperation, r results) results { return r[:3] },
			[]string{"done", "done", "done", "unavailable"},
		},
		"two swapped": {
			func(_ []sentOperation, r results) results { r[1], r[2] = r[2], r[1]; return r },
			[]string{"done", "unavailable", "unavailable", "done"},
		},
		"one too many": {
			func(_ []sentOperation, r results) results { return append(r, r[0]) },
			[]string{"done", "done", "done", "done"},
		},
		"unknown reference": {
			func(_ []sentOperation, r results) results { r[2]["reference"] = newID().String(); return r },
			[]string{"done", "done", "unavailable", "done"},
		},
		"no reference": {
			func(_ []sentOperation, r results) results { delete(r[0], "reference"); return r },
			[]string{"unavailable", "done", "done", "done"},
		},
		"null": {
			func(_ []sentOperation, r results) results { r[3] = nil; return r },
			[]string{"done", "done", "done", "unavailable"},
		},
		"no ok": {
			func(_ []sentOperation, r results) results { delete(r[1], "ok"); return r },
			[]string{"done", "unavailable", "done", "done"},
		},
		"ok as text": {
			func(_ []sentOperation, r results) results { r[1]["ok"] = "true"; return r },
			[]string{"done", "unavailable", "done", "done"},
		},
		"no can_afford": {
			func(_ []sentOperation, r results) results { delete(r[1], "can_afford"); return r },
			[]string{"done", "unavailable", "done", "done"},
		},
		"errors of each kind": {
			func(_ []sentOperation, r results) results {
				for i, code := range []string{"insufficient_credits", "reference_conflict", "database_down", "access_denied"} {
					r[i] = map[string]any{"reference": r[i]["reference"], "ok": false, "error": map[string]any{"code": code}}
				}
				return r
			},
			[]string{"refused", "permanent", "unavailable", "unavailable"},
		},
		"none at all": {
			func([]sentOperation, results) results { return results{} },
			[]string{"unavailable", "unavailable", "unavailable", "unavailable"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newRemote(t)
			s := connect(t, onePlace, o)
			ops := []app.CreditOperation{operation(), operation(), operation(), operation()}
			o.gate = make(chan struct{})
			first := calls(1, func(int) error { return s.Deduct(background, operation()) })
			until(t, "the first call", func() bool { return len(o.seen()) == 1 })
			var ends []func() []error
			for i, op := range ops {
				// Through the line of settlements, which tries once.
				ends = append(ends, calls(1, func(int) error { return s.ReserveOnce(background, op) }))
				until(t, "the queue", func() bool { return s.Waiting() == i+1 })
			}
			o.results = func(ops []sentOperation, r []map[string]any) []map[string]any { return tt.spoil(ops, r) }
			close(o.gate)
			assert.Equal(t, "permanent", class(first()[0]), "never reserved")
			for i, end := range ends {
				assert.Equal(t, tt.want[i], class(end()[0]), "operation %d", i)
			}
		})
	}
}

// What is answered to a batch as a whole.
func TestWholeBatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer   http.HandlerFunc
		want     string // each operation's
		batching bool
	}{
		"404 in JSON":         {says(404, jsonType, `{}`), "alone", false},
		"405 in JSON":         {says(405, jsonType, `{"error":"method_not_allowed"}`), "alone", false},
		"400, one is bad":     {says(400, jsonType, `{"error":{"code":"invalid_amount"}}`), "alone", true},
		"422":                 {says(422, jsonType, `{}`), "alone", true},
		"409":                 {says(409, jsonType, `{}`), "alone", true},
		"402":                 {says(402, jsonType, `{}`), "alone", true},
		"404 as a page":       {says(404, htmlType, page), "unavailable", false},
		"500 as a page":       {says(500, htmlType, page), "unavailable", false},
		"200 without list":    {says(200, jsonType, `{"ok":true}`), "unavailable", false},
		"200 with an error":   {says(200, jsonType, `{"error":{"code":"mystery"}}`), "unavailable", false},
		"401":                 {says(401, jsonType, `{}`), "unavailable", true},
		"503":                 {says(503, jsonType, `{}`, "Retry-After", "60"), "unavailable", true},
		"302":                 {says(302, htmlType, "", "Location", "/web/login"), "unavailable", true},
		"200, results null":   {says(200, jsonType, `{"results":null}`), "unavailable", false},
		"200, results object": {says(200, jsonType, `{"results":{}}`), "unavailable", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newRemote(t)
			s := connect(t, onePlace, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/batch") {
					tt.answer(w, r)
					return
				}
				o.ServeHTTP(w, r)
			}))
			errs := crowd(t, o, s, s.ReserveOnce, 5, func(int) error { return s.ReserveOnce(background, operation()) })()
			for _, err := range errs {
				if tt.want == "alone" {
					require.NoError(t, err)
				} else {
					assert.Equal(t, tt.want, class(err))
				}
			}
			if tt.want == "alone" {
				assert.Equal(t, []int{1, 1, 1, 1, 1, 1}, o.sizes())
			}
			assert.Equal(t, tt.batching, s.State().Batching)
		})
	}
}

// A caller that leaves takes nobody along, and one that leaves while it is queued is
// not sent.
func TestLeavingACrowd(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, onePlace, o)
	queued, leaveQueue := context.WithCancel(t.Context())
	shared, leaveCall := context.WithCancel(t.Context())
	gone, left := operation(), operation()
	end := crowd(t, o, s, s.Reserve, 10, func(i int) error {
		switch i {
		case 0:
			return s.Reserve(queued, gone)
		case 1:
			return s.Reserve(shared, left)
		}
		return s.Reserve(background, operation())
	})
	leaveQueue()
	until(t, "one is gone", func() bool { return s.Waiting() == 9 })
	o.set(func(o *remote) {
		o.afterwork = func(http.ResponseWriter, *http.Request) { leaveCall() } // the batch is being answered
	})
	for i, err := range end() {
		switch i {
		case 0:
			require.ErrorIs(t, err, context.Canceled)
		case 1:
			// The answer may have come first.
		default:
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []int{1, 9}, o.sizes())
	assert.NotContains(t, o.first, gone.Reference.String())
	assert.Contains(t, o.first, left.Reference.String(), "its call went on")
}

// When all have left, the call is given up.
func TestAllLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cut := make(chan error, 200)
		s := inMemory(t, odoo.Config{Limits: odoo.Limits{Batches: 1}}, func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			cut <- r.Context().Err()
			return nil, r.Context().Err()
		})
		ctx, cancel := context.WithCancel(t.Context())
		end := calls(200, func(int) error { return s.Reserve(ctx, operation()) })
		synctest.Wait()
		cancel()
		for _, err := range end() {
			require.ErrorIs(t, err, context.Canceled)
		}
		require.ErrorIs(t, <-cut, context.Canceled)
		synctest.Wait()
		// The end reaches them one after the other: a call may begin for one that has not
		// heard of it yet. Of 200 in batches of 100 that is two more at the most.
		assert.LessOrEqual(t, len(cut), 2, "the others were still queued")
		assert.Equal(t, "closed", s.State().Breaker)
	})
}

// Hundreds at once, over real connections, with the answers of each checked.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	o := newRemote(t)
	s := connect(t, odoo.Config{}, o)
	poor := map[int]bool{}
	ops := make([]app.CreditOperation, 400)
	for i := range ops {
		ops[i] = operation()
		if i%7 == 0 {
			poor[i] = true
			o.credit[ops[i].UserID.String()] = 24
		}
	}
	life := func(i int) error {
		if err := s.Reserve(background, ops[i]); err != nil {
			return err
		}
		if i%2 == 0 {
			return s.Deduct(background, ops[i])
		}
		return s.Refund(background, ops[i])
	}
	for i, err := range calls(len(ops), life)() {
		want := "done"
		if poor[i] {
			want = "refused"
		}
		require.Equal(t, want, class(err), "operation %d", i)
	}
	for i, op := range ops {
		want := []aigen.Credits{99_75, 100_00}[i%2]
		if poor[i] {
			want = 24
		}
		assert.Equal(t, want, o.credit[op.UserID.String()])
	}
}

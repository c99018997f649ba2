//go:build odoo

package odoo

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
)

const (
	calls       = 2000
	concurrency = 16
)

// TestMoneyRule makes 2,000 calls, half of them repeats, over twenty accounts and over
// one, with batches and without. What the client was told is what Odoo has.
func TestMoneyRule(t *testing.T) {
	s := theOdoo(t)
	for name, c := range map[string]struct {
		accounts int
		change   func(*odoo.Config)
	}{
		"20 accounts":               {20, nil},
		"one account":               {1, nil},
		"20 accounts, single calls": {20, alone},
		"one account, single calls": {1, alone},
	} {
		t.Run(name, func(t *testing.T) {
			m := s.manager(t)
			// Towards the end there is not enough for everybody.
			granted := aigen.Credits(30_000 / c.accounts)
			w := newWork(t, s.client(t, c.change), m.newUsers(c.accounts, granted.String()), granted)
			w.run(calls)
			w.check(t, s)
			m.audit()
		})
	}
}

// work is what goes on between the client and Odoo, and what the client was told.
type work struct {
	t       *testing.T
	client  *odoo.Service
	users   []aigen.ID
	granted aigen.Credits

	made  atomic.Int64
	mu    sync.Mutex
	ended map[aigen.ID]end // by reference
}

// end is what the client knows of a run.
type end struct {
	op    app.CreditOperation
	state string
}

func newWork(t *testing.T, client *odoo.Service, users []aigen.ID, granted aigen.Credits) *work {
	return &work{t: t, client: client, users: users, granted: granted, ended: map[aigen.ID]end{}}
}

// run makes n calls, 16 at a time, and tells how long it took.
func (w *work) run(n int64) {
	began := time.Now()
	var wg sync.WaitGroup
	for range concurrency {
		wg.Go(func() {
			for w.made.Load() < n && !w.t.Failed() {
				w.one()
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	w.t.Logf("%d calls over %d accounts in %s: %.0f/s", w.made.Load(), len(w.users), took.Round(time.Millisecond),
		float64(w.made.Load())/took.Seconds())
}

// one is the life of a run: each of its calls is made twice, one after the other or both
// at once.
func (w *work) one() {
	op := newOperation(w.users[rand.IntN(len(w.users))], aigen.Credits(25+rand.IntN(200)))
	state := "refused"
	switch err := w.twice(w.client.Reserve, op); {
	case err == nil:
		verb := w.client.Deduct
		if state = "deducted"; rand.IntN(3) == 0 {
			verb, state = w.client.Refund, "refunded"
		}
		if !assert.NoError(w.t, w.twice(verb, op)) {
			return
		}
	case !assert.ErrorIs(w.t, err, aigen.ErrInsufficientCredits):
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[op.Reference] = end{op, state}
}

func (w *work) twice(verb func(context.Context, app.CreditOperation) error, op app.CreditOperation) error {
	var first, second error
	if rand.IntN(2) == 0 {
		var wg sync.WaitGroup
		wg.Go(func() { second = w.insist(verb, op) })
		first = w.insist(verb, op)
		wg.Wait()
	} else {
		first = w.insist(verb, op)
		second = w.insist(verb, op)
	}
	assert.Equal(w.t, describe(first), describe(second), "a repeat gets the first answer")
	return first
}

// insist repeats a call until there is an answer, as the outbox does.
func (w *work) insist(verb func(context.Context, app.CreditOperation) error, op app.CreditOperation) error {
	w.made.Add(1)
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		err := verb(context.Background(), op)
		if !errors.Is(err, aigen.ErrCreditsUnavailable) || time.Now().After(deadline) {
			return err
		}
	}
}

// check compares what the client was told with Odoo's database.
func (w *work) check(t *testing.T, s *server) {
	t.Helper()
	spent := map[aigen.ID]aigen.Credits{}
	counts := map[string]int{}
	for reference, e := range w.ended {
		require.Equal(t, e.state, s.state(t, reference))
		counts[e.state]++
		if e.state == "deducted" {
			spent[e.op.UserID] += e.op.Amount
		}
	}
	for _, user := range w.users {
		balance, reserved := s.account(t, user)
		require.Equal(t, w.granted-spent[user], balance)
		require.Zero(t, reserved, "everything was settled")
	}
	t.Logf("runs: %v", counts)
	for _, state := range []string{"deducted", "refunded", "refused"} {
		require.Positive(t, counts[state], state)
	}
}

// TestBatchThroughput is why there are batches.
func TestBatchThroughput(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	users := m.newUsers(20, "100000")
	rate := func(name string, callers, each int, change func(*odoo.Config)) {
		client := s.client(t, change)
		began := time.Now()
		var wg sync.WaitGroup
		for range callers {
			wg.Go(func() {
				for range each {
					assert.NoError(t, client.Reserve(context.Background(), newOperation(users[rand.IntN(len(users))], 1)))
				}
			})
		}
		wg.Wait()
		t.Logf("%s: %d reservations by %d callers: %.0f/s", name, callers*each, callers, float64(callers*each)/time.Since(began).Seconds())
	}
	rate("single calls", concurrency, 40, alone)
	rate("batches", 128, 40, nil)
	rate("batches", concurrency, 100, nil)
	m.audit()
}

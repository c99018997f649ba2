//go:build odoo

package odoo

import (
	"context"
	"database/sql"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/odoo"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// held keeps an account locked, as a slow transaction of somebody else's would.
func (s *server) held(t *testing.T, user aigen.ID) (release func()) {
	t.Helper()
	tx, err := s.db.BeginTx(context.Background(), &sql.TxOptions{})
	require.NoError(t, err)
	_, err = tx.Exec("SELECT 1 FROM creativeflow_credit_account WHERE user_uuid = $1 FOR UPDATE", user.String())
	require.NoError(t, err)
	var once sync.Once
	release = func() { once.Do(func() { assert.NoError(t, tx.Rollback()) }) }
	t.Cleanup(release)
	return release
}

// waiters is how many of Odoo's connections wait for a lock.
func (s *server) waiters(t *testing.T) int {
	t.Helper()
	var n int
	require.NoError(t, s.db.QueryRow(
		"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n))
	return n
}

// A client that gave up does not know that its call was carried out. The same reference
// again tells, and nothing is done twice.
func TestClientGaveUp(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	user := m.newUsers(1, "10")[0]
	hasty := s.client(t, func(c *odoo.Config) { c.Timeout = 500 * time.Millisecond })
	client := s.client(t, nil)
	op := newOperation(user, 250)
	for _, step := range []struct {
		name         string
		hasty, again func(context.Context, app.CreditOperation) error
		state        string
	}{
		{"reserve", hasty.Reserve, client.Reserve, "held"},
		{"deduct", hasty.Deduct, client.Deduct, "deducted"},
	} {
		release := s.held(t, user)
		require.ErrorIs(t, step.hasty(patient(t), op), aigen.ErrCreditsUnavailable, step.name)
		require.NotEqual(t, step.state, s.state(t, op.Reference), "Odoo waits")
		release()
		testprogram.Eventually(t, step.name+" is carried out all the same", func() bool { return s.state(t, op.Reference) == step.state })
		require.NoError(t, step.again(patient(t), op))
	}
	balance, reserved := s.account(t, user)
	require.Equal(t, []aigen.Credits{750, 0}, []aigen.Credits{balance, reserved})
	m.audit()
}

// Odoo gives up on a lock before the client gives up on Odoo, and says so in JSON.
func TestLockIsNotWaitedForForEver(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	users := m.newUsers(2, "10")
	release := s.held(t, users[0])
	body := func(user aigen.ID) []byte {
		return []byte(`{"user_id":"` + user.String() + `","amount":"1","generation_id":"` + newID().String() + `","reference":"` + newID().String() + `"}`)
	}
	slow := make(chan rawAnswer, 1)
	go func() {
		a, err := s.raw(http.MethodPost, "check_and_reserve", body(users[0]))
		assert.NoError(t, err)
		slow <- a
	}()
	testprogram.Eventually(t, "the call waits", func() bool { return s.waiters(t) > 0 })
	a, err := s.raw(http.MethodPost, "check_and_reserve", body(users[1]))
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.status, "others are served meanwhile: %s", a.body)
	a = <-slow
	require.Equal(t, http.StatusServiceUnavailable, a.status, a.body)
	require.Equal(t, "1", a.header.Get("Retry-After"))
	require.JSONEq(t, `{"error":{"code":"unavailable","message":"The accounts cannot be reached just now. Try again."}}`, a.body)
	release()
	m.audit()
}

// Odoo is killed and started again in the middle of the calls. Everybody gets an answer
// in the end, and it is the truth.
func TestOdooKilled(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	granted := aigen.Credits(1_500)
	w := newWork(t, s.client(t, func(c *odoo.Config) {
		c.Timeout, c.Breaker.OpenFor = 5*time.Second, 500*time.Millisecond
	}), m.newUsers(10, granted.String()), granted)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.run(1200)
	}()
	for _, after := range []int64{200, 500, 800} {
		testprogram.Eventually(t, "some calls are made", func() bool { return w.made.Load() >= after })
		require.NoError(t, s.kill())
		require.NoError(t, s.start())
	}
	<-done
	w.check(t, s)
	s.manager(t).audit()
}

// PostgreSQL goes and comes back: Odoo answers with pages meanwhile, none of which is
// taken for an answer.
func TestDatabaseAway(t *testing.T) {
	s := theOdoo(t)
	user := s.manager(t).newUsers(1, "10")[0]
	client := s.client(t, func(c *odoo.Config) { c.Breaker.OpenFor = 200 * time.Millisecond })
	op := newOperation(user, 100)
	require.NoError(t, client.Reserve(patient(t), op))
	require.NoError(t, s.postgres.Stop())
	a, err := s.raw(http.MethodGet, "balance?user_id="+user.String(), nil)
	require.NoError(t, err)
	t.Logf("with PostgreSQL away: HTTP %d, %s", a.status, a.header.Get("Content-Type"))
	require.ErrorIs(t, client.Deduct(patient(t), op), aigen.ErrCreditsUnavailable)
	require.NoError(t, s.postgres.Start())
	testprogram.Eventually(t, "Odoo finds its database again", func() bool { return client.Deduct(patient(t), op) == nil })
	balance, reserved := s.account(t, user)
	require.Equal(t, []aigen.Credits{900, 0}, []aigen.Credits{balance, reserved})
}

// What the service says of each way to join the two wrongly.
func TestCheck(t *testing.T) {
	s := theOdoo(t)
	require.NoError(t, s.client(t, nil).Check(patient(t)))
	for says, change := range map[string]func(*odoo.Config){
		"refuses the key":           func(c *odoo.Config) { c.Key = strings.Repeat("x", 40) },
		"there is no credit":        func(c *odoo.Config) { c.BaseURL += "/api/v1/credits/elsewhere/.." },
		"answers HTTP 404 with a":   func(c *odoo.Config) { c.BaseURL += "/odoo-is-elsewhere" },
		"nothing answers at ODOO_S": func(c *odoo.Config) { c.BaseURL = "http://127.0.0.1:1" },
	} {
		err := s.client(t, change).Check(patient(t))
		require.ErrorContains(t, err, says)
	}
	if s.version < 19 {
		require.NoError(t, s.client(t, func(c *odoo.Config) { c.Database = "no_such" }).Check(patient(t)),
			"before Odoo 19 the header is not heeded: db-filter decides")
		return
	}
	err := s.client(t, func(c *odoo.Config) { c.Database = "no_such" }).Check(patient(t))
	require.ErrorContains(t, err, "ODOO_DATABASE")
}

// Every answer that the addon gives by its own rules is what the client takes it for.
func TestVerdicts(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	users := m.newUsers(2, "10")
	for name, change := range map[string]func(*odoo.Config){"together": nil, "alone": alone} {
		t.Run(name, func(t *testing.T) {
			c := s.client(t, change)
			ctx := patient(t)
			var permanent *outbox.PermanentError
			deducted, refunded, never, poor := newOperation(users[0], 10), newOperation(users[0], 10), newOperation(users[0], 10), newOperation(users[0], 1_000_000)
			require.NoError(t, c.Reserve(ctx, deducted))
			require.NoError(t, c.Reserve(ctx, refunded))
			require.NoError(t, c.Deduct(ctx, deducted))
			require.NoError(t, c.Refund(ctx, refunded))
			require.ErrorIs(t, c.Reserve(ctx, poor), aigen.ErrInsufficientCredits)
			other := func(op app.CreditOperation, change func(*app.CreditOperation)) app.CreditOperation {
				change(&op)
				return op
			}
			for says, call := range map[string]func() error{
				"unknown_reference":  func() error { return c.Deduct(ctx, never) },
				"already_deducted":   func() error { return c.Refund(ctx, deducted) },
				"already_refunded":   func() error { return c.Deduct(ctx, refunded) },
				"not_reserved":       func() error { return c.Deduct(ctx, poor) },
				"reference_conflict": func() error { return c.Reserve(ctx, other(deducted, func(o *app.CreditOperation) { o.Amount++ })) },
				"amount_mismatch":    func() error { return c.Deduct(ctx, other(deducted, func(o *app.CreditOperation) { o.Amount++ })) },
				"user_mismatch": func() error {
					return c.Deduct(ctx, other(deducted, func(o *app.CreditOperation) { o.UserID = users[1] }))
				},
				"invalid_amount": func() error { return c.Reserve(ctx, newOperation(users[0], 0)) },
			} {
				err := call()
				require.ErrorAs(t, err, &permanent, says)
				require.ErrorContains(t, err, says)
			}
			// All of it in one call, where calls are sent together.
			var wg sync.WaitGroup
			for range 40 {
				wg.Go(func() { assert.ErrorAs(t, c.Deduct(ctx, newOperation(users[0], 10)), new(*outbox.PermanentError)) })
				op := newOperation(users[1], 1)
				wg.Go(func() { assert.NoError(t, c.Reserve(ctx, op)) })
			}
			wg.Wait()
		})
	}
	b, err := s.client(t, nil).Balance(patient(t), users[1])
	require.NoError(t, err)
	require.Equal(t, app.Balance{Balance: 1000, Reserved: 80, Available: 920}, b)
	m.audit()
}

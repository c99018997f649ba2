//go:build odoo

package odoo

import (
	"fmt"
	"net/http"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// settings join the program to this Odoo.
func (s *server) settings(more ...string) map[string]string {
	all := map[string]string{
		"ODOO_SERVICE_URL": s.url, "ODOO_API_KEY": apiKey, "ODOO_DATABASE": database, "ODOO_TIMEOUT": "30s",
	}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// customer is a user of the service with an account in Odoo.
func (m *manager) customer(credits string) *testprogram.User {
	u := testprogram.NewUser(m.t)
	m.grant(aigen.ID(u.ID), credits)
	return u
}

// holds waits until Odoo has these sums for a user: what is decided travels through the
// outbox.
func (s *server) holds(t *testing.T, u *testprogram.User, balance, reserved aigen.Credits) {
	t.Helper()
	var gotBalance, gotReserved aigen.Credits
	testprogram.Eventually(t, fmt.Sprintf("balance %s, reserved %s", balance, reserved), func() bool {
		gotBalance, gotReserved = s.account(t, aigen.ID(u.ID))
		return gotBalance == balance && gotReserved == reserved
	})
}

func selectFirst(t *testing.T, u *testprogram.User, url, id string) testprogram.Answer {
	t.Helper()
	g, err := u.Get(url, id)
	require.NoError(t, err)
	a, err := u.Post(url, id, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[0].AssetID})
	require.NoError(t, err)
	return a
}

// Whole generations of the real program with its embedded engine: two samples for 0.50
// and a final for 1.00, paid for in Odoo.
func TestCompleted(t *testing.T) {
	s := theOdoo(t)
	for name, databaseURL := range map[string]func() string{
		"SQLite":     func() string { return "" },
		"PostgreSQL": func() string { return testenv.PostgreSQL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			m := s.manager(t)
			p := testprogram.Start(t, t.TempDir(), s.settings("DATABASE_URL", databaseURL()))
			const people, each = 4, 5
			users := make([]*testprogram.User, people)
			for i := range users {
				users[i] = m.customer("20")
				for n := range each {
					a, err := users[i].Create(p.URL, fmt.Sprintf("key-%d", n), "a fox")
					require.NoError(t, err)
					require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
				}
			}
			for _, u := range users {
				for _, g := range u.WaitFor(t, p.URL, "AwaitingSelection", each) {
					require.Equal(t, http.StatusAccepted, selectFirst(t, u, p.URL, g.ID).HTTP)
				}
			}
			for _, u := range users {
				u.WaitFor(t, p.URL, "Completed", each)
				s.holds(t, u, 2000-each*150, 0)
				balance, err := u.Call(http.MethodGet, p.URL+"/api/v1/credits", "", nil)
				require.NoError(t, err)
				require.Equal(t, "12.50", balance.Available, "what Odoo says is what the user is told")
			}
			require.Equal(t, 0, p.Stop())
			m.audit()
		})
	}
}

// What does not complete costs nothing.
func TestNotCompleted(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	engine := testprogram.WebhookEngine(t)
	p := testprogram.Start(t, t.TempDir(), s.settings("N8N_WEBHOOK_URL", engine.URL))

	poor := m.customer("0.49")
	a, err := poor.Create(p.URL, "", "cannot be paid")
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusPaymentRequired, "insufficient_credits"}, []any{a.HTTP, a.Code})
	stranger := testprogram.NewUser(t)
	a, err = stranger.Create(p.URL, "", "nobody knows me")
	require.NoError(t, err)
	require.Equal(t, http.StatusPaymentRequired, a.HTTP, "%s", a.Raw)

	u := m.customer("2")
	begin := func() (string, testprogram.Job) {
		a, err := u.Create(p.URL, "", "a fox")
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
		return a.GenerationID, engine.Next(t)
	}
	id, _ := begin()
	s.holds(t, u, 200, 50)
	a, err = u.Post(p.URL, id, "cancel", "", nil)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, a.HTTP, "%s", a.Raw)
	s.holds(t, u, 200, 0)

	for _, end := range []struct {
		status string
		report map[string]any
	}{
		{"Failed", map[string]any{"status": "failure", "stage": "samples_generated", "error": map[string]any{"code": "broken", "message": "No."}}},
		{"ContentRejected", testprogram.Rejected()},
	} {
		id, job := begin()
		s.holds(t, u, 200, 50)
		code, said, err := job.Report(end.report)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code, said)
		g, err := u.Get(p.URL, id)
		require.NoError(t, err)
		require.Equal(t, end.status, g.Status)
		s.holds(t, u, 200, 0)
	}

	// The samples are paid for and stay so; the final cannot be afforded.
	m.grant(aigen.ID(u.ID), "-1")
	id, job := begin()
	_, _, err = job.Report(job.Success())
	require.NoError(t, err)
	s.holds(t, u, 50, 0)
	require.Equal(t, http.StatusPaymentRequired, selectFirst(t, u, p.URL, id).HTTP)
	s.holds(t, u, 50, 0)
	require.Equal(t, 0, p.Stop())
	m.audit()
}

// Odoo is killed while generations are under way. What was reserved before is settled
// when it is back; new requests are told to come again.
func TestOdooKilledUnderGenerations(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	engine := testprogram.WebhookEngine(t)
	dir := t.TempDir()
	p := testprogram.Start(t, dir, s.settings("N8N_WEBHOOK_URL", engine.URL))
	u := m.customer("5")
	jobs := make([]testprogram.Job, 10)
	for i := range jobs {
		a, err := u.Create(p.URL, "", "a fox")
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
		jobs[i] = engine.Next(t)
	}
	s.holds(t, u, 500, 500)
	require.NoError(t, s.kill())
	a, err := u.Create(p.URL, "", "nobody to ask")
	require.NoError(t, err)
	require.Equal(t, []any{http.StatusServiceUnavailable, "credit_service_unavailable"}, []any{a.HTTP, a.Code})
	for i := range jobs {
		report := jobs[i].Success()
		if i%2 == 0 {
			report = testprogram.Rejected()
		}
		code, said, err := jobs[i].Report(report)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, code, said)
	}
	u.WaitFor(t, p.URL, "AwaitingSelection", 5)
	u.WaitFor(t, p.URL, "ContentRejected", 5)
	p.Kill() // what is owed outlives both
	p = testprogram.Start(t, dir, s.settings("N8N_WEBHOOK_URL", engine.URL))
	require.NoError(t, s.start())
	s.holds(t, u, 250, 0)
	require.Equal(t, 0, p.Stop())
	s.manager(t).audit()
}

// Doctor asks the real Odoo.
func TestDoctor(t *testing.T) {
	s := theOdoo(t)
	path, err := testprogram.Binary()
	require.NoError(t, err)
	dir := t.TempDir()
	for key, says := range map[string]string{apiKey: "Odoo told a balance", "x" + apiKey: "ODOO_API_KEY"} {
		cmd := exec.Command(path, "doctor")
		cmd.Dir, cmd.Env = dir, testprogram.Environment(dir, s.settings("ODOO_API_KEY", key))
		out, err := cmd.CombinedOutput()
		require.Equal(t, key != apiKey, err != nil, "%s", out)
		require.Contains(t, string(out), says)
	}
}

//go:build odoo

package odoo

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// reconciliation is the part of `aigen reconcile --json` that is looked at.
type reconciliation struct {
	Listed                   bool
	Runs, Reservations, Left int
	Differences              []difference
}

type difference struct {
	Kind      string
	Reference aigen.ID
	Mended    bool
}

// joined is a program whose books are compared with Odoo's.
type joined struct {
	*testprogram.Program

	dir      string
	settings map[string]string
	engine   *testprogram.Engine
	user     *testprogram.User
}

// reconcile runs the real command over what was made in the last hour.
func (j *joined) reconcile(t *testing.T, args ...string) (r reconciliation, code int) {
	t.Helper()
	all := append([]string{"reconcile", "--json", "--older-than", "0s", "--since", "1h"}, args...)
	out, code := testprogram.ToolWith(t, j.dir, j.settings, all...)
	line, _, _ := strings.Cut(out, "\n")
	require.NoError(t, json.Unmarshal([]byte(line), &r), out)
	require.True(t, r.Listed, "Odoo lists its reservations")
	return r, code
}

// agree requires that the two sides have the same.
func (j *joined) agree(t *testing.T, runs int) {
	t.Helper()
	r, code := j.reconcile(t)
	require.Zero(t, code, "%+v", r)
	require.Empty(t, r.Differences)
	require.Equal(t, runs, r.Runs)
}

// differ requires this one difference: 6 where it is left, 0 where it is mended.
func (j *joined) differ(t *testing.T, want difference, args ...string) {
	t.Helper()
	r, code := j.reconcile(t, args...)
	require.Equal(t, []difference{want}, r.Differences)
	if want.Mended {
		require.Zero(t, code)
	} else {
		require.Equal(t, 6, code)
	}
}

// begin makes a generation, whose samples for 0.50 Odoo then holds.
func (j *joined) begin(t *testing.T) (testprogram.Job, app.CreditOperation) {
	t.Helper()
	a, err := j.user.Create(j.URL, "", "a fox")
	require.NoError(t, err)
	require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	job := j.engine.Next(t)
	op := app.CreditOperation{UserID: aigen.ID(j.user.ID), Amount: 50}
	op.GenerationID, err = aigen.ParseID(job.GenerationID)
	require.NoError(t, err)
	op.Reference, err = aigen.ParseID(job.RunID)
	require.NoError(t, err)
	return job, op
}

// The books of the two sides are made to differ in each way that needs no restored
// backup, and the real command tells each, and mends what it can.
func TestReconcile(t *testing.T) {
	s := theOdoo(t)
	m := s.manager(t)
	client := s.client(t, nil)
	s.byItself(t)
	database := testenv.PostgreSQL(t)
	j := &joined{dir: t.TempDir(), engine: testprogram.WebhookEngine(t), user: m.customer("10")}
	j.settings = s.settings("N8N_WEBHOOK_URL", j.engine.URL, "DATABASE_URL", database)
	j.Program = testprogram.Start(t, j.dir, j.settings)
	user := aigen.ID(j.user.ID)

	// Beside the running service: one is under way and stays so, one is paid for.
	_, under := j.begin(t)
	job, paid := j.begin(t)
	report(t, &job, job.Success())
	s.becomes(t, paid.Reference, "deducted")
	testprogram.Eventually(t, "nothing is on its way", func() bool { r, _ := j.reconcile(t); return r.Runs == 2 })
	j.agree(t, 2)

	// Held there, and unknown here.
	lost := newOperation(user, 300)
	require.NoError(t, client.Reserve(patient(t), lost))
	j.differ(t, difference{"unknown_here", lost.Reference, false})
	require.Equal(t, "held", s.state(t, lost.Reference), "to look changes nothing")
	j.differ(t, difference{"unknown_here", lost.Reference, true}, "--mend")
	s.has(t, j.user, 950, 50)
	require.Equal(t, "refunded", s.state(t, lost.Reference))
	j.agree(t, 2)

	// Decided here and never sent: the outbox has lost it.
	job, unsent := j.begin(t)
	release := s.held(t, user)
	report(t, &job, job.Success())
	testprogram.Eventually(t, "the call waits", func() bool { return s.waiters(t) > 0 })
	j.Kill()
	testprogram.Eventually(t, "no call waits any more", func() bool { return s.waiters(t) == 0 })
	forget(t, database)
	release()
	require.Equal(t, "held", s.state(t, unsent.Reference))
	j.differ(t, difference{"not_settled_there", unsent.Reference, false})
	j.differ(t, difference{"not_settled_there", unsent.Reference, true}, "--mend")
	require.Equal(t, "deducted", s.state(t, unsent.Reference))
	s.has(t, j.user, 900, 50)
	j.agree(t, 3)

	// Settled otherwise: somebody has deducted what is refunded here. Nothing undoes that.
	j.Program = testprogram.Start(t, j.dir, j.settings)
	job, other := j.begin(t)
	require.NoError(t, client.Deduct(patient(t), other))
	j.differ(t, difference{"settled_there_only", other.Reference, false})
	report(t, &job, testprogram.Rejected())
	testprogram.Eventually(t, "the refund is given up", func() bool {
		r, _ := j.reconcile(t)
		return len(r.Differences) == 1 && r.Differences[0].Kind == "settled_otherwise"
	})
	j.differ(t, difference{"settled_otherwise", other.Reference, false}, "--mend")
	require.Equal(t, "deducted", s.state(t, other.Reference))
	require.Equal(t, "held", s.state(t, under.Reference), "what is under way was left alone by all of it")
	require.Equal(t, 0, j.Stop())
	s.manager(t).audit()
}

func report(t *testing.T, job *testprogram.Job, body map[string]any) {
	t.Helper()
	code, said, err := job.Report(body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, code, said)
}

// becomes waits until Odoo has a reservation in this state.
func (s *server) becomes(t *testing.T, reference aigen.ID, state string) {
	t.Helper()
	testprogram.Eventually(t, state, func() bool { return s.state(t, reference) == state })
}

// has requires these sums now, not in the end.
func (s *server) has(t *testing.T, u *testprogram.User, balance, reserved aigen.Credits) {
	t.Helper()
	gotBalance, gotReserved := s.account(t, aigen.ID(u.ID))
	require.Equal(t, []aigen.Credits{balance, reserved}, []aigen.Credits{gotBalance, gotReserved})
}

// forget removes what the program still has to deliver, as a database that was patched by
// hand might have.
func forget(t *testing.T, databaseURL string) {
	t.Helper()
	db, err := sql.Open("pgx", databaseURL)
	require.NoError(t, err)
	defer db.Close()
	res, err := db.Exec("DELETE FROM deliveries WHERE lane = 'credits'")
	require.NoError(t, err)
	n, err := res.RowsAffected()
	require.NoError(t, err)
	require.EqualValues(t, 1, n)
}

package e2e

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// TestRestoreOfAnOldBackup restores PostgreSQL from a backup, while RabbitMQ and the
// credit service went on: what docs/operations.md promises of such a day. The backup's
// age is what happened after it, not the clock's.
func TestRestoreOfAnOldBackup(t *testing.T) {
	t.Parallel()
	s, odoo := sharedServers(t), startKeptOdoo(t, true)
	settings := map[string]string{
		"DATABASE_URL": s.database, "RABBITMQ_URL": s.broker, "GENERATION_JOB_QUEUE": s.queue,
		"ODOO_SERVICE_URL": odoo.url, "ODOO_API_KEY": "key-of-odoo",
		"LISTEN_ADDR": "127.0.0.1:" + freePort(t), // jobs know where to report, also after the restart
	}
	dir, u := t.TempDir(), testprogram.NewUser(t)
	p := testprogram.Start(t, dir, settings)
	jobs := openQueue(t, s)
	create := func(prompt string) string {
		a, err := u.Create(p.URL, "", prompt)
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
		return a.GenerationID
	}
	samples := func(prompt string) (string, testprogram.Job) {
		id := create(prompt)
		j := jobs.next(id)
		jobs.settle(j, http.StatusOK)
		u.Until(t, p.URL, id, "AwaitingSelection")
		return id, j
	}
	choose := func(id string) {
		g, err := u.Get(p.URL, id)
		require.NoError(t, err)
		a, err := u.Post(p.URL, id, "select-sample", "", map[string]any{"sampleId": g.SampleAssets[0].AssetID})
		require.NoError(t, err)
		require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
	}
	finish := func(id string) {
		choose(id)
		jobs.settle(jobs.next(id), http.StatusOK)
		u.Until(t, p.URL, id, "Completed")
	}

	// Before the backup: one at its end, one that waits for a choice, one in the queue.
	ended, _ := samples("ended")
	finish(ended)
	waiting, _ := samples("waiting")
	queued := create("queued")
	queuedJob := jobs.next(queued)
	settled := func(generation, want string) {
		t.Helper()
		testprogram.Eventually(t, generation+" is "+want+" at the credit service", func() bool { return odoo.states(generation) == want })
	}
	settled(ended, times(2, "deducted"))
	settled(waiting, "deducted")
	backup := filepath.Join(dir, "backup.dump")
	postgresTool(t, "pg_dump", "--format=custom", "--file="+backup, s.database)

	// After it: the same go on, and others come.
	finish(waiting)
	jobs.settle(queuedJob, http.StatusOK)
	u.Until(t, p.URL, queued, "AwaitingSelection")
	lostEnded, _ := samples("lost, ended")
	finish(lostEnded)
	lostQueued := create("lost, in the queue")
	lostJob := jobs.next(lostQueued)
	settled(waiting, times(2, "deducted"))
	settled(queued, "deducted")
	settled(lostEnded, times(2, "deducted"))
	settled(lostQueued, "held")

	// The disaster, and the restore as it is written down.
	p.Kill()
	postgresTool(t, "pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname="+s.database, backup)
	p = testprogram.Start(t, dir, settings)

	for _, id := range []string{lostEnded, lostQueued} {
		a, err := u.Get(p.URL, id)
		require.NoError(t, err)
		assert.Equal(t, http.StatusNotFound, a.HTTP)
	}
	jobs.settle(lostJob, http.StatusNotFound) // the engine works on what nobody knows any more
	// What the engine reported once already it may report again; the restored state takes
	// it, and settling it once more changes nothing at the credit service.
	jobs.settle(queuedJob, http.StatusOK)
	u.Until(t, p.URL, queued, "AwaitingSelection")
	for _, id := range []string{waiting, queued} {
		g, err := u.Get(p.URL, id)
		require.NoError(t, err)
		assert.Equal(t, "AwaitingSelection", g.Status)
	}
	testprogram.Eventually(t, "an empty outbox", func() bool {
		out, code := testprogram.ToolWith(t, dir, settings, "deliveries", "list", "--all", "--lane", "credits")
		return code == 0 && strings.Contains(out, "nothing")
	})

	// To look changes nothing, and says it all.
	found := reconciled(t, dir, settings, 6)
	assert.True(t, found.Listed)
	assert.Equal(t, 4, found.Left)
	assert.Equal(t, map[string]int{
		"unknown_here " + lostQueued: 1, "paid_and_lost " + lostEnded: 2, "paid_and_lost " + waiting: 1,
	}, found.kinds())
	assert.Equal(t, "held", odoo.states(lostQueued))

	found = reconciled(t, dir, settings, 6, "--mend")
	assert.Equal(t, 3, found.Left, "what was paid for and lost is for a person")
	assert.Equal(t, "refunded", odoo.states(lostQueued))
	found = reconciled(t, dir, settings, 6)
	assert.Equal(t, map[string]int{"paid_and_lost " + lostEnded: 2, "paid_and_lost " + waiting: 1}, found.kinds())
	out, code := testprogram.ToolWith(t, dir, settings, "reconcile", "--older-than", "0s")
	assert.Equal(t, 6, code)
	assert.Contains(t, out, "3 differences, 0 mended, 3 left; nothing was changed")
	assert.Contains(t, out, "make it good in the credit service")

	// Life goes on: the choice that was lost is made again, and paid for.
	finish(waiting)
	finish(queued)
	settled(waiting, times(3, "deducted"))
	settled(queued, times(2, "deducted"))
	assert.Equal(t, 3, reconciled(t, dir, settings, 6).Left)
	assert.Equal(t, 0, p.Stop())
	testprogram.AuditPostgresOnly(t, s.database)
}

func openSQL(t *testing.T, driver, source string) *sql.DB {
	t.Helper()
	db, err := sql.Open(driver, source)
	require.NoError(t, err)
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestReconcileAfterOdooLost restores the other side: the credit service forgets what was
// reserved and settled after its own backup.
func TestReconcileAfterOdooLost(t *testing.T) {
	t.Parallel()
	for _, listed := range []bool{true, false} {
		name := map[bool]string{true: "listed", false: "by the contract alone"}[listed]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			odoo := startKeptOdoo(t, listed)
			settings := map[string]string{"DATABASE_URL": testenv.PostgreSQL(t), "ODOO_SERVICE_URL": odoo.url, "ODOO_API_KEY": "key-of-odoo"}
			dir, u := t.TempDir(), testprogram.NewUser(t)
			p := testprogram.Start(t, dir, settings)
			var ids []string
			for range 3 {
				a, err := u.Create(p.URL, "", "a fox")
				require.NoError(t, err)
				require.Equal(t, http.StatusAccepted, a.HTTP, "%s", a.Raw)
				ids = append(ids, a.GenerationID)
				u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
				testprogram.Eventually(t, "deducted", func() bool { return odoo.states(a.GenerationID) == "deducted" })
			}
			require.Equal(t, 0, p.Stop())
			assert.Zero(t, reconciled(t, dir, settings, 0).Left)

			// One settlement is forgotten, and one reservation altogether.
			odoo.mu.Lock()
			for reference, k := range odoo.kept {
				switch k.GenerationID {
				case ids[0]:
					k.State = "held"
				case ids[1]:
					delete(odoo.kept, reference)
					odoo.order = without(odoo.order, reference)
				}
			}
			odoo.mu.Unlock()
			if listed {
				assert.Equal(t, map[string]int{"not_settled_there " + ids[0]: 1, "unknown_there " + ids[1]: 1}, reconciled(t, dir, settings, 6).kinds())
				assert.Equal(t, "held", odoo.states(ids[0]))
				assert.Zero(t, reconciled(t, dir, settings, 0, "--mend").Left)
				assert.Equal(t, times(3, "deducted"), odoo.states(ids[0])+" "+odoo.states(ids[1])+" "+odoo.states(ids[2]))
			} else {
				found := reconciled(t, dir, settings, 6)
				assert.False(t, found.Listed)
				require.Len(t, found.Differences, 1)
				assert.Equal(t, "reserved_sum", found.Differences[0].Kind)
				// The settlement is sent again; of the reservation that is gone the credit
				// service says that it has none.
				assert.Equal(t, map[string]int{"settled_otherwise " + ids[1]: 1}, reconciled(t, dir, settings, 6, "--mend").kinds())
				assert.Equal(t, "deducted", odoo.states(ids[0]))
			}
			assert.Equal(t, "deducted", odoo.states(ids[2]))
		})
	}
}

// times is n reservations in the same state, as keptOdoo.states says it.
func times(n int, state string) string { return strings.TrimSuffix(strings.Repeat(state+" ", n), " ") }

func without(list []string, one string) (rest []string) {
	for _, s := range list {
		if s != one {
			rest = append(rest, s)
		}
	}
	return rest
}

// TestReconcileTheLedger: with the embedded ledger the database is checked against itself.
func TestReconcileTheLedger(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p, u := testprogram.Start(t, dir, nil), testprogram.NewUser(t)
	a, err := u.Create(p.URL, "", "a fox")
	require.NoError(t, err)
	u.Until(t, p.URL, a.GenerationID, "AwaitingSelection")
	out, code := testprogram.ToolWith(t, dir, nil, "reconcile")
	require.Equal(t, 0, code, out)
	assert.Contains(t, out, "0 faults")
	require.Equal(t, 0, p.Stop())
	db := openSQL(t, "sqlite", "file:"+filepath.Join(dir, "aigen.db")+"?_pragma=busy_timeout(10000)")
	_, err = db.Exec("UPDATE accounts SET balance = balance + 1 WHERE balance IS NOT NULL")
	require.NoError(t, err)
	out, code = testprogram.ToolWith(t, dir, nil, "reconcile", "--json")
	assert.Equal(t, 6, code, out)
	assert.Contains(t, out, "account has balance")
}

// report is the part of `aigen reconcile --json` that tests look at.
type report struct {
	Listed      bool
	Left        int
	Differences []struct{ Kind, Reference, GenerationID string }
}

func (r report) kinds() map[string]int {
	n := map[string]int{}
	for _, d := range r.Differences {
		n[d.Kind+" "+d.GenerationID]++
	}
	return n
}

func reconciled(t *testing.T, dir string, settings map[string]string, exit int, args ...string) (r report) {
	t.Helper()
	out, code := testprogram.ToolWith(t, dir, settings, append([]string{"reconcile", "--json", "--older-than", "0s"}, args...)...)
	require.Equal(t, exit, code, out)
	line, _, _ := strings.Cut(out, "\n")
	require.NoError(t, json.Unmarshal([]byte(line), &r), out)
	return r
}

func postgresTool(t *testing.T, name string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// byHand is an engine that takes from the queue what the test asks for.
type byHand struct {
	t    *testing.T
	jobs <-chan amqp.Delivery
	kept map[string][]testprogram.Job // by generation: taken, and not asked for yet
}

func openQueue(t *testing.T, s servers) *byHand {
	t.Helper()
	conn, err := amqp.Dial(s.broker)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	require.NoError(t, err)
	jobs, err := ch.Consume(s.queue, "", true, false, false, false, nil)
	require.NoError(t, err)
	return &byHand{t: t, jobs: jobs, kept: map[string][]testprogram.Job{}}
}

// next waits for a job of the generation.
func (e *byHand) next(generation string) testprogram.Job {
	e.t.Helper()
	for deadline := time.After(time.Minute); ; {
		if list := e.kept[generation]; len(list) > 0 {
			e.kept[generation] = list[1:]
			return list[0]
		}
		select {
		case m := <-e.jobs:
			var j testprogram.Job
			require.NoError(e.t, json.Unmarshal(m.Body, &j))
			e.kept[j.GenerationID] = append(e.kept[j.GenerationID], j)
		case <-deadline:
			require.FailNow(e.t, "no job came")
		}
	}
}

// settle reports that the job went well.
func (e *byHand) settle(j testprogram.Job, want int) {
	e.t.Helper()
	status, body, err := j.Report(j.Success())
	require.NoError(e.t, err)
	require.Equal(e.t, want, status, body)
}

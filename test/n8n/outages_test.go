//go:build n8n

package n8n

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// killed: n8n is killed in the middle of ten jobs. After its start it reports the
// jobs that the end cut off, and the service gives them out again. A job that n8n had
// taken and not yet noted fails by its deadline, and costs nothing.
func killed(t *testing.T, n *instance, s *service) {
	u := testprogram.NewUser(t)
	before, _ := s.reports()
	all := s.order(u, 10, "cut off", "512x512")
	s.inTheMiddle(all)
	n.kill()
	after, _ := s.reports()
	done := len(after) - len(before)
	require.Less(t, done, 10, "n8n was killed too late")
	n.start()
	ends := s.finish(u, all, 8*time.Minute)
	db := s.endedOrTimedOut(u, all, ends)
	t.Logf("%d of 10 jobs had been reported at the kill; in the end: %v; attempts beyond the first: %d", done, ends,
		testprogram.Count(t, db, "SELECT coalesce(sum(json_array_length(jobs::json) - 1), 0) FROM runs WHERE user_id = $1", u.ID))
	require.Positive(t, testprogram.Count(t, db, "SELECT count(*) FROM runs WHERE user_id = $1 AND json_array_length(jobs::json) > 1", u.ID),
		"what was cut off is reported at the start and tried again")
}

// endedOrTimedOut requires that each of these is Completed, or Failed by its deadline, no
// other way, with its credits given back.
func (s *service) endedOrTimedOut(u *testprogram.User, all []generation, ends map[string]int) *sql.DB {
	s.t.Helper()
	db := s.settled()
	require.Equal(s.t, len(all), ends["Completed"]+ends["Failed"], "%v", ends)
	require.Equal(s.t, ends["Failed"], testprogram.Count(s.t, db, "SELECT count(*) FROM runs WHERE user_id = $1 AND reservation = 'refunded'", u.ID))
	for _, g := range all {
		a, err := u.Get(s.URL, g.id)
		require.NoError(s.t, err)
		if a.Status == "Failed" {
			require.Contains(s.t, string(a.Raw), `"code":"timeout"`, "by the deadline, no other way")
		}
	}
	return db
}

// inTheMiddle waits until n8n works on several of these and before it is done with them.
func (s *service) inTheMiddle(all []generation) {
	s.t.Helper()
	eventually(s.t, "n8n is at work", time.Minute, func() bool {
		working := map[string]bool{}
		_, progress := s.reports()
		for _, c := range progress {
			for _, g := range all {
				if c.GenerationID == g.id {
					working[g.id] = true
				}
			}
		}
		return len(working) >= 3
	})
}

// brokerRestarted: RabbitMQ goes and comes back while there is work. Nothing is lost
// and nothing fails.
func brokerRestarted(t *testing.T, broker *testenv.Server, s *service) {
	u := testprogram.NewUser(t)
	all := s.order(u, 10, "before", "128x128")
	s.inTheMiddle(all)
	require.NoError(t, broker.Stop())
	all = append(all, s.order(u, 10, "asked while the broker was away", "128x128")...)
	require.NoError(t, broker.Start())
	require.Equal(t, map[string]int{"Completed": 20}, s.finish(u, all, 8*time.Minute))
	s.settled()
}

// serviceAway: n8n cannot reach the service when it has pictures to report. It tries
// until it can, and no picture is made twice.
func serviceAway(t *testing.T, s *service) {
	u := testprogram.NewUser(t)
	all := s.order(u, 3, "nobody listens", "128x128")
	s.goAway(true)
	// More than the progress of three jobs and the first tries of their reports.
	eventually(t, "n8n tries again", 2*time.Minute, func() bool { return s.goAway(true) > 3*(1+2+3) })
	s.goAway(false)
	require.Equal(t, map[string]int{"Completed": 3}, s.finish(u, all, 4*time.Minute))
	db := s.settled()
	require.Equal(t, 6, testprogram.Count(t, db,
		"SELECT count(*) FROM runs r, json_array_elements(r.jobs::json) j WHERE r.user_id = $1", u.ID), "no second attempt")
}

// restarted: n8n is restarted in good order while there is work. What was asked while it
// was away waits in the queue, and all of that is made. What n8n had taken before is
// acknowledged already: a stop in good order, too, may drop one that n8n has not begun,
// and that one fails by its deadline and costs nothing.
func restarted(t *testing.T, n *instance, s *service) {
	u := testprogram.NewUser(t)
	all := s.order(u, 10, "before", "128x128")
	s.inTheMiddle(all)
	n.stop()
	waiting := s.order(u, 10, "asked while n8n was away", "128x128")
	n.start()
	require.Equal(t, map[string]int{"Completed": 10}, s.finish(u, waiting, 8*time.Minute))
	ends := s.finish(u, all, 8*time.Minute)
	t.Logf("of the ten before the restart: %v", ends)
	s.endedOrTimedOut(u, all, ends)
}

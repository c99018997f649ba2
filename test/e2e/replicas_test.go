package e2e

import (
	"database/sql"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testenv"
	"github.com/creativeflow/aigen/internal/testprogram"
)

// servers are what a replica runs on.
type servers struct{ database, broker, queue, redis string }

func sharedServers(t *testing.T) servers {
	t.Helper()
	broker := testenv.RabbitMQ(t)
	return servers{testenv.PostgreSQL(t), broker, testenv.Queue(t, broker), testenv.Redis(t)}
}

// production is the settings of a replica on these servers.
func production(s servers, n *notifications) map[string]string {
	return map[string]string{
		"DATABASE_URL": s.database, "RABBITMQ_URL": s.broker, "GENERATION_JOB_QUEUE": s.queue, "REDIS_URL": s.redis,
		"NOTIFICATION_SERVICE_URL": n.url, "DATABASE_POOL_SIZE": "6",
		"SAMPLES_TIMEOUT": "2m", "FINAL_TIMEOUT": "2m",
	}
}

// TestReplicasKilled: three replicas under load, one killed every second. They share
// the work, nothing is lost and nothing is done twice.
func TestReplicasKilled(t *testing.T) {
	t.Parallel()
	s, n := sharedServers(t), notificationService(t)
	c := startCluster(t, 3, production(s, n))
	e := startAMQPEngine(t, s)

	const load = 15 * time.Second
	kills := make(chan int)
	go func() { kills <- c.killFor(load, time.Second) }()
	people := crowd(t, 8)
	workFor(t, people, c.url, load)
	killed := <-kills
	generations := c.settle(people, s, n)
	jobs, repeats := e.counts()
	t.Logf("%d kills, %d generations, %d jobs, %d of them seen again", killed, generations, jobs, repeats)
	require.Positive(t, generations)
}

// settle brings everything to an end and judges the whole.
func (c *cluster) settle(people []*person, s servers, n *notifications) (generations int) {
	t := c.t
	t.Helper()
	generations = c.ended(people)
	db := testprogram.AuditPostgres(t, s.database)
	testprogram.Eventually(t, "an empty outbox", func() bool { return testprogram.Count(t, db, "SELECT count(*) FROM deliveries") == 0 })
	testprogram.Eventually(t, "an empty queue", func() bool { return depth(t, s.broker, s.queue) == 0 })
	require.Zero(t, depth(t, s.broker, s.queue+".dead"))
	c.stop()
	testprogram.AuditPostgres(t, s.database)
	c.judge(db, people, n)
	return generations
}

// judge compares the database with what was promised to people, and with what they
// were told.
func (c *cluster) judge(db *sql.DB, people []*person, n *notifications) {
	t := c.t
	require.Zero(t, testprogram.Count(t, db, "SELECT count(*) FROM runs WHERE reservation NOT IN ('deducted','refunded')"))
	require.Zero(t, testprogram.Count(t, db, "SELECT coalesce(sum(held),0) FROM accounts"))
	promised := 0
	for _, p := range people {
		promised += len(p.accepted)
		for key, id := range p.accepted {
			require.Equal(t, 1, testprogram.Count(t, db, "SELECT count(*) FROM generations WHERE id = $1 AND user_id = $2", id, p.ID), "a 202 without a generation")
			require.Equal(t, 1, testprogram.Count(t, db, "SELECT count(*) FROM idempotency_keys WHERE key = $1 AND generation_id = $2", key, id))
		}
	}
	require.Equal(t, promised, testprogram.Count(t, db, "SELECT count(*) FROM generations"), "a repeated request made a second generation")
	types := map[string]string{"Completed": "generation_completed", "Failed": "generation_failed", "Cancelled": "generation_cancelled"}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, row := range testprogram.RowsOf(t, db, "SELECT id::text || ' ' || status FROM generations") {
		id, status := row[:36], row[37:]
		require.NotEmpty(t, types[status], row)
		assert.Len(t, n.told[id+" "+types[status]], 1, "told once of the end, under one key: %s", row)
	}
}

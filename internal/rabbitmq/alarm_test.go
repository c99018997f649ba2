package rabbitmq_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/rabbitmq"
	"github.com/creativeflow/aigen/internal/testenv"
)

// While the broker's memory alarm blocks us, jobs wait without a fault of their own; what
// was in flight goes on after it, and is there once.
func TestMemoryAlarm(t *testing.T) {
	t.Parallel()
	s := testenv.Start(t, testenv.RabbitMQKind())
	// In flight for longer than the broker may take else.
	c := rabbitmq.Config{URL: s.URL(), Queue: "jobs", ConfirmTimeout: time.Second}
	p := open(t, c)
	require.NoError(t, send(t, p, newJob())[0])
	recovered := make(chan struct{}, 10)
	p.OnRecovered(func() { recovered <- struct{}{} })

	require.NoError(t, s.Control("set_vm_memory_high_watermark", "0.0001"))
	inFlight := make(chan error, 1)
	first := newJob()
	p.Publish(t.Context(), []app.JobMessage{first}, func(_ int, err error) { inFlight <- err })
	require.Eventually(t, func() bool { return p.State() != nil }, time.Minute, 10*time.Millisecond)
	require.ErrorIs(t, p.State(), rabbitmq.ErrBlocked)
	require.ErrorContains(t, p.State(), "its memory alarm")
	for _, err := range send(t, p, newJobs(3)...) {
		require.ErrorIs(t, err, outbox.ErrUnavailable)
		require.ErrorIs(t, err, rabbitmq.ErrBlocked)
	}

	checked, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err := rabbitmq.Check(checked, c)
	require.ErrorIs(t, err, rabbitmq.ErrBlocked, "doctor says the same")
	require.NotErrorIs(t, err, rabbitmq.ErrNacked)

	select { // longer than ConfirmTimeout
	case err := <-inFlight:
		require.FailNow(t, "a job in flight has ended during the alarm", "%v", err)
	case <-time.After(3 * time.Second):
	}
	require.ErrorIs(t, p.State(), rabbitmq.ErrBlocked, "nor was the connection left")
	require.NoError(t, s.Control("set_vm_memory_high_watermark", "0.6"))
	<-recovered
	require.NoError(t, <-inFlight)
	require.NoError(t, p.State())
	last := newJob()
	require.NoError(t, send(t, p, last)[0])
	seen := drain(t, s.URL(), "jobs", 3)
	assert.Equal(t, 1, seen[first.JobID.String()])
	assert.Equal(t, 1, seen[last.JobID.String()])
}

// Faults of the connection are none of the jobs that were in flight on it.
func TestLostConnectionIsAway(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	proxy := newProxy(t, url)
	p := open(t, rabbitmq.Config{URL: proxy.url, Queue: queue})
	var connected atomic.Int64
	p.OnRecovered(func() { connected.Add(1) })
	for range 20 {
		ended := make(chan error, 200)
		p.Publish(t.Context(), newJobs(cap(ended)), func(_ int, err error) { ended <- err })
		proxy.cut()
		for range cap(ended) {
			if err := <-ended; err != nil {
				require.ErrorIs(t, err, outbox.ErrUnavailable)
			}
		}
	}
	require.Eventually(t, func() bool { return p.State() == nil }, time.Minute, 10*time.Millisecond)
	require.Positive(t, connected.Load(), "the relay is told of each connection")
	require.NoError(t, send(t, p, newJob())[0])
}

// A job that comes back by reject, 20 times, is a dead letter.
func TestDeliveryLimit(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	p := open(t, rabbitmq.Config{URL: url, Queue: queue})
	job := newJob()
	require.NoError(t, send(t, p, job)[0])
	ch := channel(t, url)
	handed, err := ch.Consume(queue, "", false, false, false, false, nil)
	require.NoError(t, err)
	dead, err := ch.Consume(queue+".dead", "", true, false, false, false, nil)
	require.NoError(t, err)
	for times := 0; ; {
		select {
		case m := <-handed:
			times++
			require.LessOrEqual(t, times, 21)
			require.NoError(t, m.Reject(true))
		case m := <-dead:
			require.Equal(t, job.JobID.String(), m.MessageId)
			require.Equal(t, 21, times, "the first time, and 20 more")
			return
		case <-time.After(time.Minute):
			require.FailNow(t, "it is neither handed out nor dead")
		}
	}
}

// A user that may not configure works on queues that are there.
func TestUserWithoutConfigure(t *testing.T) {
	t.Parallel()
	s := testenv.Start(t, testenv.RabbitMQKind())
	require.NoError(t, s.Control("add_user", "writer", "pass"))
	require.NoError(t, s.Control("set_permissions", "-p", "/", "writer", "^$", ".*", ".*"))
	url := strings.Replace(s.URL(), "guest:guest", "writer:pass", 1)
	for _, exchange := range []string{"", "jobs.exchange"} {
		c := rabbitmq.Config{URL: url, Queue: "jobs" + exchange, Exchange: exchange}
		_, err := rabbitmq.Open(t.Context(), c)
		require.ErrorIs(t, err, rabbitmq.ErrRefused)
		require.ErrorContains(t, err, "no right to configure")
		require.ErrorContains(t, err, `"`+c.Queue+`"`)

		made := c
		made.URL = s.URL()
		open(t, made)
		p := open(t, c)
		require.NoError(t, send(t, p, newJob())[0])
		r, err := rabbitmq.Check(t.Context(), c)
		require.NoError(t, err)
		assert.True(t, r.Unprobed)
		assert.Equal(t, 1, r.Messages)
	}
}

// Close ends what is in flight, also where nobody has begun to keep the connection.
func TestCloseAtOnce(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	p, begin, err := rabbitmq.OpenLate(t.Context(), rabbitmq.Config{URL: url, Queue: testenv.Queue(t, url)})
	require.NoError(t, err)
	jobs := newJobs(300)
	ended := make(chan error, len(jobs))
	p.Publish(t.Context(), jobs, func(_ int, err error) { ended <- err })
	closed := make(chan error, 1)
	p.Stop()
	begin()
	go func() { closed <- p.Close() }()
	require.NoError(t, <-closed)
	for range jobs {
		<-ended
	}
}

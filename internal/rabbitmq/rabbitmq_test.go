package rabbitmq_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/rabbitmq"
	"github.com/creativeflow/aigen/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func newJob() app.JobMessage {
	return app.JobMessage{
		JobID: aigen.ID(uuid.New()), GenerationID: aigen.ID(uuid.New()), Type: outbox.DeliverSampleJob,
		Body: []byte(`{"inputPrompt":"a fox"}`), CreatedAt: time.Now(), TraceParent: trace,
	}
}

func newJobs(n int) []app.JobMessage {
	jobs := make([]app.JobMessage, n)
	for i := range jobs {
		jobs[i] = newJob()
	}
	return jobs
}

func open(t *testing.T, c rabbitmq.Config) *rabbitmq.Publisher {
	t.Helper()
	p, err := rabbitmq.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, p.Close()) })
	return p
}

// send publishes jobs and returns the result of each.
func send(t *testing.T, p *rabbitmq.Publisher, jobs ...app.JobMessage) []error {
	t.Helper()
	results, got := make([]error, len(jobs)), make(chan struct{}, len(jobs)*2)
	p.Publish(t.Context(), jobs, func(i int, err error) {
		results[i] = err
		got <- struct{}{}
	})
	for range jobs {
		select {
		case <-got:
		case <-time.After(time.Minute):
			require.FailNow(t, "a job has no result")
		}
	}
	return results
}

// channel is a connection of the test's own.
func channel(t *testing.T, url string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	require.NoError(t, err)
	return ch
}

func get(t *testing.T, ch *amqp.Channel, queue string) amqp.Delivery {
	t.Helper()
	m, ok, err := ch.Get(queue, true)
	require.NoError(t, err)
	require.True(t, ok, "the queue is empty")
	return m
}

// The message is the one of the contract's section 3, to the property.
func TestMessage(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	for _, exchange := range []string{"", queue + ".exchange"} {
		p := open(t, rabbitmq.Config{URL: url, Queue: queue, Exchange: exchange})
		if exchange != "" {
			t.Cleanup(func() { require.NoError(t, channel(t, url).ExchangeDelete(exchange, false, false)) })
		}
		job := newJob()
		require.NoError(t, send(t, p, job)[0])
		require.NoError(t, p.State())
		m := get(t, channel(t, url), queue)
		assert.Equal(t, "application/json", m.ContentType)
		assert.Equal(t, amqp.Persistent, m.DeliveryMode)
		assert.Equal(t, job.JobID.String(), m.MessageId)
		assert.Equal(t, job.GenerationID.String(), m.CorrelationId)
		assert.Equal(t, "sample_generation", m.Type)
		assert.WithinDuration(t, job.CreatedAt, m.Timestamp, time.Second)
		assert.Equal(t, trace, m.Headers["traceparent"])
		assert.Equal(t, string(job.Body), string(m.Body))
		assert.Equal(t, exchange, m.Exchange)
		assert.Equal(t, queue, m.RoutingKey)
	}
}

// A job that nobody can work on ends with the dead letters.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	p := open(t, rabbitmq.Config{URL: url, Queue: queue})
	job := newJob()
	require.NoError(t, send(t, p, job)[0])
	ch := channel(t, url)
	m, ok, err := ch.Get(queue, false)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, m.Reject(false))
	require.EventuallyWithT(t, func(c *assert.CollectT) {
		dead, ok, err := ch.Get(queue+".dead", true)
		require.NoError(c, err)
		require.True(c, ok)
		assert.Equal(t, job.JobID.String(), dead.MessageId)
	}, time.Minute, 20*time.Millisecond)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	ch := channel(t, url)
	_, err := ch.QueueDeclare(queue, true, false, false, false, nil) // a classic queue
	require.NoError(t, err)
	_, err = rabbitmq.Open(t.Context(), rabbitmq.Config{URL: url, Queue: queue})
	require.ErrorIs(t, err, rabbitmq.ErrMismatch)
	require.ErrorContains(t, err, queue)
	require.ErrorContains(t, err, "GENERATION_JOB_QUEUE")
	require.ErrorContains(t, err, "PRECONDITION_FAILED")

	const password = "s3cret-pass"
	for name, tt := range map[string]struct{ url, says string }{
		"password": {strings.Replace(url, "guest:guest", "guest:"+password, 1), "user or password"},
		"vhost":    {strings.TrimSuffix(url, "/") + "/no-such-vhost", "vhost"},
	} {
		_, err := rabbitmq.Open(t.Context(), rabbitmq.Config{URL: tt.url, Queue: queue})
		require.ErrorIs(t, err, rabbitmq.ErrRefused, name)
		require.ErrorContains(t, err, tt.says, name)
		require.NotContains(t, err.Error(), password)
		_, err = rabbitmq.Check(t.Context(), rabbitmq.Config{URL: tt.url, Queue: queue})
		require.ErrorIs(t, err, rabbitmq.ErrRefused, name)
	}
	_, err = rabbitmq.Check(t.Context(), rabbitmq.Config{URL: "amqp://guest:" + password + "@[::", Queue: queue})
	require.Error(t, err)
	require.NotContains(t, err.Error(), password)
}

// What comes back from the broker goes back to the outbox, with the reason.
func TestReturnedAndNacked(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	p := open(t, rabbitmq.Config{URL: url, Queue: queue})
	ch := channel(t, url)
	require.NoError(t, send(t, p, newJob())[0])
	_, err := ch.QueueDelete(queue, false, false, false)
	require.NoError(t, err)
	for _, err := range send(t, p, newJobs(20)...) {
		require.ErrorIs(t, err, rabbitmq.ErrUnroutable)
		require.ErrorContains(t, err, "NO_ROUTE")
	}
	_, err = ch.QueueDeclare(queue, true, false, false, false, amqp.Table{"x-max-length": 1, "x-overflow": "reject-publish"})
	require.NoError(t, err)
	require.NoError(t, send(t, p, newJob())[0])
	for _, err := range send(t, p, newJobs(5)...) {
		require.ErrorIs(t, err, rabbitmq.ErrNacked)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	c := rabbitmq.Config{URL: url, Queue: queue}
	r, err := rabbitmq.Check(t.Context(), c)
	require.NoError(t, err, "it makes the queues")
	assert.Zero(t, r.Messages+r.Consumers+r.Dead)
	require.NoError(t, send(t, open(t, c), newJob())[0])
	_, err = channel(t, url).Consume(queue, "", false, false, false, false, nil)
	require.NoError(t, err)
	r, err = rabbitmq.Check(t.Context(), c)
	require.NoError(t, err)
	assert.Equal(t, 1, r.Consumers)
	assert.Zero(t, r.Dead)
	_, err = rabbitmq.Check(t.Context(), rabbitmq.Config{URL: "amqp://127.0.0.1:1/", Queue: queue})
	require.ErrorContains(t, err, "connect")
}

// Without a broker jobs fail at once, and Open is no failure: they wait in the outbox.
func TestNoBroker(t *testing.T) {
	t.Parallel()
	p := open(t, rabbitmq.Config{URL: "amqp://guest:guest@127.0.0.1:1/", Queue: "q"})
	require.Error(t, p.State())
	for _, err := range send(t, p, newJobs(3)...) {
		require.ErrorContains(t, err, "RABBITMQ_URL")
		require.NotContains(t, err.Error(), "guest")
	}
}

// relay publishes jobs until each was taken, as the real one does with its rows. It
// counts those that were not.
func relay(t *testing.T, p *rabbitmq.Publisher, jobs []app.JobMessage, failures *atomic.Int64) {
	t.Helper()
	for len(jobs) > 0 {
		var again []app.JobMessage
		for i, err := range send(t, p, jobs...) {
			if err != nil {
				again = append(again, jobs[i])
			}
		}
		failures.Add(int64(len(again)))
		jobs = again
		time.Sleep(10 * time.Millisecond) // the relay waits longer
	}
}

// drain takes every message out of the queue, by id.
func drain(t *testing.T, url, queue string, want int) map[string]int {
	t.Helper()
	seen := map[string]int{}
	ch := channel(t, url)
	got, err := ch.Consume(queue, "", true, false, false, false, nil)
	require.NoError(t, err)
	defer ch.Close()
	for len(seen) < want {
		select {
		case m := <-got:
			seen[m.MessageId]++
		case <-time.After(time.Minute):
			require.FailNow(t, "jobs are lost", "%d of %d are there", len(seen), want)
		}
	}
	return seen
}

// The broker goes away and comes back in the middle of the work, in every way that it
// can. Each job reaches the queue.
func TestBrokerGoesAway(t *testing.T) {
	t.Parallel()
	for name, how := range map[string]struct{ away, back func(*testenv.Server) error }{
		"stopped": {(*testenv.Server).Stop, (*testenv.Server).Start},
		"killed":  {(*testenv.Server).Kill, (*testenv.Server).Start},
		"paused":  {(*testenv.Server).Pause, (*testenv.Server).Resume},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testenv.Start(t, testenv.RabbitMQKind())
			const queue = "jobs"
			p := open(t, rabbitmq.Config{URL: s.URL(), Queue: queue, Heartbeat: time.Second, WriteTimeout: 2 * time.Second, ConfirmTimeout: 5 * time.Second})
			// A queue that is younger than that may not survive a kill of the broker.
			require.NoError(t, errors.Join(send(t, p, newJobs(10)...)...))
			time.Sleep(5 * time.Second)
			drain(t, s.URL(), queue, 10)
			const size = 50
			var wg sync.WaitGroup
			var failures, batches atomic.Int64
			over := make(chan struct{})
			for range 4 {
				wg.Go(func() {
					for {
						relay(t, p, newJobs(size), &failures)
						batches.Add(1)
						select {
						case <-over:
							return
						case <-time.After(50 * time.Millisecond):
						}
					}
				})
			}
			until := func(what string, ok func() bool) {
				require.Eventually(t, ok, 2*time.Minute, 10*time.Millisecond, what)
			}
			until("the work is in full swing", func() bool { return batches.Load() >= 8 })
			require.NoError(t, how.away(s))
			until("the fault is noticed", func() bool { return failures.Load() > 0 })
			require.NoError(t, how.back(s))
			close(over)
			wg.Wait()
			drain(t, s.URL(), queue, int(batches.Load())*size)
			require.NoError(t, p.State())
		})
	}
}

// A connection that is cut is opened again, and what was in flight is published again.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	front := newProxy(t, url)
	p := open(t, rabbitmq.Config{URL: front.url, Queue: queue})
	const least, size = 20, 100
	var failures atomic.Int64
	batches := 0
	for ; batches < least || failures.Load() == 0; batches++ {
		if batches%4 == 2 {
			time.AfterFunc(time.Millisecond, front.cut) // in the middle, more or less
		}
		relay(t, p, newJobs(size), &failures)
	}
	drain(t, url, queue, batches*size)
}

// proxy stands between the publisher and the broker and can cut the line.
type proxy struct {
	url string

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, broker string) *proxy {
	t.Helper()
	u, err := url.Parse(broker)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p, host := &proxy{}, u.Host
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", host)
			if err != nil {
				_ = in.Close()
				return
			}
			p.mu.Lock()
			p.conns = append(p.conns, in, out)
			p.mu.Unlock()
			wg.Go(func() { _, _ = io.Copy(in, out); _ = in.Close() })
			wg.Go(func() { _, _ = io.Copy(out, in); _ = out.Close() })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.cut()
		wg.Wait()
	})
	u.Host = l.Addr().String()
	p.url = u.String()
	return p
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// When the context ends whoever waits is told, also where the broker says nothing.
func TestContextEnds(t *testing.T) {
	t.Parallel()
	s := testenv.Start(t, testenv.RabbitMQKind())
	p := open(t, rabbitmq.Config{URL: s.URL(), Queue: "jobs", Heartbeat: 30 * time.Second, WriteTimeout: time.Second})
	require.NoError(t, send(t, p, newJob())[0])
	require.NoError(t, s.Pause())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 100)
	big := newJobs(100)
	for i := range big {
		big[i].Body = []byte(strings.Repeat("x", 200_000)) // more than the network holds
	}
	go p.Publish(ctx, big, func(_ int, err error) { ended <- err })
	time.Sleep(100 * time.Millisecond) // so that some are waiting, as a rule
	cancel()
	for range big {
		select {
		case err := <-ended:
			require.Error(t, err)
		case <-time.After(time.Minute):
			require.FailNow(t, "a job has no end")
		}
	}
	require.NoError(t, s.Resume())
	require.Eventually(t, func() bool { return p.State() == nil }, time.Minute, 20*time.Millisecond)
	require.NoError(t, send(t, p, newJob())[0])
}

// Close ends what is in flight.
func TestClose(t *testing.T) {
	t.Parallel()
	url := testenv.RabbitMQ(t)
	queue := testenv.Queue(t, url)
	p, err := rabbitmq.Open(t.Context(), rabbitmq.Config{URL: url, Queue: queue})
	require.NoError(t, err)
	jobs := newJobs(300)
	ended := make(chan error, len(jobs))
	p.Publish(t.Context(), jobs, func(_ int, err error) { ended <- err })
	require.NoError(t, p.Close())
	for range jobs {
		<-ended
	}
	for _, err := range send(t, p, newJob()) {
		require.Error(t, err)
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/testprogram"
)

// amqpEngine stands for n8n: it takes jobs from RabbitMQ and reports, sometimes
// twice, sometimes that it failed. It joins again when the broker was away.
type amqpEngine struct {
	t  *testing.T
	on servers

	mu   sync.Mutex
	seen map[string]testprogram.Job // by jobId: the first copy
	runs map[string]map[int]string
	rest int // copies of jobs that were seen before
}

func startAMQPEngine(t *testing.T, on servers) *amqpEngine {
	t.Helper()
	e := &amqpEngine{t: t, on: on, seen: map[string]testprogram.Job{}, runs: map[string]map[int]string{}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for ctx.Err() == nil {
			e.consume(ctx, &wg)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond): // the queue or the broker is not there (yet)
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	return e
}

// consume works until the connection ends.
func (e *amqpEngine) consume(ctx context.Context, wg *sync.WaitGroup) {
	conn, err := amqp.DialConfig(e.on.broker, amqp.Config{Heartbeat: 2 * time.Second, Dial: amqp.DefaultDial(2 * time.Second)})
	if err != nil {
		return
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return
	}
	if err := ch.Qos(64, 0, false); err != nil {
		return
	}
	jobs, err := ch.ConsumeWithContext(ctx, e.on.queue, "", false, false, false, false, nil)
	if err != nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case m, more := <-jobs:
			if !more {
				return
			}
			wg.Go(func() { e.take(ctx, m) })
		}
	}
}

// take checks a message against the contract, reports, and acknowledges.
func (e *amqpEngine) take(ctx context.Context, m amqp.Delivery) {
	var j testprogram.Job
	if !assert.NoError(e.t, json.Unmarshal(m.Body, &j)) {
		return
	}
	assert.Equal(e.t, []any{"application/json", j.JobID, j.GenerationID, j.JobType, uint8(2)},
		[]any{m.ContentType, m.MessageId, m.CorrelationId, m.Type, m.DeliveryMode})
	assert.Regexp(e.t, `^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$`, m.Headers["traceparent"])
	assert.False(e.t, m.Timestamp.IsZero())
	if first := e.remember(j); first {
		e.work(ctx, &j)
	}
	_ = m.Ack(false) // if it is lost the job comes again, and is known
}

func (e *amqpEngine) remember(j testprogram.Job) (first bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, known := e.seen[j.JobID]; known {
		e.rest++
		return false
	}
	e.seen[j.JobID] = j
	if e.runs[j.RunID] == nil {
		e.runs[j.RunID] = map[int]string{}
	}
	other, twice := e.runs[j.RunID][j.Attempt]
	assert.False(e.t, twice, "attempt %d of run %s has two jobs: %s, %s", j.Attempt, j.RunID, other, j.JobID)
	e.runs[j.RunID][j.Attempt] = j.JobID
	return true
}

func (e *amqpEngine) work(ctx context.Context, j *testprogram.Job) {
	body := j.Success()
	if j.Attempt == 1 && rand.IntN(20) == 0 {
		body = map[string]any{"status": "failure", "stage": "samples_generated", "error": map[string]any{
			"code": "busy", "message": "Try again.", "retryable": true,
		}}
		if j.JobType == "final_generation" {
			body["stage"] = "final_asset_generated"
		}
	}
	times := 1
	if rand.IntN(10) == 0 {
		times = 2
	}
	for range times {
		e.insist(ctx, j, body)
	}
}

// insist reports until the service has answered.
func (e *amqpEngine) insist(ctx context.Context, j *testprogram.Job, body map[string]any) {
	for ctx.Err() == nil {
		status, answer, err := j.Report(body)
		switch {
		case err == nil && status == http.StatusOK:
			return
		case err != nil || status >= http.StatusInternalServerError:
			select {
			case <-ctx.Done():
			case <-time.After(20 * time.Millisecond):
			}
		default:
			assert.Fail(e.t, "the report was refused", "%d %s", status, answer)
			return
		}
	}
}

func (e *amqpEngine) counts() (jobs, repeats int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return len(e.seen), e.rest
}

// depth is how many messages lie in a queue.
func depth(t *testing.T, url, queue string) int {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	require.NoError(t, err)
	q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	require.NoError(t, err)
	return q.Messages
}

func declareClassic(t *testing.T, url, queue string) {
	t.Helper()
	conn, err := amqp.Dial(url)
	require.NoError(t, err)
	defer conn.Close()
	ch, err := conn.Channel()
	require.NoError(t, err)
	_, err = ch.QueueDeclare(queue, true, false, false, false, nil)
	require.NoError(t, err)
}

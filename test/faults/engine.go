package faults

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/creativeflow/aigen/internal/webhooksig"
)

// engine stands for n8n. Its script, job by job, is decided by the seed.
type engine struct {
	seed    uint64
	records *Records
	urls    func() []string // of the replicas
	client  *http.Client
	secret  string

	ctx    context.Context //nolint:containedctx // the engine's life, which its jobs end with
	cancel context.CancelFunc
	wg     sync.WaitGroup
	slots  chan struct{}

	mu     sync.Mutex
	others []job // to report wrong jobs with
	first  map[string]bool

	webhook *httptest.Server
}

func newEngine(seed uint64, records *Records, secret string, urls func() []string) *engine {
	ctx, cancel := context.WithCancel(context.Background())
	return &engine{
		seed: seed, records: records, urls: urls, secret: secret, ctx: ctx, cancel: cancel,
		client: newClient(callTimeout), slots: make(chan struct{}, 256), first: map[string]bool{},
	}
}

func newClient(timeout time.Duration) *http.Client {
	return &http.Client{Timeout: timeout, Transport: &http.Transport{
		MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second,
	}}
}

// consumeFrom takes jobs from a queue until the engine ends, and joins again whenever
// the broker was away.
func (e *engine) consumeFrom(url, queue string) {
	e.wg.Go(func() {
		for e.ctx.Err() == nil {
			e.consume(url, queue)
			e.sleep(100 * time.Millisecond)
		}
	})
}

func (e *engine) sleep(d time.Duration) {
	select {
	case <-e.ctx.Done():
	case <-time.After(d):
	}
}

func (e *engine) consume(url, queue string) {
	conn, err := amqp.DialConfig(url, amqp.Config{Heartbeat: 2 * time.Second, Dial: amqp.DefaultDial(2 * time.Second)})
	if err != nil {
		return
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return
	}
	if err := ch.Qos(200, 0, false); err != nil {
		return
	}
	jobs, err := ch.ConsumeWithContext(e.ctx, queue, "", false, false, false, false, nil)
	if err != nil {
		return
	}
	for {
		select {
		case <-e.ctx.Done():
			return
		case m, more := <-jobs:
			if !more {
				return
			}
			e.wg.Go(func() { e.takeMessage(m) })
		}
	}
}

// takeMessage acknowledges when the job is noted, not when it is done: what is late or
// never reported must not hold up the queue.
func (e *engine) takeMessage(m amqp.Delivery) {
	var j job
	if err := json.Unmarshal(m.Body, &j); err != nil {
		e.records.odd("jobs", m.CorrelationId, "a message that is no job: %s", m.Body)
		_ = m.Ack(false)
		return
	}
	s := e.note(j, m.Redelivered)
	if m.MessageId != j.JobID || m.CorrelationId != j.GenerationID || m.Type != j.JobType ||
		m.ContentType != "application/json" || m.DeliveryMode != amqp.Persistent || m.Timestamp.IsZero() {
		e.records.odd("jobs", j.GenerationID, "properties of the message of job %s: %s %s %s", j.JobID, m.MessageId, m.CorrelationId, m.Type)
	}
	if s == scriptRefuse {
		_ = m.Nack(false, false) // to the dead letters
		return
	}
	_ = m.Ack(false)
	e.play(j, s)
}

// listen takes jobs by webhook.
func (e *engine) listen() string {
	e.webhook = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		var j job
		secret, serr := webhooksig.ParseSecret(e.secret)
		verr := webhooksig.Verify([]webhooksig.Secret{secret}, webhooksig.Headers{
			ID: r.Header.Get("webhook-id"), Timestamp: r.Header.Get("webhook-timestamp"), Signature: r.Header.Get("webhook-signature"),
		}, raw, time.Now())
		if serr != nil || verr != nil || json.Unmarshal(raw, &j) != nil {
			e.records.odd("jobs", j.GenerationID, "a webhook that is no job or not signed: %v %s", verr, raw)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s := e.note(j, false)
		if s == scriptRefuse {
			s = scriptNever
		}
		e.wg.Go(func() { e.play(j, s) })
		w.WriteHeader(http.StatusOK)
	}))
	return e.webhook.URL
}

// note records a job and decides what to do with it. A job that comes again is
// reported again, as an engine does that does not know what it did before.
func (e *engine) note(j job, redelivered bool) script {
	s := e.scriptOf(&j)
	e.mu.Lock()
	again := e.first[j.JobID]
	e.first[j.JobID] = true
	if len(e.others) < 64 {
		e.others = append(e.others, j)
	} else {
		e.others[dice(e.seed, j.JobID)%64] = j
	}
	e.mu.Unlock()
	if again && s != scriptNever && s != scriptRefuse && s != scriptFail {
		s = scriptAgain
	}
	add(e.records, &e.records.Jobs, JobSeen{
		At: time.Now(), Job: j.JobID, Run: j.RunID, Generation: j.GenerationID, User: j.UserID, Prompt: j.InputPrompt,
		JobType: j.JobType, Attempt: j.Attempt, Redelivered: redelivered, Script: string(s), Wrong: j.wrong(),
	})
	return s
}

// other is another generation's job.
func (e *engine) other(j *job) (job, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.others {
		if o.GenerationID != j.GenerationID {
			return o, true
		}
	}
	return job{}, false
}

// close lets jobs under way end: they are late ones, within a moment.
func (e *engine) close() {
	if e.webhook != nil {
		e.webhook.Close()
	}
	e.cancel()
	e.wg.Wait()
	e.client.CloseIdleConnections()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	amqp "github.com/rabbitmq/amqp091-go"
)

func (b *bench) measureBare(ctx context.Context) error {
	return b.measureHandler(ctx, bareName, b.crowds(), b.self, "baseline")
}

func (b *bench) measureRiver(ctx context.Context) error {
	name := func(n int) string { return fmt.Sprintf("(d) River InsertTx, %d", n) }
	return b.measureHandler(ctx, name, []int{128}, b.river)
}

// measureHandler loads a baseline that answers HTTP.
func (b *bench) measureHandler(ctx context.Context, name func(int) string, crowds []int, program string, args ...string) error {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return err
	}
	p, err := startBaseline(ctx, program, append(args, "-database", database)...)
	if err != nil {
		return err
	}
	for _, n := range crowds {
		if err := b.loadCreates(ctx, name(n), []*process{p}, n, post("/", "", createBody)); err != nil {
			return errors.Join(err, p.stop())
		}
	}
	return errors.Join(p.stop(), b.dropDatabase(ctx, database))
}

// loadCreates asks for generations and notes rate, times, and the share of the
// processors that each part has had: that is what a busy machine does not change.
func (b *bench) loadCreates(ctx context.Context, name string, services []*process, connections int, same []byte) error {
	l := load{connections: connections, warm: b.warm(), length: b.o.length, want: 202}
	for _, s := range services {
		l.targets = append(l.targets, s.address)
	}
	l.request = func(n int) []byte {
		if same != nil {
			return same
		}
		return b.users[n%len(b.users)].create
	}
	before, began := b.spent(services), time.Now()
	o, err := l.run(ctx)
	if err != nil {
		return err
	}
	whole := float64(o.n) * float64(time.Since(began)) / float64(o.took) // the warm-up took part too
	b.report.add(name, "/s", o.rate())
	b.report.times(name, &o.times)
	b.addSpent(name, before, b.spent(services), whole)
	return nil
}

// spent is the time of the processors that each part of the system has had.
func (b *bench) spent(services []*process) (t [3]time.Duration) {
	for _, s := range services {
		t[0] += cpuTime(s.cmd.Process.Pid)
	}
	t[1], t[2] = cpuTime(b.database.PID()), cpuTime(b.broker.PID())
	return t
}

func (b *bench) addSpent(name string, before, after [3]time.Duration, n float64) {
	for i, part := range []string{"service", "database", "broker"} {
		if d := after[i] - before[i]; d > 0 {
			b.report.add(name+": CPU of the "+part, "µs", float64(d.Microseconds())/n)
		}
	}
}

const bulkRows = 256

// measureBulk is the most that the tables take: many rows in each statement, two
// connections, no HTTP.
func (b *bench) measureBulk(ctx context.Context) error {
	database, err := b.newDatabase(ctx)
	if err != nil {
		return err
	}
	pool, err := openPool(ctx, database, 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	var rows atomic.Int64
	var errs [2]error
	var wg sync.WaitGroup
	end := time.Now().Add(b.o.length)
	for i := range errs {
		wg.Go(func() {
			for time.Now().Before(end) && errs[i] == nil {
				errs[i] = b.insertBulk(ctx, pool)
				rows.Add(bulkRows)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		return err
	}
	b.report.add("(b) bulk inserts", "/s", float64(rows.Load())/b.o.length.Seconds())
	pool.Close()
	return b.dropDatabase(ctx, database)
}

func (b *bench) insertBulk(ctx context.Context, pool *pgxpool.Pool) error {
	const (
		generations = `INSERT INTO generations (id, user_id, project_id, created_at, version, prompt, style, parameters, status,
	selected_sample_id, final_asset_id, ai_model, updated_at, status_since, due_at, last_event)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), $3, $4, 1, $5, '', $6, 'ProcessingSamples', '', '', '', $4, $4, $7, 1`
		deliveries = `INSERT INTO deliveries (id, lane, kind, user_id, generation_id, run_id, payload, state, attempts, available_at,
	last_error, created_at, trace)
SELECT unnest($1::uuid[]), 'jobs', 'sample_generation', unnest($2::uuid[]), unnest($3::uuid[]), $4, $5, 'waiting', 0, $6, '', $6, ''`
	)
	ids, users := make([]uuid.UUID, bulkRows), make([]uuid.UUID, bulkRows)
	for i := range ids {
		ids[i], users[i] = uuid.Must(uuid.NewV7()), uuid.UUID(b.users[i%len(b.users)].id)
	}
	now, body := time.Now(), createBody
	batch := new(pgx.Batch)
	batch.Queue(`BEGIN`)
	batch.Queue(generations, ids, users, uuid.New(), now, body[:100], `{"samples":4}`, now.Add(5*time.Minute))
	batch.Queue(deliveries, ids, users, ids, uuid.New(), body, now)
	batch.Queue(`COMMIT`)
	return pool.SendBatch(ctx, batch).Close()
}

// publishWindow is as many messages in flight as the service allows itself.
const publishWindow = 512

// measurePublish is what the broker takes: persistent messages to a quorum queue,
// each confirmed, one channel, without a database.
func (b *bench) measurePublish(ctx context.Context) error {
	q, err := b.newQueue()
	if err != nil {
		return err
	}
	defer q.close()
	if err := errors.Join(q.declare(), q.channel.Confirm(false)); err != nil {
		return err
	}
	room := make(chan struct{}, publishWindow)
	confirmed := q.channel.NotifyPublish(make(chan amqp.Confirmation, publishWindow))
	go func() {
		for range confirmed {
			<-room
		}
	}()
	body := []byte(samplePayload(uuid.New().String(), uuid.New().String(), uuid.New().String()) + sampleCallback)
	n, began := 0, time.Now()
	for end := began.Add(b.o.length); time.Now().Before(end); n++ {
		room <- struct{}{}
		err := q.channel.PublishWithContext(ctx, "", q.name, true, false, amqp.Publishing{
			ContentType: "application/json", DeliveryMode: amqp.Persistent, MessageId: uuid.Must(uuid.NewV7()).String(),
			CorrelationId: uuid.New().String(), Type: "sample_generation", Timestamp: time.Now(), Body: body,
			Headers: amqp.Table{"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"},
		})
		if err != nil {
			return err
		}
	}
	for range publishWindow {
		room <- struct{}{} // all are confirmed
	}
	b.report.add("(c) confirmed publishes", "/s", float64(n)/time.Since(began).Seconds())
	return nil
}

// sampleCallback is as long as what the service adds to a job when it leaves.
const sampleCallback = `,"callback":{"url":"http://127.0.0.1:54321/api/v1/callbacks/n8n","token":"` +
	`0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}`

// samplePayload is a job as the outbox holds it, but for its last brace.
func samplePayload(job, generation, user string) string {
	return fmt.Sprintf(`{"jobId":%q,"runId":%q,"jobType":"sample_generation","attempt":1,"generationId":%q,"userId":%q,`+
		`"projectId":"0b6a8f5e-9a1d-4c55-8a2e-5d0f3f6c7e21","inputPrompt":"a red fox in the snow, low sun, long shadows, breath in the cold air",`+
		`"styleGuidance":"watercolour, muted colours","inputParameters":{"format":"InstagramPost","resolution":"1080x1080","samples":4,"seed":42},`+
		`"selectedSample":null,"deadline":"2030-01-01T00:00:00Z"`, job, job, generation, user)
}

// queue is a quorum queue of a measurement's own.
type queue struct {
	name    string
	conn    *amqp.Connection
	channel *amqp.Channel
}

// newQueue gives it a name; the service declares it.
func (b *bench) newQueue() (*queue, error) {
	conn, err := amqp.Dial(b.broker.URL())
	if err != nil {
		return nil, err
	}
	ch, err := conn.Channel()
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	q := &queue{name: b.newName(), conn: conn, channel: ch}
	return q, nil
}

// declare is for who does not leave it to the service.
func (q *queue) declare() error {
	_, err := q.channel.QueueDeclare(q.name, true, false, false, false, amqp.Table{"x-queue-type": "quorum"})
	return err
}

// close removes the queue with what is in it.
func (q *queue) close() {
	for _, name := range []string{q.name, q.name + ".dead"} {
		_, _ = q.channel.QueueDelete(name, false, false, false)
	}
	_ = q.conn.Close()
}

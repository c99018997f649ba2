package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/creativeflow/aigen"
)

// settings of a service on these servers. The log is on, as an operator would have
// it, but for the line that each request writes: the baselines write none.
func (b *bench) settings(database, queue string) map[string]string {
	return map[string]string{
		"DATABASE_URL": database, "RABBITMQ_URL": b.broker.URL(), "GENERATION_JOB_QUEUE": queue,
		"JWT_SECRET": jwtSecret, "N8N_CALLBACK_SECRET": callbackSecret, "LEDGER_INITIAL_CREDITS": "1000000",
		"CALLBACK_BASE_URL": "http://aigen.invalid", // our engine knows better
		"LOG_LEVEL":         "warn",
		// The limits are on, so that what they cost is measured, and out of reach.
		"GENERATION_LIMIT_PER_MINUTE": "1000000", "MAX_QUEUED_PER_USER": "1000000",
		"ASSET_INGEST": "false", // its pictures are nowhere; copies are another measure
	}
}

// system is a number of replicas of the service with a database and a queue.
type system struct {
	b        *bench
	database string
	queue    *queue
	services []*process
	profiled string // address at which the last of them tells of itself
}

// startSystem starts replicas on a new queue. database "" is a new one.
func (b *bench) startSystem(ctx context.Context, replicas int, database string, more map[string]string) (*system, error) {
	s := &system{b: b, database: database}
	if err := s.start(ctx, replicas, more); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

func (s *system) start(ctx context.Context, replicas int, more map[string]string) (err error) {
	if s.database == "" {
		if s.database, err = s.b.newDatabase(ctx); err != nil {
			return err
		}
	}
	if s.queue, err = s.b.newQueue(); err != nil {
		return err
	}
	for range replicas {
		dir, err := s.b.newFolder()
		if err != nil {
			return err
		}
		settings := s.b.settings(s.database, s.queue.name)
		maps.Copy(settings, more)
		if s.b.o.profile != "" {
			if s.profiled, err = freeAddress(ctx); err != nil {
				return err
			}
			settings["AIGEN_PROFILE_ADDR"] = s.profiled
		}
		p, _, err := startService(ctx, s.b.program, dir, settings)
		if err != nil {
			return err
		}
		s.services = append(s.services, p)
	}
	return nil
}

// startOnSQLite starts one that keeps its data in a file.
func (b *bench) startOnSQLite(ctx context.Context) (*system, error) {
	dir, err := b.newFolder()
	if err != nil {
		return nil, err
	}
	return b.startSystem(ctx, 1, "sqlite:"+filepath.Join(dir, "aigen.db"), nil)
}

// stop ends the services, in whose logs nothing may have gone wrong.
func (s *system) stop() error {
	var errs []error
	for _, p := range s.services {
		errs = append(errs, p.stop(), p.complaints())
	}
	if s.queue != nil {
		s.queue.close()
	}
	return errors.Join(errs...)
}

// drop stops the system and removes its database.
func (s *system) drop(ctx context.Context) error {
	return errors.Join(s.stop(), s.b.dropDatabase(ctx, s.database))
}

func (b *bench) measureAccept(ctx context.Context) error {
	s, err := b.startSystem(ctx, 1, "", nil)
	if err != nil {
		return err
	}
	for _, n := range b.crowds() {
		profiled := s.profile(ctx, acceptName(n), b.o.length)
		if err := errors.Join(b.loadCreates(ctx, acceptName(n), s.services, n, nil), profiled()); err != nil {
			return errors.Join(err, s.stop())
		}
	}
	return s.drop(ctx)
}

func (b *bench) measureSQLite(ctx context.Context) error {
	s, err := b.startOnSQLite(ctx)
	if err != nil {
		return err
	}
	for _, n := range b.crowds() {
		name := "SQLite: " + acceptName(n)
		profiled := s.profile(ctx, name, b.o.length)
		if err := errors.Join(b.loadCreates(ctx, name, s.services, n, nil), profiled()); err != nil {
			return errors.Join(err, s.stop())
		}
	}
	return s.stop()
}

func (b *bench) measureReplicas(ctx context.Context) error {
	for _, n := range []int{2, 4} {
		s, err := b.startSystem(ctx, n, "", nil)
		if err != nil {
			return err
		}
		err = b.loadCreates(ctx, fmt.Sprintf("%d replicas: %s", n, acceptName(128)), s.services, 128, nil)
		if err := errors.Join(err, s.drop(ctx)); err != nil {
			return err
		}
	}
	return nil
}

// measureHalf asks for half of what was accepted at most, evenly, and sees when each
// job is in the queue.
func (b *bench) measureHalf(ctx context.Context) error {
	highest := 0.0
	for _, f := range b.report.figures {
		if f.name == acceptName(32) || f.name == acceptName(128) || f.name == acceptName(512) {
			highest = max(highest, f.median())
		}
	}
	if highest == 0 {
		return errors.New("needs the measure accept before it")
	}
	s, err := b.startSystem(ctx, 1, "", nil)
	if err != nil {
		return err
	}
	trips := &trips{begun: map[aigen.ID]time.Time{}}
	if err := s.queue.consume(func(m amqp.Delivery) { trips.meet([]byte(m.CorrelationId)) }); err != nil {
		return errors.Join(err, s.stop())
	}
	o, err := load{
		targets: []string{s.services[0].address}, connections: 256, rate: highest / 2, warm: b.warm(), length: b.o.length, want: 202,
		request: func(n int) []byte { return b.users[n%len(b.users)].create },
		reply:   func(_ int, body []byte) { trips.meet(value(body, `"generationId":"`)) },
	}.run(ctx)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	b.report.add("accepting at half of the highest rate", "/s", o.rate())
	b.report.times("accepting at half of the highest rate", &o.times)
	if err := trips.wait(); err != nil {
		return errors.Join(err, s.stop())
	}
	b.report.times("202 to queue at half of the highest rate", &trips.times)
	return s.drop(ctx)
}

// trips is the time from one sight of an id to the next: from the 202 to the job in
// the queue. The job may come before the 202; that counts as no time.
type trips struct {
	mu    sync.Mutex
	begun map[aigen.ID]time.Time
	times histogram
}

func (t *trips) meet(text []byte) {
	id, err := aigen.ParseID(string(text))
	if err != nil {
		return // wait finds that something is missing
	}
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	began, second := t.begun[id]
	if !second {
		t.begun[id] = now
		return
	}
	delete(t.begun, id)
	t.times.add(now.Sub(began))
}

// wait until every id was seen twice.
func (t *trips) wait() error {
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		t.mu.Lock()
		left := len(t.begun)
		t.mu.Unlock()
		if left == 0 {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d jobs did not arrive within 30 s", left)
		}
	}
}

// consume hands over the messages of the queue as they come, and lets go of them many
// at a time.
func (q *queue) consume(take func(amqp.Delivery)) error {
	const ahead = 1000
	if err := q.channel.Qos(ahead, 0, false); err != nil {
		return err
	}
	messages, err := q.channel.Consume(q.name, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	go func() {
		n := 0
		for m := range messages {
			take(m)
			if n++; n%(ahead/4) == 0 || len(messages) == 0 {
				_ = m.Ack(true) // the connection may be gone: the end of the measurement
			}
		}
	}()
	return nil
}

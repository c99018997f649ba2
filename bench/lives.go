package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/creativeflow/aigen/internal/postgres"
)

const (
	livesAtOnce     = 512 // generations under way
	livesPerMeasure = 6   // times the usual length: this must be sustained
	creators        = 32
	reporters       = 96 // each reports and selects, one at a time
)

// lives drives generations through their whole lives, for as many at once: the user
// creates, the engine takes the job from the queue and reports samples, the user
// selects one, the engine reports the final, and the notification service is told
// twice.
type lives struct {
	s     *system
	room  chan struct{}
	jobs  chan job
	users map[string]*user
	done  atomic.Int64
	times sync.Map // generation -> time of its request
	took  histogram
	mu    sync.Mutex // of took
	stop  chan struct{}
	fault chan error
}

func (b *bench) measureLives(ctx context.Context) error {
	told, err := newReceiver(ctx)
	if err != nil {
		return err
	}
	defer told.close()
	s, err := b.startSystem(ctx, 1, "", map[string]string{"NOTIFICATION_SERVICE_URL": "http://" + told.address})
	if err != nil {
		return err
	}
	if err := b.live(ctx, s, told); err != nil {
		return errors.Join(err, s.stop())
	}
	_, most, err := s.services[0].memory()
	if err != nil {
		return err
	}
	b.report.add("memory under whole lifecycles, at most", "MiB", most)
	if err := s.stop(); err != nil {
		return err
	}
	return errors.Join(audit(ctx, s.database), b.dropDatabase(ctx, s.database))
}

func (b *bench) live(ctx context.Context, s *system, told *receiver) error {
	l := &lives{
		s: s, room: make(chan struct{}, livesAtOnce), jobs: make(chan job, 4*livesAtOnce), users: map[string]*user{},
		stop: make(chan struct{}), fault: make(chan error, creators+reporters),
	}
	for i := range b.users {
		l.users[b.users[i].id.String()] = &b.users[i]
	}
	if err := s.queue.consume(func(m amqp.Delivery) { l.jobs <- readJob(m) }); err != nil {
		return err
	}
	var creating, reporting sync.WaitGroup
	for i := range creators {
		creating.Go(func() { l.note(l.create(ctx, i)) })
	}
	for range reporters {
		reporting.Go(func() { l.note(l.report(ctx)) })
	}
	time.Sleep(b.warm())
	first, notified, began, spent := l.done.Load(), told.count.Load(), time.Now(), b.spent(s.services)
	length := livesPerMeasure * b.o.length
	profiled := s.profile(ctx, "lives", length/2)
	select {
	case err := <-l.fault:
		return err
	case <-time.After(length):
	}
	if err := profiled(); err != nil {
		return err
	}
	n, seconds := float64(l.done.Load()-first), time.Since(began).Seconds()
	notified = told.count.Load() - notified
	after := b.spent(s.services)
	close(l.stop)
	creating.Wait()
	for deadline := time.Now().Add(time.Minute); len(l.room) > 0 && time.Now().Before(deadline); { // those under way come to their end
		time.Sleep(10 * time.Millisecond)
	}
	close(l.jobs)
	reporting.Wait()
	select {
	case err := <-l.fault:
		return err
	default:
	}
	if len(l.room) > 0 {
		return fmt.Errorf("%d generations did not come to their end", len(l.room))
	}
	b.report.add("whole lifecycles", "/s", n/seconds)
	b.report.times("whole lifecycles", &l.took)
	b.report.add("whole lifecycles: notifications", "/s", float64(notified)/seconds)
	b.addSpent("whole lifecycles", spent, after, n)
	return nil
}

func (l *lives) note(err error) {
	if err != nil {
		l.fault <- err
	}
}

// create asks for generations while there is room.
func (l *lives) create(ctx context.Context, i int) error {
	c, err := dial(ctx, l.s.services[0].address)
	if err != nil {
		return err
	}
	defer c.close()
	users := l.s.b.users
	for n := i; ; n += creators {
		select {
		case <-l.stop:
			return nil
		case l.room <- struct{}{}:
		}
		began := time.Now()
		status, body, err := c.do(users[n%len(users)].create)
		if err != nil || status != 202 {
			return fmt.Errorf("create: %d %s: %w", status, body, err)
		}
		l.times.Store(string(value(body, `"generationId":"`)), began)
	}
}

// report ends jobs as they come, and selects in the name of the user.
func (l *lives) report(ctx context.Context) error {
	c, err := dial(ctx, l.s.services[0].address)
	if err != nil {
		return err
	}
	defer c.close()
	for j := range l.jobs {
		status, body, err := c.do(j.callback())
		if err != nil || status != 200 || string(value(body, `"outcome":"`)) != "applied" {
			return fmt.Errorf("callback of job %s: %d %s: %w", j.id, status, body, err)
		}
		if j.final {
			l.ended(j.generation)
			continue
		}
		choose := post("/api/v1/generations/"+j.generation+"/select-sample", l.users[j.user].headers, `{"sampleId":"sample-2"}`)
		if status, body, err = c.do(choose); err != nil || status != 202 {
			return fmt.Errorf("select of generation %s: %d %s: %w", j.generation, status, body, err)
		}
	}
	return nil
}

func (l *lives) ended(generation string) {
	l.done.Add(1)
	<-l.room
	if began, ok := l.times.LoadAndDelete(generation); ok { // else it was quicker than its 202
		if at, ok := began.(time.Time); ok {
			l.mu.Lock()
			l.took.add(time.Since(at))
			l.mu.Unlock()
		}
	}
}

// audit looks for what speed must not have broken.
func audit(ctx context.Context, database string) error {
	s, err := postgres.Open(ctx, database, postgres.Options{})
	if err != nil {
		return err
	}
	_, faults, err := s.Audit(ctx)
	if len(faults) > 0 {
		err = fmt.Errorf("the audit found %d faults; the first: %s", len(faults), faults[0])
	}
	return errors.Join(err, s.Close())
}

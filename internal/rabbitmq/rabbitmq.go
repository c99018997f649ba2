// Package rabbitmq hands jobs to the workflow engine through RabbitMQ (contract
// section 3): persistent messages to a durable quorum queue, each confirmed by the
// broker before the outbox lets go of it.
//
// A message whose confirm never came has an unknown outcome. Its delivery fails, the
// relay sends it again with the same message id, and the engine tells repeats apart
// by that.
package rabbitmq

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/app"
)

// Config of a Publisher. URL and Queue are required; zero values get the defaults.
type Config struct {
	URL      string // amqp:// or amqps://
	Queue    string // and the routing key
	Exchange string // "" is the default exchange, which routes by the queue's name
	Version  string // of the program, shown by the broker
	Log      *slog.Logger

	Window       int           // jobs in flight; default 1024
	DialTimeout  time.Duration // until the connection is open; default 10 s
	Heartbeat    time.Duration // a broker that is silent for three is gone; default 5 s
	WriteTimeout time.Duration // for handing bytes to the network; default 15 s
	// ConfirmTimeout is how long the broker may take to confirm; default 30 s. One that
	// takes longer (a queue without a leader) is left and connected to anew.
	ConfirmTimeout time.Duration

	MinBackoff time.Duration // between attempts to connect; default 100 ms
	MaxBackoff time.Duration // default 5 s
}

func (c *Config) setDefaults() {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	orDefault(&c.Window, 1024)
	orDefault(&c.DialTimeout, 10*time.Second)
	orDefault(&c.Heartbeat, 5*time.Second)
	orDefault(&c.WriteTimeout, 15*time.Second)
	orDefault(&c.ConfirmTimeout, 30*time.Second)
	orDefault(&c.MinBackoff, 100*time.Millisecond)
	orDefault(&c.MaxBackoff, 5*time.Second)
}

func orDefault[T ~int | ~int64](v *T, fallback T) {
	if *v <= 0 {
		*v = fallback
	}
}

// Publisher publishes jobs. It implements app.JobPublisher. It keeps one connection,
// and opens it again for as long as it takes when it is lost.
type Publisher struct {
	c    Config
	stop context.CancelFunc
	done chan struct{}

	mu      sync.RWMutex
	session *session // nil: not connected
	failure error    // why not
	back    func()   // nil: nobody wants to know
}

// Open starts to connect and waits for the first attempt. A broker that cannot be
// reached is no error: jobs wait in the outbox. One that will never take our jobs as
// we are set up is: ErrRefused, ErrMismatch.
func Open(ctx context.Context, c Config) (*Publisher, error) {
	c.setDefaults()
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	p := &Publisher{c: c, stop: stop, done: make(chan struct{})}
	s, err := p.connect(ctx)
	if errors.Is(err, ErrRefused) || errors.Is(err, ErrMismatch) {
		stop()
		return nil, err
	}
	p.set(s, err)
	go p.keep(run, s, err)
	return p, nil
}

// Close ends the connection. Jobs in flight end with an error.
func (p *Publisher) Close() error {
	p.stop()
	<-p.done
	return nil
}

// Window implements app.JobPublisher.
func (p *Publisher) Window() int { return p.c.Window }

// Linger implements outbox.Lingerer. The broker writes what comes together to its disk
// together: at a thousand jobs a second, one by one, that saves two thirds of what it does.
func (p *Publisher) Linger() time.Duration { return 10 * time.Millisecond }

// OnRecovered implements outbox.Recoverer.
func (p *Publisher) OnRecovered(back func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.back = back
}

// recovered is called when jobs can be published again: there is a connection, or the
// broker's alarm is over.
func (p *Publisher) recovered() {
	p.mu.RLock()
	back := p.back
	p.mu.RUnlock()
	if back != nil {
		back()
	}
}

// Publish implements app.JobPublisher. While there is no connection every job fails
// at once; the relay tries again.
func (p *Publisher) Publish(ctx context.Context, jobs []app.JobMessage, done func(i int, err error)) {
	p.mu.RLock()
	s, failure := p.session, p.failure
	p.mu.RUnlock()
	if s == nil {
		for i := range jobs {
			done(i, away(failure))
		}
		return
	}
	s.publish(ctx, jobs, done)
}

// State tells without a call how the connection is: nil, or why there is none.
func (p *Publisher) State() error {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.session == nil {
		return p.failure
	}
	return p.session.blockedBy()
}

func (p *Publisher) set(s *session, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session, p.failure = s, err
}

// keep has a connection open until ctx ends. s and err are of the first attempt.
func (p *Publisher) keep(ctx context.Context, s *session, err error) {
	defer close(p.done)
	for try := 1; ctx.Err() == nil; try++ {
		p.set(s, err)
		if s != nil {
			try = 0
			p.c.Log.InfoContext(ctx, "rabbitmq: connected", "queue", p.c.Queue)
			p.recovered()
			err = s.wait(ctx)
			p.set(nil, err)
		}
		if ctx.Err() != nil {
			break
		}
		level := slog.LevelWarn
		if errors.Is(err, ErrRefused) || errors.Is(err, ErrMismatch) {
			level = slog.LevelError // it will not mend itself
		}
		p.c.Log.Log(ctx, level, "rabbitmq: no connection, jobs wait in the outbox", "error", err, "attempt", try)
		if !pause(ctx, p.c.MinBackoff, p.c.MaxBackoff, try) {
			break
		}
		s, err = p.connect(ctx)
	}
	stopping := errors.New("the service is stopping")
	p.set(nil, stopping)
	if s != nil {
		_ = s.over(stopping) // also where ctx ended before anybody waited for the session
	}
}

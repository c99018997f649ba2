package rabbitmq

import "context"

// OpenLate is Open, but nobody keeps the connection before begin is called.
func OpenLate(ctx context.Context, c Config) (p *Publisher, begin func(), err error) {
	c.setDefaults()
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	p = &Publisher{c: c, stop: stop, done: make(chan struct{})}
	s, err := p.connect(ctx)
	p.set(s, err)
	return p, func() { go p.keep(run, s, err) }, err
}

// Stop is the first half of Close.
func (p *Publisher) Stop() { p.stop() }

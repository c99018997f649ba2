package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// load is requests from many connections at once. The generator is this process; what
// is measured runs in others.
type load struct {
	targets     []string // addresses; connections are spread over them
	connections int
	rate        float64 // requests a second over all connections; 0: each asks again at once
	warm        time.Duration
	length      time.Duration
	most        int // requests at most; 0: as many as there is time for
	want        int // status of a request that went well

	request func(n int) []byte // the n-th request, made beforehand; called from many goroutines
	reply   func(n int, body []byte)
}

// outcome is what became of the requests after the warm-up.
type outcome struct {
	n, failed int
	failure   string // of the first that failed
	took      time.Duration
	times     histogram
}

func (o *outcome) rate() float64 { return float64(o.n) / o.took.Seconds() }

// run returns an error if a request failed: what is fast and wrong is not measured.
func (l load) run(ctx context.Context) (*outcome, error) {
	clients := make([]*client, l.connections)
	for i := range clients {
		c, err := dial(ctx, l.targets[i%len(l.targets)])
		if err != nil {
			return nil, err
		}
		defer c.close()
		clients[i] = c
	}
	start := time.Now()
	p := &pace{load: l, counted: start.Add(l.warm), end: start.Add(l.warm + l.length), start: start}
	parts := make([]outcome, l.connections)
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { p.ask(c, &parts[i]) })
	}
	wg.Wait()
	whole := &outcome{took: time.Since(p.counted)}
	for i := range parts {
		whole.n += parts[i].n
		whole.failed += parts[i].failed
		whole.times.merge(&parts[i].times)
		if whole.failure == "" {
			whole.failure = parts[i].failure
		}
	}
	if l.most == 0 && l.rate == 0 {
		whole.took = min(whole.took, l.length) // the last answers came after the end and are not counted
	}
	if whole.failed > 0 {
		return whole, fmt.Errorf("%d of %d requests failed; the first: %s", whole.failed, whole.n+whole.failed, whole.failure)
	}
	if whole.n == 0 {
		return whole, errors.New("no request was answered in time")
	}
	return whole, nil
}

// pace hands out requests to connections.
type pace struct {
	load

	start, counted, end time.Time
	next                atomic.Int64
}

func (p *pace) ask(c *client, o *outcome) {
	for {
		n := int(p.next.Add(1) - 1)
		if p.most > 0 && n >= p.most {
			return
		}
		began := time.Now()
		if p.rate > 0 {
			// From when it was due, not from when there was room for it: else a server
			// that stalls would be asked less and look better.
			began = p.start.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
			time.Sleep(time.Until(began))
		}
		if began.After(p.end) {
			return
		}
		status, body, err := c.do(p.request(n))
		now := time.Now()
		switch {
		case err != nil:
			o.fail(err.Error())
			return // of this connection nothing more is known
		case status != p.want:
			o.fail(fmt.Sprintf("%d %s", status, body))
			continue
		}
		if p.reply != nil {
			p.reply(n, body)
		}
		if !began.Before(p.counted) && (p.most > 0 || p.rate > 0 || !now.After(p.end)) {
			o.n++
			o.times.add(now.Sub(began))
		}
	}
}

func (o *outcome) fail(why string) {
	if o.failed++; o.failure == "" {
		o.failure = why
	}
}

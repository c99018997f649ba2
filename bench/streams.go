package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	streamClients = 5000
	streamUsers   = 250 // each with as many streams as tabs and devices: 20
)

// fanOut is many event streams, and when each event reached each of them.
type fanOut struct {
	begun sync.Map // generation -> when its request was sent
	got   atomic.Int64
	mu    sync.Mutex
	times histogram
}

// measureStreams opens 5,000 event streams, has generations made for their users at a
// steady rate, and counts and times the events that arrive.
func (b *bench) measureStreams(ctx context.Context) error {
	s, err := b.startSystem(ctx, 1, "", nil)
	if err != nil {
		return err
	}
	f := &fanOut{}
	clients, err := f.open(ctx, b, s)
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	if err != nil {
		return errors.Join(err, s.stop())
	}
	now, _, err := s.services[0].memory()
	if err != nil {
		return errors.Join(err, s.stop())
	}
	b.report.add("memory with 5,000 event streams", "MiB", now)
	const rate = 500
	before := b.spent(s.services)
	o, err := load{
		targets: []string{s.services[0].address}, connections: 64, rate: rate, length: b.o.length, want: 202,
		request: func(n int) []byte { return b.users[n%streamUsers].create },
		reply: func(_ int, body []byte) {
			f.begun.LoadOrStore(string(value(body, `"generationId":"`)), time.Now())
		},
	}.run(ctx)
	if err != nil {
		return errors.Join(err, s.stop())
	}
	want := int64(o.n) * streamClients / streamUsers
	for deadline := time.Now().Add(30 * time.Second); f.got.Load() < want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			return errors.Join(fmt.Errorf("%d of %d events arrived within 30 s", f.got.Load(), want), s.stop())
		}
	}
	b.report.add("event streams: 5,000 clients, events", "/s", float64(f.got.Load())/o.took.Seconds())
	f.mu.Lock()
	b.report.times("event streams: 202 to client", &f.times)
	f.mu.Unlock()
	b.addSpent("event streams", before, b.spent(s.services), float64(f.got.Load()))
	return s.drop(ctx)
}

// open connects all clients and waits until each has its headers.
func (f *fanOut) open(ctx context.Context, b *bench, s *system) (clients []*client, err error) {
	for i := range streamClients {
		c, err := dial(ctx, s.services[0].address)
		if err != nil {
			return clients, err
		}
		clients = append(clients, c)
		ask := "GET /api/v1/events HTTP/1.1\r\nHost: bench\r\nAccept: text/event-stream\r\n" + b.users[i%streamUsers].headers + "\r\n"
		if _, err := c.conn.Write([]byte(ask)); err != nil {
			return clients, err
		}
		status, _, err := c.head()
		if err != nil || status != 200 {
			return clients, fmt.Errorf("stream %d: %d: %w", i, status, err)
		}
		go f.read(c)
	}
	return clients, nil
}

// read looks at each line of a stream for the first event of a generation.
func (f *fanOut) read(c *client) {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return // closed at the end
		}
		if !bytes.HasPrefix(line, []byte("data:")) {
			continue
		}
		now := time.Now()
		f.got.Add(1)
		began, early := f.begun.Load(string(value(line, `"generationId":"`)))
		took := time.Duration(0) // no time where the event overtook the 202
		if at, ok := began.(time.Time); early && ok {
			took = now.Sub(at)
		}
		f.mu.Lock()
		f.times.add(took)
		f.mu.Unlock()
	}
}

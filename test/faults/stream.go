package faults

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/creativeflow/aigen/internal/sse"
)

// silence is how long a stream may be without a sign of life before its reader looks
// for another replica: a half-open connection says nothing.
const silence = 5 * time.Second

var streamClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4, IdleConnTimeout: 5 * time.Second}}

// followAll keeps up the stream of all of the user's generations until ctx ends.
func (p *simulatedUser) followAll(ctx context.Context) {
	s := &StreamSeen{User: p.id}
	add(p.records, &p.records.Streams, s)
	for ctx.Err() == nil {
		p.connect(ctx, s, "/api/v1/events")
		rest(ctx)
	}
}

func rest(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(50 * time.Millisecond):
	}
}

// follow keeps up the stream of one generation until its end, or until the streams of
// all end: one that waits for a choice that nobody will make has none.
func (p *simulatedUser) follow(id string) {
	s := &StreamSeen{User: p.id, Generation: id}
	add(p.records, &p.records.Streams, s)
	for p.streams.Err() == nil {
		p.connect(p.streams, s, "/api/v1/generations/"+id+"/events")
		p.records.mu.Lock()
		ended := s.Ended
		p.records.mu.Unlock()
		if ended {
			return
		}
		rest(p.streams)
	}
}

// connect reads one connection to its end.
func (p *simulatedUser) connect(parent context.Context, s *StreamSeen, path string) {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	_, url := p.target()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, http.NoBody)
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Last-Event-ID", strconv.FormatInt(p.last(s), 10))
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	res, err := streamClient.Do(req)
	if err != nil {
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		if res.StatusCode != http.StatusServiceUnavailable && res.StatusCode != http.StatusTooManyRequests {
			p.records.odd("streams", s.Generation, "a stream (Last-Event-ID %d) was answered with %d", p.last(s), res.StatusCode)
		}
		return
	}
	p.records.mu.Lock()
	s.Connected++
	p.records.mu.Unlock()
	events := sse.NewReader(&watched{res.Body, watchdog})
	for {
		e, err := events.Next()
		if err != nil {
			return
		}
		if e.Named { // an event without a number is told live only
			p.take(s, e)
		}
	}
}

// watched puts off the watchdog with every byte, those of heartbeats included.
type watched struct {
	from     io.Reader
	watchdog *time.Timer
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.from.Read(b)
	if n > 0 {
		w.watchdog.Reset(silence)
	}
	return n, err
}

func (p *simulatedUser) last(s *StreamSeen) int64 {
	p.records.mu.Lock()
	defer p.records.mu.Unlock()
	if len(s.IDs) == 0 {
		return 0
	}
	return s.IDs[len(s.IDs)-1]
}

// take takes one event.
func (p *simulatedUser) take(s *StreamSeen, frame sse.Frame) {
	n, err := strconv.ParseInt(frame.ID, 10, 64)
	var e struct{ Type, GenerationID, Status string }
	if err != nil || json.Unmarshal(frame.Data, &e) != nil || e.Type != frame.Event {
		p.records.odd("streams", s.Generation, "an event that cannot be read: id %q event %q %s", frame.ID, frame.Event, frame.Data)
		return
	}
	p.records.mu.Lock()
	s.IDs, s.Types, s.Of = append(s.IDs, n), append(s.Types, frame.Event), append(s.Of, e.GenerationID)
	if s.Generation != "" && ended(e.Status) {
		s.Ended = true
	}
	p.records.mu.Unlock()
	if s.Generation == "" {
		p.observe(e.GenerationID, e.Status)
	}
}

func ended(status string) bool {
	switch status {
	case "Completed", "Failed", "Cancelled", "ContentRejected":
		return true
	}
	return false
}

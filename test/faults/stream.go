package faults

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
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
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	var id, event, data string
	for lines.Scan() {
		watchdog.Reset(silence)
		line := lines.Text()
		switch name, value, _ := strings.Cut(line, ": "); {
		case line == "":
			if data != "" {
				p.take(s, id, event, data)
			}
			id, event, data = "", "", ""
		case name == "id":
			id = value
		case name == "event":
			event = value
		case name == "data":
			data = value
		}
	}
}

func (p *simulatedUser) last(s *StreamSeen) int64 {
	p.records.mu.Lock()
	defer p.records.mu.Unlock()
	if len(s.IDs) == 0 {
		return 0
	}
	return s.IDs[len(s.IDs)-1]
}

// take takes one event. Those without a number are told live only.
func (p *simulatedUser) take(s *StreamSeen, id, event, data string) {
	if id == "" {
		return
	}
	n, err := strconv.ParseInt(id, 10, 64)
	var e struct{ Type, GenerationID, Status string }
	if err != nil || json.Unmarshal([]byte(data), &e) != nil || e.Type != event {
		p.records.odd("streams", s.Generation, "an event that cannot be read: id %q event %q %s", id, event, data)
		return
	}
	p.records.mu.Lock()
	s.IDs, s.Types, s.Of = append(s.IDs, n), append(s.Types, event), append(s.Of, e.GenerationID)
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

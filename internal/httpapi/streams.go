package httpapi

import (
	"strconv"
	"sync"
	"time"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// streams counts the open event streams of each user. One that forgets to close
// its own must not use up the connections of all.
type streams struct {
	limit int

	mu   sync.Mutex
	open map[aigen.ID]int
}

func newStreams(limit int) *streams { return &streams{limit: limit, open: map[aigen.ID]int{}} }

// enter takes a place; leave gives it back.
func (s *streams) enter(user aigen.ID) (leave func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[user] >= s.limit {
		return nil, newFault(codeTooManyStreams, "You have "+strconv.Itoa(s.limit)+" event streams open. Close one first.")
	}
	s.open[user]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[user]--; s.open[user] <= 0 {
			delete(s.open, user)
		}
	}), nil
}

// eventView is an event on the wire.
type eventView struct {
	Type string    `json:"type" enum:"@event" doc:"What happened."`
	Seq  int64     `json:"seq,omitempty" doc:"Number within the generation, without gaps; missing for progress."`
	At   time.Time `json:"at"`
	aigen.EventData
}

func viewEvent(e aigen.Event) eventView {
	return eventView{Type: string(e.Type), Seq: e.Seq, At: e.At.UTC(), EventData: e.Data}
}

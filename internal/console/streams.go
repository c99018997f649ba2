package console

import (
	"sync"

	"github.com/creativeflow/aigen"
)

// streams counts the live streams of each user: who opens a hundred tabs must not use
// up the connections of all.
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
		return nil, &fault{code: codeTooManyStreams}
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

package web

import (
	"sync"

	"github.com/creativeflow/aigen"
)

// Places counts what each user has open of something. A user who does not close their
// own must not use up the connections, or the memory, of all.
type Places struct {
	limit int

	mu   sync.Mutex
	open map[aigen.ID]int
}

// NewPlaces allows each user limit places.
func NewPlaces(limit int) *Places { return &Places{limit: limit, open: map[aigen.ID]int{}} }

// Enter takes a place; leave gives it back. ok is false where the user has all of theirs.
func (p *Places) Enter(user aigen.ID) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.open[user] >= p.limit {
		return nil, false
	}
	p.open[user]++
	return sync.OnceFunc(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.open[user]--; p.open[user] <= 0 {
			delete(p.open, user)
		}
	}), true
}

package postgres

import (
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// claims remembers where the last claim of a lane ended, while more wait than are
// claimed at once. At the beginning of the order are the rows that were claimed before,
// leased still or removed but not vacuumed yet: each claim would go through all of them.
type claims struct {
	mu     sync.Mutex
	places map[app.Lane]claimPlace
}

// place is one in the order of claims: by due, then by id. The zero value is before all.
type place struct {
	due time.Time
	id  aigen.ID
}

type claimPlace struct {
	place

	since time.Time // of the last claim that began at the beginning
}

// claimAnew is how long rows that come before a place may have to wait.
const claimAnew = 250 * time.Millisecond

func (c *claims) place(q app.Claim) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.places[q.Lane]
	if !ok || time.Since(p.since) >= claimAnew {
		delete(c.places, q.Lane)
		return place{}
	}
	return p.place
}

// remember takes what a claim came to. full: there may be more after last.
func (c *claims) remember(q app.Claim, last place, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !full {
		delete(c.places, q.Lane)
		return
	}
	since := time.Now()
	if p, ok := c.places[q.Lane]; ok {
		since = p.since
	}
	if c.places == nil {
		c.places = map[app.Lane]claimPlace{}
	}
	c.places[q.Lane] = claimPlace{last, since}
}

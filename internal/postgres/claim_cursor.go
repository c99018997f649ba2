package postgres

import (
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/outbox"
)

// claimCursor remembers where the last claim of a lane ended, while more wait than are
// claimed at once. At the beginning of the order are the rows that were claimed before,
// leased still or removed but not vacuumed yet: each claim would go through all of them.
type claimCursor struct {
	mu     sync.Mutex
	places map[outbox.Queue]claimPlace
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

func (c *claimCursor) place(q outbox.Claim) place {
	c.mu.Lock()
	defer c.mu.Unlock()
	p, ok := c.places[q.Queue]
	if !ok || time.Since(p.since) >= claimAnew {
		delete(c.places, q.Queue)
		return place{}
	}
	return p.place
}

// remember takes what a claim came to. full: there may be more after last.
func (c *claimCursor) remember(q outbox.Claim, last place, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !full {
		delete(c.places, q.Queue)
		return
	}
	since := time.Now()
	if p, ok := c.places[q.Queue]; ok {
		since = p.since
	}
	if c.places == nil {
		c.places = map[outbox.Queue]claimPlace{}
	}
	c.places[q.Queue] = claimPlace{last, since}
}

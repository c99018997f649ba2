package app

import (
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// generationCache keeps generations as this process last wrote them: the next step of a
// generation often follows soon and then need not load it. An entry may be stale, since
// other replicas write too. Use a cached generation only for a write whose version Apply
// checks. To reject a request or report a no-op, load from the store.
//
// No entry lives longer than a minute: after a restore from a backup, a version number
// could come up a second time with other content.
type generationCache struct {
	clock func() time.Time // measures lifetimes; not the wall clock

	mu        sync.Mutex
	current   map[aigen.ID]cacheEntry
	previous  map[aigen.ID]cacheEntry // the current of the last rotation
	startedAt time.Time               // when current was started
}

// cacheEntry is a generation as it was written.
type cacheEntry struct {
	g  *aigen.Generation
	at time.Time
}

const (
	cacheSize = 2048        // entries in each of the two maps; some kilobytes a generation
	cacheTTL  = time.Minute // lifetime of an entry; then current becomes previous
)

// get returns a copy, or nil.
func (c *generationCache) get(id aigen.ID) *aigen.Generation {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rotate()
	last, ok := c.current[id]
	if !ok {
		last, ok = c.previous[id]
	}
	if !ok || c.clock().Sub(last.at) >= cacheTTL {
		return nil
	}
	return last.g.Clone()
}

// put stores what was written. A generation that has ended is removed: no step follows.
func (c *generationCache) put(g *aigen.Generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rotate()
	delete(c.previous, g.ID)
	if g.Status.Ended() {
		delete(c.current, g.ID)
		return
	}
	if c.current == nil {
		c.current = map[aigen.ID]cacheEntry{}
	}
	if before, ok := c.current[g.ID]; !ok || before.g.Version < g.Version { // two steps may arrive in either order
		c.current[g.ID] = cacheEntry{g.Clone(), c.clock()}
	}
}

func (c *generationCache) forget(id aigen.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.current, id)
	delete(c.previous, id)
}

// rotate makes current the previous map when it is full or older than cacheTTL.
func (c *generationCache) rotate() {
	if now := c.clock(); now.Sub(c.startedAt) >= cacheTTL || len(c.current) >= cacheSize {
		c.previous, c.current, c.startedAt = c.current, nil, now
	}
}

package assets

import (
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// cache keeps rows of stored pictures, which do not change until they are removed. Another
// process may remove one: no entry lives longer than cacheTTL.
type cache struct {
	clock func() time.Time

	mu      sync.Mutex
	entries map[aigen.AssetName]cacheEntry
}

type cacheEntry struct {
	a  aigen.StoredAsset
	at time.Time
}

const (
	cacheSize = 4096
	cacheTTL  = 5 * time.Second
)

func (c *cache) get(name aigen.AssetName) (aigen.StoredAsset, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[name]
	if age := c.clock().Sub(e.at); !ok || age < 0 || age >= cacheTTL {
		return aigen.StoredAsset{}, false
	}
	return e.a, true
}

func (c *cache) put(a aigen.StoredAsset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= cacheSize {
		c.entries = map[aigen.AssetName]cacheEntry{}
	}
	c.entries[a.Name] = cacheEntry{a, c.clock()}
}

func (c *cache) forget(name aigen.AssetName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, name)
}

package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/web"
)

// cacheEntries bounds the verified tokens that are remembered: about 2 MB.
const (
	cacheEntries = 8192
	cacheShards  = 16
)

// tokenCache remembers tokens that were found valid, by their SHA-256 alone: a
// dump of memory holds no token from here. Only valid tokens get in, so nobody
// without one can push others out.
type tokenCache struct {
	perShard int
	shards   [cacheShards]struct {
		sync.RWMutex
		entries map[[sha256.Size]byte]cacheEntry
	}
}

type cacheEntry struct {
	version uint64 // of the keys that it was checked with
	id      web.Identity
}

func newTokenCache(size int) *tokenCache {
	c := &tokenCache{perShard: max(1, size/cacheShards)}
	for i := range c.shards {
		c.shards[i].entries = make(map[[sha256.Size]byte]cacheEntry)
	}
	return c
}

// get returns what was found for a token under the same keys, if it has not
// expired by now. The Roles are shared: the caller copies them.
func (c *tokenCache) get(sum [sha256.Size]byte, version uint64, now time.Time) (web.Identity, bool) {
	shard := &c.shards[sum[0]%cacheShards]
	shard.RLock()
	entry, ok := shard.entries[sum]
	shard.RUnlock()
	if !ok || entry.version != version || !now.Before(entry.id.ExpiresAt) {
		return web.Identity{}, false
	}
	return entry.id, true
}

// put remembers a token. A full shard forgets any one entry: which one hardly
// matters, as a wrong choice costs one signature check.
func (c *tokenCache) put(sum [sha256.Size]byte, version uint64, id web.Identity) {
	shard := &c.shards[sum[0]%cacheShards]
	shard.Lock()
	defer shard.Unlock()
	if _, ok := shard.entries[sum]; !ok && len(shard.entries) >= c.perShard {
		for victim := range shard.entries {
			delete(shard.entries, victim)
			break
		}
	}
	shard.entries[sum] = cacheEntry{version: version, id: id}
}

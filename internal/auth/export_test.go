package auth

// Forget empties the cache of verified tokens, to measure without it.
func (v *Verifier) Forget() {
	for i := range v.cache.shards {
		clear(v.cache.shards[i].entries)
	}
}

// Export for the tests of the cache's bound and of redirects.
var RefuseDowngrade = refuseDowngrade

const CacheEntries = cacheEntries

// Remembered counts the tokens in the cache.
func (v *Verifier) Remembered() int {
	n := 0
	for i := range v.cache.shards {
		shard := &v.cache.shards[i]
		shard.RLock()
		n += len(shard.entries)
		shard.RUnlock()
	}
	return n
}

// AlgorithmsOf reads a key set and returns what its keys check with; "" for a key that
// checks nothing.
func AlgorithmsOf(body []byte) (list []string) {
	set, err := parseKeySet(body)
	if err != nil {
		return nil
	}
	for kid, keys := range set.keys {
		for _, key := range keys {
			list = append(list, key.alg)
			_, _, _ = set.lookup(kid, key.alg)
		}
	}
	return list
}

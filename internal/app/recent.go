package app

import (
	"sync"
	"time"

	aigen "github.com/creativeflow/aigen-orchestrator"
)

// recent remembers generations as this process has last written them: the next step of
// one often comes soon, and then need not load it. What is remembered may be old, since
// other replicas write too; so it is good for one thing alone, a change that Apply
// checks the version of. Whoever refuses something, or finds nothing to do, has to load.
//
// Nothing is remembered for longer than a minute: a database that was put back to what
// it was (a backup) could bring a version round a second time, with another content.
type recent struct {
	mu    sync.Mutex
	young map[aigen.ID]*aigen.Generation
	old   map[aigen.ID]*aigen.Generation // the young of before
	since time.Time                      // that young is young
}

const (
	recentMost = 2048             // in each of the two; some kilobytes a generation
	recentFor  = 30 * time.Second // likewise
)

// get returns a copy, or nil.
func (r *recent) get(id aigen.ID) *aigen.Generation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.age()
	g := r.young[id]
	if g == nil {
		g = r.old[id]
	}
	if g == nil {
		return nil
	}
	return g.Clone()
}

// put remembers what was written. Of one that has ended nothing more is to come.
func (r *recent) put(g *aigen.Generation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.age()
	delete(r.old, g.ID)
	if g.Status.Ended() {
		delete(r.young, g.ID)
		return
	}
	if r.young == nil {
		r.young = map[aigen.ID]*aigen.Generation{}
	}
	if before := r.young[g.ID]; before == nil || before.Version < g.Version { // two steps may come here in either order
		r.young[g.ID] = g.Clone()
	}
}

func (r *recent) forget(id aigen.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.young, id)
	delete(r.old, id)
}

// age makes the young old when they are many, or not young any more.
func (r *recent) age() {
	now := time.Now()
	if age := now.Sub(r.since); age >= recentFor || len(r.young) >= recentMost {
		r.old, r.young, r.since = r.young, nil, now
		if age >= 2*recentFor {
			r.old = nil
		}
	}
}

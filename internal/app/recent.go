package app

import (
	"sync"
	"time"

	"github.com/creativeflow/aigen"
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
	young map[aigen.ID]remembered
	old   map[aigen.ID]remembered // the young of before
	since time.Time               // that young is young
}

// remembered is a generation as it was written.
type remembered struct {
	g  *aigen.Generation
	at time.Time
}

const (
	recentMost = 2048        // in each of the two; some kilobytes a generation
	recentFor  = time.Minute // and the young are the old after that, to be let go of
)

// get returns a copy, or nil.
func (r *recent) get(id aigen.ID) *aigen.Generation {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.age()
	last, ok := r.young[id]
	if !ok {
		last, ok = r.old[id]
	}
	if !ok || time.Since(last.at) >= recentFor {
		return nil
	}
	return last.g.Clone()
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
		r.young = map[aigen.ID]remembered{}
	}
	if before, ok := r.young[g.ID]; !ok || before.g.Version < g.Version { // two steps may come here in either order
		r.young[g.ID] = remembered{g.Clone(), time.Now()}
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
	if now := time.Now(); now.Sub(r.since) >= recentFor || len(r.young) >= recentMost {
		r.old, r.young, r.since = r.young, nil, now
	}
}

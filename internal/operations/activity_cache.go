package operations

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// The charts of a window are looked at every few seconds, by several people perhaps,
// and most of a window lies in the past. So the parts that will not change any more
// are remembered, and the store is asked for the others.
const (
	// settledAfter is when a part is taken for final: reservations of its runs are
	// decided by then unless a stage's time was set much longer.
	settledAfter = 20 * time.Minute
	// activityFresh is how long an answer serves all who ask.
	activityFresh = time.Second
	// activityStep bounds the parts of one question, so that each is answered in
	// time, also where millions of rows lie in a window that nobody has looked at yet.
	activityStep = 12
	// activitySample is how many durations of each stage a part brings.
	activitySample = 100
)

type activityCache struct {
	mu      sync.Mutex
	windows map[string]*windowCache
}

type windowCache struct {
	mu    sync.Mutex // held while the store is asked: who comes meanwhile has the same question
	parts map[int64]Activity
	asked time.Time
	last  []Activity
}

func (c *activityCache) window(name string) *windowCache {
	c.mu.Lock()
	defer c.mu.Unlock()
	w, ok := c.windows[name]
	if !ok {
		w = &windowCache{parts: map[int64]Activity{}}
		c.windows[name] = w
	}
	return w
}

// get returns every part of the window that ends with the part of now.
func (c *activityCache) get(ctx context.Context, store Store, w Window, now time.Time) ([]Activity, error) {
	cache := c.window(w.Name)
	cache.mu.Lock()
	defer cache.mu.Unlock()
	if age := now.Sub(cache.asked); cache.last != nil && age >= 0 && age < activityFresh {
		return cache.last, nil
	}
	first := now.Add(-w.Length).Truncate(w.Width).Add(w.Width)
	for at := range cache.parts {
		if at < first.UnixMicro() {
			delete(cache.parts, at)
		}
	}
	fresh := map[int64]Activity{}
	for from := first; !from.After(now); {
		if _, known := cache.parts[from.UnixMicro()]; known {
			from = from.Add(w.Width)
			continue
		}
		to := cache.gap(from, w, now)
		if err := cache.ask(ctx, store, ActivityQuery{From: from, To: to, Width: w.Width, Sample: activitySample}, now, fresh); err != nil {
			return nil, err
		}
		from = to
	}
	var all []Activity
	for at := first; !at.After(now); at = at.Add(w.Width) {
		part, known := cache.parts[at.UnixMicro()]
		if !known {
			part = fresh[at.UnixMicro()]
		}
		all = append(all, part)
	}
	cache.asked, cache.last = now, all
	return all, nil
}

// gap is where the parts that are not known end, from the first of them on, but no
// further than one question may go.
func (c *windowCache) gap(from time.Time, w Window, now time.Time) time.Time {
	to := from.Add(w.Width)
	for n := 1; n < activityStep && !to.After(now); n++ {
		if _, known := c.parts[to.UnixMicro()]; known {
			break
		}
		to = to.Add(w.Width)
	}
	return to
}

// ask fills in the parts of a question; those that are final are remembered at once,
// so that who gives up and asks again has less to wait for.
func (c *windowCache) ask(ctx context.Context, store Store, q ActivityQuery, now time.Time, fresh map[int64]Activity) error {
	parts, err := store.Activity(ctx, q)
	if err != nil {
		return err
	}
	for from := q.From; from.Before(q.To); from = from.Add(q.Width) {
		fresh[from.UnixMicro()] = Activity{From: from, Events: map[aigen.EventType]int64{}}
	}
	for _, p := range parts {
		fresh[p.From.UnixMicro()] = p
	}
	for from := q.From; from.Before(q.To); from = from.Add(q.Width) {
		if from.Add(q.Width).Add(settledAfter).Before(now) {
			c.parts[from.UnixMicro()] = fresh[from.UnixMicro()]
		}
	}
	return nil
}

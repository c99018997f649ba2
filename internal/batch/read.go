package batch

import (
	"context"
	"sync"

	"github.com/creativeflow/aigen"
)

// ManyReader is a store that loads many generations at the price of one.
type ManyReader interface {
	// GetMany loads generations with their runs. Those that are not there are missing
	// from the map.
	GetMany(ctx context.Context, ids []aigen.ID) (map[aigen.ID]*aigen.Generation, error)
}

// Every step loads its generation before it changes it: what was gained by sharing
// transactions would be lost again by as many queries. So loads that come together
// are one query, formed as a batch of changes is: while some are under way the next
// gather, and a lone one goes at once.
type reads struct {
	from ManyReader
	o    Options

	mu      sync.Mutex
	queue   []*read
	readers int
}

// maxReaders is how many queries may be under way at a time.
const maxReaders = 2

// read is one call of Get on its way.
type read struct {
	id     aigen.ID
	answer chan readAnswer
}

type readAnswer struct {
	g   *aigen.Generation
	err error
}

// Get implements app.GenerationRepository. It sees what was written before it was
// called: a query that has begun takes nobody in.
func (r *Repository) Get(ctx context.Context, id aigen.ID) (*aigen.Generation, error) {
	if r.reads == nil {
		return r.GenerationRepository.Get(ctx, id)
	}
	one := &read{id: id, answer: make(chan readAnswer, 1)}
	if r.reads.enter(one) {
		go r.reads.run()
	}
	select {
	case a := <-one.answer:
		return a.g, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// enter reports whether another reader has to begin.
func (r *reads) enter(one *read) (begin bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, one)
	if begin = r.readers < maxReaders; begin {
		r.readers++
	}
	return begin
}

// run reads what has gathered until there is nothing left.
func (r *reads) run() {
	for {
		r.mu.Lock()
		n := min(len(r.queue), r.o.Size)
		if n == 0 {
			r.readers--
			r.queue = nil
			r.mu.Unlock()
			return
		}
		group := r.queue[:n:n]
		r.queue = r.queue[n:]
		r.mu.Unlock()
		r.load(group)
	}
}

func (r *reads) load(group []*read) {
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
	defer cancel()
	ids := make([]aigen.ID, len(group))
	for i, one := range group {
		ids[i] = one.id
	}
	found, err := r.from.GetMany(ctx, ids)
	answers := make([]readAnswer, len(group))
	taken := make(map[aigen.ID]bool, len(found))
	for i, one := range group {
		a := readAnswer{g: found[one.id], err: err}
		switch {
		case err != nil:
		case a.g == nil:
			a.err = &aigen.Error{Code: aigen.CodeNotFound, Message: "There is no generation with this id."}
		case taken[one.id]:
			a.g = a.g.Clone() // each has its own to change
		}
		taken[one.id] = true
		answers[i] = a
	}
	// Only now: whoever has an answer changes it at once, while others are cloned.
	for i, one := range group {
		one.answer <- answers[i]
	}
}

func orDefault[T ~int | ~int64](v, fallback T) T {
	if v <= 0 {
		return fallback
	}
	return v
}

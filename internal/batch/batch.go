// Package batch commits changes that come at the same time in one transaction, and
// loads generations that are asked for at the same time in one query. A commit costs a
// wait for the disk, and the wait is the same for one change as for two hundred.
//
// Nothing waits for a batch to fill: while one is being committed the next gathers,
// so that a lone change is committed at once and a crowd shares.
package batch

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/app"
)

// Repository is an app.GenerationRepository whose Apply gathers, and Get where the
// repository below is a ManyReader. All else goes through to it.
type Repository struct {
	app.GenerationRepository
	o     Options
	reads *reads // nil: Get goes through

	mu      sync.Mutex
	queue   []*request
	writers int
	alarm   bool // relieve will be called
}

// Options of a Repository; zero values get the defaults.
type Options struct {
	// Writers is how many transactions may be under way at a time; default 1, right
	// for SQLite, whose writers wait for each other anyway.
	Writers int
	// Crowd is how many requests must wait for another writer to begin, or one for as
	// long as Patience; default 48. Two small transactions cost more than one; two
	// large ones use the processor while the disk is waited for.
	Crowd int
	// Patience is for a transaction that does not come to its end: it waits for a row
	// that somebody holds, or for a database that went away to tell what became of it.
	// Default 25 ms.
	Patience time.Duration
	// Size is the most changes in one transaction; default 256.
	Size int
	// Timeout bounds one transaction; default 30 s. A caller who hangs up does not
	// end it: others' changes are in it too.
	Timeout time.Duration
}

// request is one call of Apply on its way.
type request struct {
	ctx     context.Context //nolint:containedctx // asked once more before its changes are written
	since   time.Time
	changes []*app.Change
	errs    chan []error
}

// New gathers the changes for r.
func New(r app.GenerationRepository, o Options) *Repository {
	o.Writers, o.Crowd, o.Patience = orDefault(o.Writers, 1), orDefault(o.Crowd, 48), orDefault(o.Patience, 25*time.Millisecond)
	o.Size, o.Timeout = orDefault(o.Size, 256), orDefault(o.Timeout, 30*time.Second)
	repository := &Repository{GenerationRepository: r, o: o}
	if many, ok := r.(ManyReader); ok {
		repository.reads = &reads{from: many, o: o}
	}
	return repository
}

// Apply implements app.GenerationRepository. A change whose caller hangs up before
// its transaction begins is not written; after that its result is waited for.
func (r *Repository) Apply(ctx context.Context, changes []*app.Change) []error {
	if len(changes) == 0 {
		return nil
	}
	req := &request{ctx: ctx, changes: changes, since: time.Now(), errs: make(chan []error, 1)}
	if r.enter(req) {
		r.lead()
	}
	return <-req.errs
}

// enter reports whether another writer has to begin.
func (r *Repository) enter(req *request) (begin bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = append(r.queue, req)
	switch {
	case r.writers == 0, r.writers < r.o.Writers && len(r.queue) >= r.o.Crowd:
		r.writers++
		return true
	case r.writers < r.o.Writers && !r.alarm:
		r.alarm = true
		time.AfterFunc(r.o.Patience, r.relieve)
	}
	return false
}

// relieve begins another writer if the first in the queue has waited for long enough.
func (r *Repository) relieve() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.alarm = false
	if len(r.queue) == 0 || r.writers == r.o.Writers {
		return // who comes next sounds the alarm again, if it is needed
	}
	if left := r.o.Patience - time.Since(r.queue[0].since); left > 0 {
		r.alarm = true
		time.AfterFunc(left, r.relieve)
		return
	}
	r.writers++
	go r.write()
}

// lead commits one batch as a writer, and leaves what came meanwhile to a goroutine. So
// a lone change is committed by who asks for it, without a switch to another and back.
func (r *Repository) lead() {
	requests := r.take()
	if requests == nil {
		return // another writer was faster
	}
	r.commit(requests)
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.queue) > 0 {
		go r.write()
	} else {
		r.writers--
	}
}

// write commits batches until nothing is left.
func (r *Repository) write() {
	for {
		requests := r.take()
		if requests == nil {
			return
		}
		r.commit(requests)
	}
}

// take gets the next batch, or gives up the writer's place: both under one lock, so
// that no request is left to nobody.
func (r *Repository) take() []*request {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, size := 0, 0
	for n < len(r.queue) && (n == 0 || size+len(r.queue[n].changes) <= r.o.Size) {
		size += len(r.queue[n].changes)
		n++
	}
	if n == 0 {
		r.writers--
		r.queue = nil
		return nil
	}
	requests := r.queue[:n:n]
	r.queue = r.queue[n:]
	return requests
}

func (r *Repository) commit(requests []*request) {
	var changes []*app.Change
	live := requests[:0:0]
	for _, req := range requests {
		if err := req.ctx.Err(); err != nil {
			req.errs <- repeat(err, len(req.changes))
			continue
		}
		live = append(live, req)
		changes = append(changes, req.changes...)
	}
	if len(live) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Timeout)
	defer cancel()
	errs := r.GenerationRepository.Apply(ctx, changes)
	for _, req := range live {
		req.errs <- errs[:len(req.changes):len(req.changes)]
		errs = errs[len(req.changes):]
	}
}

func repeat(err error, n int) []error {
	errs := make([]error, n)
	for i := range errs {
		errs[i] = err
	}
	return errs
}

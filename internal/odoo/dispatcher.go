package odoo

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
)

// dispatcher is where operations of a kind wait for their turn. Nothing waits for a batch
// to fill: an operation that finds a free place goes at once, and while all places
// are taken the others gather, to share the next call.
//
// Of the operations on one reference only the oldest is under way, so that no
// network and no batch can bring them out of order.
type dispatcher struct {
	s      *Service
	single int // places for calls with one operation each

	mu    sync.Mutex
	queue []*operation
	calls int                   // under way
	busy  map[aigen.ID]struct{} // references under way
}

// operation is one that a caller waits for.
type operation struct {
	name opName
	app.CreditOperation
	ctx    context.Context //nolint:containedctx // the caller's: a call goes on while any of its callers waits
	alone  bool            // not to be sent with others any more
	answer chan result     // has room for the one answer
}

// resultFor is the verdict as the caller hears it. An operation that was in a call before,
// which the other side did not take together, may be known over there all the same.
func (o *operation) resultFor(v result) result {
	if o.alone {
		return v.afterCall()
	}
	return v
}

func newDispatcher(s *Service, single int) *dispatcher {
	return &dispatcher{s: s, single: single, busy: map[aigen.ID]struct{}{}}
}

// do has an operation done and waits for what came of it, but not longer than ctx.
// An operation that is still queued when its caller leaves is not sent.
func (l *dispatcher) do(ctx context.Context, name opName, op app.CreditOperation) result {
	if wait := l.s.breaker.openFor(); wait > 0 {
		return stopped(wait)
	}
	o := &operation{name: name, CreditOperation: op, ctx: ctx, answer: make(chan result, 1)}
	if !l.enter(o) {
		return queueFull(l.s.limits.Queue)
	}
	turn := time.NewTimer(l.s.limits.Wait)
	defer turn.Stop()
	for {
		select {
		case v := <-o.answer:
			return v
		case <-ctx.Done():
			l.leave(o)
			return gone(ctx)
		case <-turn.C:
			if l.leave(o) {
				return o.resultFor(busy(l.s.limits.Wait))
			}
		}
	}
}

func (l *dispatcher) enter(o *operation) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) >= l.s.limits.Queue {
		return false
	}
	l.queue = append(l.queue, o)
	l.start()
	return true
}

// leave reports whether the operation was still queued. It is not any more.
func (l *dispatcher) leave(o *operation) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.queue, o)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}

// start begins calls while there are places and operations for them. It needs mu.
func (l *dispatcher) start() {
	for {
		places, size := l.single, 1
		if l.s.batches.on() {
			places, size = l.s.limits.Batches, l.s.limits.BatchSize
		}
		if l.calls >= places {
			return
		}
		ops := l.take(size)
		if len(ops) == 0 {
			return
		}
		l.calls++
		go l.call(ops)
	}
}

// take removes the next operations from the queue, oldest first, and leaves there
// those whose reference is under way. Those that nobody waits for any more go. It
// needs mu.
func (l *dispatcher) take(size int) []*operation {
	var ops []*operation
	rest := l.queue[:0]
	for _, o := range l.queue {
		if o.ctx.Err() != nil {
			continue // its caller has left, or is about to
		}
		_, wait := l.busy[o.Reference]
		full := len(ops) >= size || (len(ops) > 0 && (o.alone || ops[0].alone))
		if wait || full {
			rest = append(rest, o)
			continue
		}
		l.busy[o.Reference] = struct{}{}
		ops = append(ops, o)
	}
	clear(l.queue[len(rest):])
	l.queue = rest
	return ops
}

// call has the operations done in one call and hands out what came of it.
func (l *dispatcher) call(ops []*operation) {
	ctx, end := joinContexts(ops)
	verdicts := l.s.exchange(ctx, ops)
	end()
	if l.s.breaker.openFor() > 0 {
		l.s.rejectAll()
	}

	l.mu.Lock()
	l.calls--
	for _, o := range ops {
		delete(l.busy, o.Reference)
	}
	if verdicts == nil {
		l.again(ops)
	}
	l.start()
	l.mu.Unlock()
	for i, v := range verdicts {
		ops[i].answer <- ops[i].resultFor(v)
	}
}

// again queues operations that the other side did not take together, before all
// others, to be sent alone. It needs mu.
func (l *dispatcher) again(ops []*operation) {
	for _, o := range ops {
		o.alone = true
	}
	l.queue = slices.Concat(ops, l.queue)
}

// rejectAll answers all that are queued: while the breaker is open they would wait in
// vain for calls that hang.
func (l *dispatcher) rejectAll(v result) {
	l.mu.Lock()
	queue := l.queue
	l.queue = nil
	l.mu.Unlock()
	for _, o := range queue {
		o.answer <- o.resultFor(v)
	}
}

func (s *Service) rejectAll() {
	if wait := s.breaker.openFor(); wait > 0 {
		s.reserve.rejectAll(stopped(wait))
		s.settle.rejectAll(stopped(wait))
	}
}

// joinContexts is the context of a call that several wait for: it ends when the last of
// them has left, with that one's reason, and has the values of the first.
func joinContexts(ops []*operation) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(ops[0].ctx))
	var left atomic.Int64
	left.Store(int64(len(ops)))
	stops := make([]func() bool, len(ops))
	for i, o := range ops {
		stops[i] = context.AfterFunc(o.ctx, func() {
			if left.Add(-1) == 0 {
				cancel(o.ctx.Err()) // and not its cause: a deadline is to be told from a caller that left
			}
		})
	}
	return ctx, func() {
		for _, stop := range stops {
			stop()
		}
		cancel(nil)
	}
}

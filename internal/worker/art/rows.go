package art

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// eachRow calls do for each of n rows, from GOMAXPROCS goroutines, and returns the cause
// when ctx ends before the last row. A panic of do, on whichever goroutine, becomes one
// of the caller's, who can recover it. Rows are handed out one by one rather than in fixed
// bands, since sky is cheaper than city; do must depend on nothing but its row.
func eachRow(ctx context.Context, n int, do func(row int)) error {
	var next atomic.Int64
	var broken atomic.Pointer[any]
	work := func() {
		defer func() {
			if fault := recover(); fault != nil {
				broken.CompareAndSwap(nil, &fault)
				next.Store(int64(n)) // no more rows for anybody
			}
		}()
		for ctx.Err() == nil {
			row := int(next.Add(1)) - 1
			if row >= n {
				return
			}
			do(row)
		}
	}
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) - 1 {
		wg.Go(work)
	}
	work() // the caller's goroutine paints too: one core needs no other
	wg.Wait()
	if fault := broken.Load(); fault != nil {
		panic(*fault)
	}
	return context.Cause(ctx)
}

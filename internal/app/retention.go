package app

import (
	"context"
	"time"
)

// Ended generations are removed a page at a time, so that nobody waits for it: at most
// a page in each of so many steps a second, which is more than can be made.
const (
	removeLimit = 200
	removeEvery = 50 * time.Millisecond // between two pages
	removeRest  = time.Minute           // when there was no full one
)

// KeepEnded has the sweeper remove generations, with their runs and events, when they
// ended so long ago; 0 keeps them for good. Call it before Run.
func (w *Sweeper) KeepEnded(retention time.Duration) { w.retention = retention }

// removeEnded works until ctx ends. Several processes may do it on one store.
func (w *Sweeper) removeEnded(ctx context.Context) {
	next := time.NewTimer(removeEvery)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-next.C:
		}
		n, err := w.s.store.RemoveEnded(ctx, w.s.policy.Now().Add(-w.retention), removeLimit)
		switch {
		case err != nil:
			w.complain(ctx, "remove ended generations", err)
			next.Reset(removeRest)
		case n < removeLimit:
			next.Reset(removeRest)
		default:
			next.Reset(removeEvery)
		}
	}
}

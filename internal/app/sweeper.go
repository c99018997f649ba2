package app

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
)

// Sweeper acts on time: stages past their deadline fail, selections that nobody
// made expire, reservations whose answer was lost are asked for again, expired
// idempotency keys go, and so do generations that ended long ago. Several processes
// may sweep one store: the version guards each generation.
type Sweeper struct {
	s         *Service
	every     time.Duration
	purge     time.Duration
	retention time.Duration // of ended generations; 0: for good
}

// NewSweeper builds the sweeper of a service. every is how late a deadline may be
// noticed; default 1 s.
func NewSweeper(s *Service, every time.Duration) *Sweeper {
	return &Sweeper{s: s, every: cmp.Or(every, time.Second), purge: 10 * time.Minute}
}

const (
	sweepLimit = 200
	purgeLimit = 5000
)

// Run sweeps until ctx ends.
func (w *Sweeper) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	if w.retention > 0 {
		wg.Go(func() { w.removeEnded(ctx) }) // apart: deadlines do not wait for it
	}
	tick := time.NewTicker(w.every)
	defer tick.Stop()
	purge := time.NewTicker(w.purge)
	defer purge.Stop()
	for {
		for w.Sweep(ctx) == sweepLimit && ctx.Err() == nil {
			continue // more than one page is due
		}
		select {
		case <-ctx.Done():
			return nil
		case <-purge.C:
			w.purgeKeys(ctx)
		case <-tick.C:
		}
	}
}

// Sweep does what is due now, a page of it, and reports how many generations it
// changed.
func (w *Sweeper) Sweep(ctx context.Context) int {
	ids, err := w.s.store.Due(ctx, w.s.policy.Now(), sweepLimit)
	if err != nil {
		w.complain(ctx, "find what is due", err)
		return 0
	}
	changed := 0
	for _, id := range ids {
		acted := false
		g, err := w.s.Change(ctx, id, func(g *aigen.Generation, _ *Change) (bool, error) {
			var err error
			acted, err = g.Expire(w.s.policy)
			return acted, err
		})
		switch {
		case errors.Is(err, aigen.ErrNotFound):
		case err != nil:
			w.complain(ctx, "act on a deadline", err)
		case acted:
			changed++
			w.s.log.Info("deadline", "generation_id", id, "status", g.Status)
		}
	}
	return changed
}

func (w *Sweeper) purgeKeys(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := w.s.store.Purge(ctx, w.s.policy.Now(), purgeLimit)
		if err != nil {
			w.complain(ctx, "remove expired idempotency keys", err)
			return
		}
		if n < purgeLimit {
			return
		}
	}
}

func (w *Sweeper) complain(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		w.s.log.Error(what, "error", err)
	}
}

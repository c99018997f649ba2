package assets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/outbox"
	"github.com/creativeflow/aigen/internal/safehttp"
)

const (
	copiesAtOnce = 6  // each has a picture of up to MaxBytes in memory
	copiesOpen   = 24 // claimed together
)

// accepted is what the copies ask sources for.
const accepted = "image/png, image/jpeg, image/webp"

// ingest copies pictures from engines. It is the handler of the queue of assets.
type ingest struct {
	s      *Service
	places chan struct{}
}

// Handler is the handler of the queue of assets.
func (s *Service) Handler() outbox.Handler {
	return &ingest{s: s, places: make(chan struct{}, copiesAtOnce)}
}

// MaxInFlight implements outbox.Handler.
func (h *ingest) MaxInFlight() int { return copiesOpen }

// Deliver implements outbox.Handler.
func (h *ingest) Deliver(ctx context.Context, ds []outbox.Delivery, done func(i int, err error)) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for i, d := range ds {
		select {
		case h.places <- struct{}{}:
		case <-ctx.Done():
			done(i, outbox.ErrReturned)
			continue
		}
		wg.Go(func() {
			defer func() { <-h.places }()
			err := h.s.copy(ctx, d)
			if ctx.Err() != nil {
				err = outbox.ErrReturned
			}
			done(i, err)
		})
	}
}

// copy is idempotent: whoever repeats it after a crash at any step finds a row that says
// what is left to do, and writes the same object.
func (s *Service) copy(ctx context.Context, d outbox.Delivery) error {
	var p app.IngestPayload
	if err := json.Unmarshal(d.Payload, &p); err != nil {
		return &outbox.PermanentError{Err: fmt.Errorf("read ingest: %w", err)}
	}
	a, err := s.c.Repository.Asset(ctx, p.Name)
	switch {
	case errors.Is(err, ErrNoAsset):
		// It was removed. An earlier try may have put bytes there after that.
		return s.c.Objects.Delete(ctx, allKeys(p.Name)...)
	case err != nil:
		return err
	case a.State == aigen.AssetStored:
		return nil
	}
	data, err := s.source(ctx, a.SourceURL)
	if err != nil {
		return permanent(err)
	}
	facts, err := s.decodeAndKeep(ctx, a, data)
	if err != nil {
		return permanent(err)
	}
	there, err := s.c.Repository.FinishAsset(ctx, a.Name, facts, time.Time{})
	switch {
	case err != nil:
		return err
	case !there:
		return s.copy(ctx, d) // removed meanwhile, or finished by another process
	}
	if s.c.Local != nil && s.c.Local.Owns(a.SourceURL) {
		s.c.Local.Release(a.SourceURL)
	}
	return nil
}

func (s *Service) decodeAndKeep(ctx context.Context, a aigen.StoredAsset, data []byte) (aigen.AssetFacts, error) {
	info, img, done, err := s.decode(ctx, data)
	if err != nil {
		return aigen.AssetFacts{}, err
	}
	defer done()
	return s.keep(ctx, a, data, info, img)
}

func (s *Service) source(ctx context.Context, address string) ([]byte, error) {
	if s.c.Local != nil && s.c.Local.Owns(address) {
		return s.c.Local.Read(address)
	}
	return s.c.Fetcher.Get(ctx, address, accepted)
}

// permanent marks the errors that no repeat can help.
func permanent(err error) error {
	for _, kind := range []error{safehttp.ErrForbidden, safehttp.ErrAddress, safehttp.ErrTooLarge, safehttp.ErrRedirects} {
		if errors.Is(err, kind) {
			return &outbox.PermanentError{Err: err}
		}
	}
	var known *aigen.Error
	if errors.As(err, &known) {
		return &outbox.PermanentError{Err: known}
	}
	return err
}

// Unavailable implements outbox.Handler. Each source is for itself.
func (h *ingest) Unavailable(error) bool { return false }

// GiveUp implements outbox.Handler.
func (h *ingest) GiveUp(_ outbox.Delivery, _ error, exhausted bool) bool { return exhausted }

// RetryAt implements outbox.Handler: a source may say when.
func (h *ingest) RetryAt(_ outbox.Delivery, err error) time.Time {
	var status *safehttp.StatusError
	if errors.As(err, &status) && status.RetryAfter() > 0 {
		return h.s.now().Add(status.RetryAfter())
	}
	return time.Time{}
}

// OnDeadLetter implements outbox.Handler. The user is told that the picture is lost; the
// dead row shows the cause to operators, who may have it tried again.
func (h *ingest) OnDeadLetter(ctx context.Context, d outbox.Delivery) error {
	var p app.IngestPayload
	if err := json.Unmarshal(d.Payload, &p); err != nil {
		return nil //nolint:nilerr // the row says so
	}
	s := h.s
	lost, err := s.c.Repository.LoseAsset(ctx, p.Name)
	switch {
	case err != nil:
		return err
	case !lost:
		a, err := s.c.Repository.Asset(ctx, p.Name)
		if errors.Is(err, ErrNoAsset) || err == nil && a.State == aigen.AssetStored {
			return outbox.ErrNotWanted
		}
		if err != nil {
			return err
		}
		// It was lost before: the event may not have been written.
	}
	_, err = s.c.Generations.Change(ctx, d.GenerationID, func(g *aigen.Generation, _ *app.Change) (bool, error) {
		return g.AssetLost(s.c.Policy, p.Name), nil
	})
	if errors.Is(err, aigen.ErrNotFound) {
		return outbox.ErrNotWanted
	}
	return err
}

package operations

import (
	"context"
	"sync"
	"time"

	"github.com/creativeflow/aigen/internal/outbox"
)

// The store says how the outbox is, not how it was. A sample now and then, kept in
// memory for an hour, is enough to see whether a lane fills or drains.
const (
	outboxSampleEvery = 10 * time.Second
	outboxSamples     = 360
)

// OutboxSample is how the outbox was at one moment.
type OutboxSample struct {
	At     time.Time
	Queues []outbox.QueueStats
}

type outboxHistory struct {
	mu   sync.Mutex
	list []OutboxSample
}

func (h *outboxHistory) add(s OutboxSample) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.list) == outboxSamples {
		h.list = append(h.list[:0], h.list[1:]...)
	}
	h.list = append(h.list, s)
}

func (h *outboxHistory) all() []OutboxSample {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]OutboxSample(nil), h.list...)
}

// sampleOutbox leaves a gap where the store does not answer: the log has that already.
func (o *Service) sampleOutbox(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, outboxSampleEvery)
	defer cancel()
	if stats, err := o.store.Stats(ctx); err == nil {
		o.history.add(OutboxSample{At: o.now(), Queues: stats.Outbox})
	}
}

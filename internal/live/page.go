package live

import (
	"context"
	"iter"
	"slices"

	"github.com/creativeflow/aigen"
)

// Bounds of what is read of the store, and kept, at a time. An event may have 8 assets
// of 20 KiB each, and the one who asked for it may read slowly.
const (
	eventPage      = 20
	eventPageBytes = 256 << 10
)

// eventPages reads events in pages. The zero value is ready.
type eventPages struct{ size int }

// read gets the next page; more says that another may follow.
func (p *eventPages) read(fetch func(limit int) ([]aigen.Event, error)) (page []aigen.Event, more bool, err error) {
	if p.size == 0 {
		p.size = eventPage
	}
	if page, err = fetch(p.size); err != nil {
		// A caller that waits in pieces may have given this too little time, and would
		// do so again and again.
		p.size = max(1, p.size/2)
		return nil, false, err
	}
	more = len(page) == p.size
	n := fitting(page)
	p.size = min(eventPage, 2*p.size)
	if n < len(page) {
		p.size = n
		return slices.Clone(page[:n]), true, nil // the others are not to be kept
	}
	return page, more, nil
}

// fitting is how many events make up a page: at least one.
func fitting(events []aigen.Event) int {
	bytes := 0
	for i := range events {
		if bytes += eventBytes(&events[i]); bytes > eventPageBytes {
			return max(1, i)
		}
	}
	return len(events)
}

// eventBytes is what an event takes up, roughly.
func eventBytes(e *aigen.Event) int {
	n := 512
	for i := range e.Data.SampleAssets {
		n += assetBytes(&e.Data.SampleAssets[i])
	}
	if e.Data.FinalAsset != nil {
		n += assetBytes(e.Data.FinalAsset)
	}
	return n
}

func assetBytes(a *aigen.Asset) int {
	return 128 + len(a.AssetID) + len(a.URL) + len(a.Metadata)
}

// Each yields the events of a generation after event number after, as they are in the
// store. The error is the last that it yields.
func (h *Hub) Each(ctx context.Context, generation aigen.ID, after int64) iter.Seq2[aigen.Event, error] {
	return func(yield func(aigen.Event, error) bool) {
		var pages eventPages
		for more := true; more; {
			var page []aigen.Event
			var err error
			page, more, err = pages.read(func(limit int) ([]aigen.Event, error) { return h.c.Store.Events(ctx, generation, after, limit) })
			if err != nil {
				yield(aigen.Event{}, err)
				return
			}
			for _, e := range page {
				after = e.Seq
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

package live_test

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/live"
)

func largeEvent(bytesOfMetadata int) aigen.Event {
	metadata := json.RawMessage(`"` + string(bytes.Repeat([]byte("m"), bytesOfMetadata)) + `"`)
	return aigen.Event{Data: aigen.EventData{SampleAssets: []aigen.Asset{{Metadata: metadata}}}}
}

func TestFittingEvents(t *testing.T) {
	t.Parallel()
	small, large, huge := largeEvent(10), largeEvent(100<<10), largeEvent(1<<20)
	for _, c := range []struct {
		events []aigen.Event
		want   int
	}{
		{nil, 0},
		{[]aigen.Event{small, small, small}, 3},
		{[]aigen.Event{large, large, large, large}, 2},
		{[]aigen.Event{huge, small}, 1},
		{[]aigen.Event{small, huge}, 1},
	} {
		assert.Equal(t, c.want, live.FittingEvents(c.events))
	}
}

// TestEventPagesOfASlowStore: a store that brings three events in the time that there is,
// and no more, brings all of them in the end.
func TestEventPagesOfASlowStore(t *testing.T) {
	t.Parallel()
	const all = 100
	var pages live.EventPages
	var seen []int64
	for tries := 0; ; tries++ {
		if !assert.Less(t, tries, 10*all, "it does not end") {
			return
		}
		page, more, err := live.ReadEvents(&pages, func(limit int) (list []aigen.Event, err error) {
			if limit > 3 {
				return nil, context.DeadlineExceeded
			}
			for n := int64(len(seen)) + 1; n <= all && len(list) < limit; n++ {
				list = append(list, aigen.Event{Seq: n})
			}
			return list, nil
		})
		if err != nil {
			continue
		}
		for _, e := range page {
			seen = append(seen, e.Seq)
		}
		if !more {
			break
		}
	}
	assert.Len(t, seen, all)
	assert.IsIncreasing(t, seen)
}

package app_test

import (
	"bytes"
	"encoding/json"
	"testing"

	aigen "github.com/creativeflow/aigen-orchestrator"
	"github.com/creativeflow/aigen-orchestrator/internal/app"
	"github.com/stretchr/testify/assert"
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
		assert.Equal(t, c.want, app.FittingEvents(c.events))
	}
}

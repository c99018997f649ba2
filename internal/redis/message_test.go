package redis

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

var replicaA, replicaB, user = aigen.ID{1}, aigen.ID{2}, aigen.ID{3}

// fullEvent has every field set.
func fullEvent() aigen.Event {
	percent := 7
	asset := aigen.Asset{AssetID: "a", URL: "/a.png", Width: 1, Height: 2, Format: "png", Metadata: json.RawMessage(`{"k":[1]}`)}
	return aigen.Event{
		GenerationID: aigen.ID{4}, UserID: user, Seq: 5, Position: 6, Type: aigen.EventCompleted,
		At: time.Date(2026, 11, 24, 1, 2, 3, 456_789_000, time.UTC),
		Data: aigen.EventData{
			GenerationID: aigen.ID{4}, ProjectID: aigen.ID{8}, Status: aigen.StatusCompleted, Stage: aigen.StageFinal, Attempt: 9,
			Credits:      aigen.CreditTotals{Reserved: 150, Deducted: 100, Refunded: 50},
			SampleAssets: []aigen.Asset{asset, asset}, SelectedSampleID: "a", FinalAssetID: "f", FinalAsset: &asset,
			Error: &aigen.Failure{Code: "c", Message: "m", Retryable: true}, Progress: &percent,
		},
	}
}

func TestMessagesAreWhole(t *testing.T) {
	t.Parallel()
	events := []aigen.Event{fullEvent(), {UserID: user, Type: aigen.EventProgress, At: time.Unix(1, 0).UTC()}}
	m := newMessage(replicaA, user, events)
	assert.False(t, m.passing)
	got, own, err := read(replicaB, user, string(m.payload))
	require.NoError(t, err)
	assert.False(t, own)
	assert.Equal(t, events, got)
	_, own, err = read(replicaA, user, string(m.payload))
	require.NoError(t, err)
	assert.True(t, own)
	assert.True(t, newMessage(replicaA, user, events[1:]).passing)
}

func FuzzRead(f *testing.F) {
	f.Add(string(newMessage(replicaA, user, []aigen.Event{fullEvent()}).payload))
	f.Add(string(nudge(replicaA, user).payload))
	f.Add("")
	f.Add("e0123456789abcdef[]")
	f.Fuzz(func(t *testing.T, payload string) {
		events, own, err := read(replicaB, user, payload)
		if err != nil || own {
			require.Empty(t, events)
			return
		}
		for _, e := range events {
			require.Equal(t, user, e.UserID, "no message brings another user's events")
		}
		if len(events) > 0 {
			again, _, err := read(replicaB, user, string(newMessage(replicaA, user, events).payload))
			require.NoError(t, err)
			if len(again) > 0 { // else too large: a nudge
				require.Len(t, again, len(events))
			}
		}
	})
}

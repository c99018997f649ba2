package redis_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
	"github.com/creativeflow/aigen/internal/app"
	"github.com/creativeflow/aigen/internal/live"
	"github.com/creativeflow/aigen/internal/redis"
)

func samples(metadata json.RawMessage) aigen.Report {
	return aigen.Report{Kind: aigen.ReportSamples, Stage: aigen.StageSamples, AIModelUsed: "test", Samples: []aigen.Asset{
		{AssetID: "s1", URL: "/assets/1.png", Width: 512, Height: 512, Format: "png", Metadata: metadata},
		{AssetID: "s2", URL: "/assets/2.png", Metadata: metadata},
	}}
}

// What one replica writes, and progress, which is written nowhere, reaches a stream
// of the other, whole.
func TestEventsReachTheOtherReplica(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	stream := a.follow(admin(t, s.URL()))
	b.untilLive()

	id := b.mustCreate()
	assert.Equal(t, aigen.EventCreated, next(t, stream).Type)
	percent := 40
	p, err := b.ProcessN8NResult(t.Context(), app.ProcessResult{GenerationID: id, Report: aigen.Report{JobID: b.job(id)}, Progress: &percent})
	require.NoError(t, err)
	require.Equal(t, aigen.OutcomeApplied, p.Outcome)
	e := next(t, stream)
	require.Equal(t, aigen.EventProgress, e.Type)
	assert.Equal(t, &percent, e.Data.Progress)
	b.report(id, samples(json.RawMessage(`{"seed":7}`)))
	e = next(t, stream)
	stored, err := a.store.UserEvents(t.Context(), a.user, 1, 10)
	require.NoError(t, err)
	assert.Equal(t, []aigen.Event{e}, stored, "what came by the bus is what came by the store would be")

	before := a.bus.Stats()
	assert.EqualValues(t, 3, before.Received)
	assert.Zero(t, before.Missed)
	b.until("the count of what was sent", func() bool { return b.bus.Stats() == redis.BusStats{Sent: 3} })
}

// The stream of a generation ends at the other replica too.
func TestStreamOfAGenerationEnds(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	id := a.mustCreate()
	stream, err := a.StreamGeneration(t.Context(), a.user, id, 0)
	require.NoError(t, err)
	defer stream.Close()
	assert.Equal(t, aigen.EventCreated, next(t, stream).Type)
	_, _, err = b.CancelGeneration(t.Context(), app.CancelGeneration{UserID: b.user, GenerationID: id})
	require.NoError(t, err)
	assert.Equal(t, aigen.EventCancelled, next(t, stream).Type)
}

// A replica hands its own events to its streams at once, and leaves them alone when
// they come back by Redis.
func TestOwnEventsAreNotReceived(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	from := admin(t, s.URL())
	mine, theirs := a.follow(from), b.follow(from)
	for range 10 {
		id := a.mustCreate()
		assert.Equal(t, id, next(t, mine).GenerationID)
		assert.Equal(t, id, next(t, theirs).GenerationID)
	}
	assert.Zero(t, a.bus.Stats().Received)
	assert.EqualValues(t, 10, b.bus.Stats().Received)
}

// Only replicas with a stream of the user get the user's events.
func TestOnlyWhatIsWatchedIsCarried(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	from := admin(t, s.URL())
	a.untilLive()
	b.untilLive()
	assert.Zero(t, subscribers(t, from, a.user))
	b.mustCreate()
	b.until("the message is sent", func() bool { return b.bus.Stats().Sent == 1 })
	first, err := a.StreamUser(t.Context(), a.user, nil)
	require.NoError(t, err)
	second, err := a.StreamUser(t.Context(), a.user, nil)
	require.NoError(t, err)
	a.until("one subscription for two streams", func() bool { return subscribers(t, from, a.user) == 1 })
	first.Close()
	id := b.mustCreate()
	assert.Equal(t, id, next(t, second).GenerationID)
	// A stream that has just begun may have read it from the store, before it came.
	a.until("the message has come", func() bool { return a.bus.Stats().Received == 1 })
	second.Close()
	a.until("no subscription", func() bool { return subscribers(t, from, a.user) == 0 })
	assert.EqualValues(t, 1, a.bus.Stats().Received)
}

// An event too large for a message is announced, and read from the store.
func TestLargeEvents(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	id := b.mustCreate()
	stream := a.follow(admin(t, s.URL()))
	large, err := json.Marshal(map[string]string{"x": strings.Repeat("x", aigen.MaxAssetMetadata-100)})
	require.NoError(t, err)
	report := samples(large)
	report.Samples = append(report.Samples, aigen.Asset{AssetID: "s3", URL: "/assets/3.png", Metadata: large})
	b.report(id, report)
	e := next(t, stream)
	assert.Equal(t, aigen.EventSamplesReady, e.Type)
	require.Len(t, e.Data.SampleAssets, 3)
	assert.JSONEq(t, string(large), string(e.Data.SampleAssets[2].Metadata))
}

// What is no message of ours, or one of a later version, shows nothing false to
// anybody and loses nothing.
func TestStrangeMessages(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, _ := replicas(t, s.URL(), never)
	from := admin(t, s.URL())
	stream := a.follow(from)
	origin := newID()
	for _, payload := range []string{
		"", "e", "hello", "e" + string(origin[:]), "e" + string(origin[:]) + "[", "e" + string(origin[:]) + `[{"seq":"1"}]`,
		"e" + string(origin[:]) + "[]", "z" + string(origin[:]) + `[{"position":1}]`,
		// From the past, and from a future that the store does not know of.
		"e" + string(origin[:]) + `[{"position":0,"type":"generation_created","seq":0,"data":{"status":"Pending"}}]`,
		"e" + string(origin[:]) + `[{"position":99,"type":"generation_failed","seq":99,"data":{"status":"Failed"}}]`,
	} {
		require.NoError(t, from.Publish(t.Context(), "aigen:events:0:"+a.user.String(), payload).Err())
	}
	id := a.mustCreate()
	for {
		e := next(t, stream)
		if stream.Number(e) == 0 {
			continue
		}
		assert.Equal(t, id, e.GenerationID)
		assert.EqualValues(t, 1, e.Position)
		break
	}
	assert.True(t, a.bus.Live())
}

// Streams that come and go by the hundred leave each open one with its events.
func TestManyFollow(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, b := replicas(t, s.URL(), never)
	a.untilLive()
	b.untilLive()
	users := make([]aigen.ID, 5)
	for i := range users {
		users[i] = newID()
	}
	var wg sync.WaitGroup
	for i := range 25 {
		wg.Go(func() {
			for range 8 {
				other := *b
				other.user = users[i%len(users)]
				after := int64(0)
				stream, err := a.StreamUser(t.Context(), other.user, &after)
				if !assert.NoError(t, err) {
					return
				}
				id, err := other.create()
				assert.NoError(t, err)
				assert.True(t, sees(t, stream, id))
				stream.Close()
			}
		})
	}
	wg.Wait()
	from := admin(t, s.URL())
	for _, user := range users {
		a.until("no subscription is left", func() bool { return subscribers(t, from, user) == 0 })
	}
}

// sees reads a stream, which must have no gap, up to the beginning of a generation.
func sees(t *testing.T, s *live.Stream, id aigen.ID) bool {
	ctx, cancel := context.WithTimeout(t.Context(), timely)
	defer cancel()
	last := int64(0)
	for {
		e, err := s.Next(ctx)
		if !assert.NoError(t, err) || !assert.Equal(t, last+1, e.Position) {
			return false
		}
		last = e.Position
		if e.GenerationID == id {
			return true
		}
	}
}

// What waits when the service stops is sent before it ends.
func TestStopSendsWhatWaits(t *testing.T) {
	t.Parallel()
	s := server(t)
	a, _ := replicas(t, s.URL(), never)
	stream := a.follow(admin(t, s.URL()))
	client, _ := connect(t, s.URL())
	bus := redis.NewBus(client, newID())
	percent := 50
	bus.Publish([]aigen.Event{{
		UserID: a.user, Type: aigen.EventProgress, At: time.Now(),
		Data: aigen.EventData{Status: aigen.StatusProcessingSamples, Progress: &percent},
	}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, bus.Run(ctx, a.hub))
	assert.Equal(t, aigen.EventProgress, next(t, stream).Type)
}

package redis

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

func numbered(n int) aigen.ID { return aigen.ID{byte(n >> 16), byte(n >> 8), byte(n)} }

func kept(n int) message {
	return newMessage(replicaA, numbered(n), []aigen.Event{{Position: 1}})
}

func passing(n int) message {
	m := kept(n)
	m.passing = true
	return m
}

func all(o *outbox) (messages []message) {
	for batch := o.take(); len(batch) > 0; batch = o.take() {
		messages = append(messages, batch...)
	}
	return messages
}

func TestOutboxKeepsTheOrder(t *testing.T) {
	t.Parallel()
	o := newOutbox(replicaA)
	for i := range 1000 {
		o.put(kept(i))
	}
	got := all(o)
	require.Len(t, got, 1000)
	for i, m := range got {
		require.Equal(t, kept(i), m)
	}
	assert.Zero(t, o.missedCount())
	assert.Zero(t, o.bytes)
}

// What there is no room for becomes one nudge a user; progress is just lost.
func TestOutboxIsBounded(t *testing.T) {
	t.Parallel()
	o := newOutbox(replicaA)
	first, second, progress := kept(1), kept(2), passing(3)
	for range 10_000 {
		o.put(first)
		o.put(second)
		o.put(progress)
	}
	assert.Len(t, o.queue, maxQueued)
	got := all(o)
	require.Len(t, got, maxQueued+2)
	assert.ElementsMatch(t, []message{nudge(replicaA, kept(1).user), nudge(replicaA, kept(2).user)}, got[maxQueued:])
	assert.EqualValues(t, 30_000-maxQueued, o.missedCount())

	large := message{user: user, payload: make([]byte, maxMessage)}
	for range 1000 {
		o.put(large)
	}
	assert.LessOrEqual(t, o.bytes, maxQueuedBytes)
	many := make([]message, 2*maxOwed)
	for i := range many {
		many[i] = nudge(replicaA, numbered(i))
	}
	o.fail(many)
	assert.LessOrEqual(t, len(o.owed), maxOwed)
	assert.Empty(t, o.queue)
}

// What could not be sent is made up for by nudges, which may fail as well, and are
// then owed again.
func TestOutboxFails(t *testing.T) {
	t.Parallel()
	o := newOutbox(replicaA)
	for i := range 600 {
		o.put(kept(i % 300))
	}
	o.put(passing(1000))
	o.fail(o.take())
	assert.EqualValues(t, 601, o.missedCount())
	o.fail(o.take())
	got := all(o)
	require.Len(t, got, 300)
	for _, m := range got {
		require.Equal(t, nudge(replicaA, m.user), m)
	}
	assert.EqualValues(t, 601, o.missedCount(), "a nudge that fails loses nothing more")
}

package aigen_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen"
)

// Who failed it and why stands beside what users see, and the credits are free.
func TestFailByOperator(t *testing.T) {
	t.Parallel()
	for _, status := range aigen.Statuses() {
		if status.Ended() {
			continue
		}
		w := setup()
		g := w.in(t, status)
		note := aigen.OperatorNote{ID: w.newID(), Reason: "  the engine is gone "}
		require.NoError(t, g.FailByOperator(w.Policy, note), status)
		assert.Equal(t, aigen.StatusFailed, g.Status)
		assert.Equal(t, aigen.CodeFailedByOperator, g.Failure.Code)
		assert.Zero(t, g.Totals().Held(), "nothing stays reserved")
		events, effects := g.Drain()
		require.Len(t, events, 1)
		assert.Equal(t, aigen.EventFailed, events[0].Type)
		assert.Equal(t, &aigen.OperatorNote{ID: note.ID, Reason: "the engine is gone"}, events[0].Operator)
		assert.NotContains(t, g.Failure.Message, "engine", "the reason is for operators")
		assert.Contains(t, kinds(effects), aigen.EffectNotify)
	}
}

func TestOperatorNoteIsChecked(t *testing.T) {
	t.Parallel()
	w := setup()
	for name, note := range map[string]aigen.OperatorNote{
		"nobody":    {Reason: "why"},
		"no reason": {ID: w.newID(), Reason: " \n"},
		"a novel":   {ID: w.newID(), Reason: strings.Repeat("ü", aigen.MaxReason+1)},
	} {
		g := w.in(t, aigen.StatusProcessingSamples)
		before := snapshot(t, g)
		require.ErrorIs(t, g.FailByOperator(w.Policy, note), aigen.ErrInvalidInput, name)
		assert.Equal(t, before, snapshot(t, g), name)
	}
	g := w.in(t, aigen.StatusProcessingSamples)
	require.NoError(t, g.FailByOperator(w.Policy, aigen.OperatorNote{ID: w.newID(), Reason: strings.Repeat("ü", aigen.MaxReason)}))
}

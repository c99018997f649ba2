package aigen_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/creativeflow/aigen"
)

// TestTransitions repeats the picture of the contract's section 2, pair by pair.
func TestTransitions(t *testing.T) {
	t.Parallel()
	const (
		pending, samples = aigen.StatusPending, aigen.StatusProcessingSamples
		choice, final    = aigen.StatusAwaitingSelection, aigen.StatusProcessingFinal
		done, failed     = aigen.StatusCompleted, aigen.StatusFailed
		cancelled        = aigen.StatusCancelled
		rejected         = aigen.StatusContentRejected
	)
	picture := map[[2]aigen.Status]bool{
		{pending, samples}: true, {samples, choice}: true, {choice, final}: true, {final, done}: true,
		{choice, samples}: true, // regenerate
		{pending, final}:  true, // no samples are asked for
		{pending, failed}: true, {samples, failed}: true, {choice, failed}: true, {final, failed}: true,
		{pending, cancelled}: true, {samples, cancelled}: true, {choice, cancelled}: true, {final, cancelled}: true,
		{samples, rejected}: true, {final, rejected}: true,
	}
	all := append(aigen.Statuses(), "", "Unknown", "completed")
	for _, from := range all {
		for _, to := range all {
			assert.Equal(t, picture[[2]aigen.Status{from, to}], from.CanMoveTo(to), "%q to %q", from, to)
		}
	}
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	ends := map[aigen.Status]bool{
		aigen.StatusPending: false, aigen.StatusProcessingSamples: false,
		aigen.StatusAwaitingSelection: false, aigen.StatusProcessingFinal: false,
		aigen.StatusCompleted: true, aigen.StatusFailed: true,
		aigen.StatusCancelled: true, aigen.StatusContentRejected: true,
	}
	assert.Len(t, aigen.Statuses(), len(ends))
	for _, s := range aigen.Statuses() {
		end, known := ends[s]
		assert.True(t, known && s.Valid(), s)
		assert.Equal(t, end, s.Ended(), s)
	}
	for _, s := range []aigen.Status{"", "Unknown", "completed"} {
		assert.False(t, s.Valid(), s)
		assert.False(t, s.Ended(), "what is not known is no end: %q", s)
	}
}

package art

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestEachRowPaintsEachRowOnce(t *testing.T) {
	t.Parallel()
	rows := make([]int, 1000)
	require.NoError(t, eachRow(t.Context(), len(rows), func(row int) { rows[row]++ }))
	for row, n := range rows {
		require.Equal(t, 1, n, row)
	}
}

// A defect in the painting of one row, on whichever goroutine, must not end the
// process: the engine recovers it on the goroutine that asked.
func TestEachRowPassesPanicsOn(t *testing.T) {
	t.Parallel()
	for _, broken := range []int{0, 1, 500, 999} {
		assert.PanicsWithValue(t, "a defect", func() {
			_ = eachRow(t.Context(), 1000, func(row int) {
				if row == broken {
					panic("a defect")
				}
			})
		}, broken)
	}
}

func TestEachRowStops(t *testing.T) {
	t.Parallel()
	why := errors.New("not wanted any more")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := eachRow(ctx, 1_000_000, func(int) { cancel(why) })
	assert.ErrorIs(t, err, why)
}

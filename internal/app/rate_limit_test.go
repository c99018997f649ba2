package app_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/creativeflow/aigen/internal/app"
)

func TestRateDecision(t *testing.T) {
	t.Parallel()
	sixty := app.Rate{Requests: 60, Per: time.Minute}
	for _, c := range []struct {
		used      time.Duration
		remaining int
		reset     time.Duration
	}{
		{0, 60, 0},
		{1, 59, 1},
		{time.Second, 59, time.Second},
		{1500 * time.Millisecond, 58, 500 * time.Millisecond},
		{59 * time.Second, 1, time.Second},
		{59*time.Second + 1, 0, 1},
		{time.Minute, 0, time.Second},
	} {
		d := sixty.Decision(c.used, true)
		assert.Equal(t, app.RateDecision{OK: true, Rate: sixty, Remaining: c.remaining, Reset: c.reset}, d, c.used)
		// What is said to be left is what would be let through.
		used, n := c.used, 0
		for {
			after, ok := sixty.Take(used)
			if !ok {
				require.Equal(t, used, after)
				break
			}
			used, n = after, n+1
		}
		assert.Equal(t, c.remaining, n, c.used)
		// And after the reset it is one more.
		if c.reset > 0 {
			assert.Equal(t, c.remaining+1, sixty.Decision(c.used-c.reset, true).Remaining, c.used)
			assert.Equal(t, c.remaining, sixty.Decision(c.used-c.reset+1, true).Remaining, c.used)
		}
	}
}

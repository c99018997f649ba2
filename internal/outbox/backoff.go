package outbox

import (
	"math/rand/v2"
	"time"
)

// Backoff is an exponential delay with jitter.
type Backoff struct {
	Base time.Duration // before the second attempt
	Max  time.Duration
}

// Delay is the wait before the attempt that follows attempt number n (1 for the first): Base
// doubled n-1 times, at most Max. The upper half is random, so that deliveries that failed
// at the same time are not tried again at the same time.
func (b Backoff) Delay(n int) time.Duration {
	d := b.Max
	if shift := n - 1; shift < 32 && b.Base<<shift>>shift == b.Base && b.Base<<shift < b.Max {
		d = b.Base << max(shift, 0)
	}
	return jitter(d)
}

// jitter returns a random duration from half of d to d.
func jitter(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1) //nolint:gosec // G404: jitter, not a secret
}

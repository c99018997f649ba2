package main

import (
	"math"
	"math/bits"
	"time"
)

// histogram counts durations in buckets that grow with them: each is within 3 % of
// what was measured. It is for one goroutine; merge adds others.
type histogram struct {
	counts [64 * subBuckets]uint32
	n      int
	max    time.Duration
}

const (
	subBits    = 5
	subBuckets = 1 << subBits
)

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(uint64(d))]++
	h.n++
	h.max = max(h.max, d)
}

func bucketOf(v uint64) int {
	if v < subBuckets {
		return int(v)
	}
	shift := bits.Len64(v) - subBits - 1
	return (shift+1)*subBuckets + int(v>>shift)%subBuckets
}

// upper is the largest value that falls into a bucket.
func upper(bucket int) time.Duration {
	if bucket < subBuckets {
		return time.Duration(bucket)
	}
	shift := bucket/subBuckets - 1
	v := uint64(subBuckets+bucket%subBuckets+1)<<shift - 1
	return time.Duration(min(v, math.MaxInt64))
}

func (h *histogram) merge(o *histogram) {
	for i, n := range o.counts {
		h.counts[i] += n
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}

// quantile is the duration that a share q of all did not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	want := int(math.Ceil(q * float64(h.n)))
	seen := 0
	for i, n := range h.counts {
		if seen += int(n); n > 0 && seen >= want {
			return min(upper(i), h.max)
		}
	}
	return h.max
}

package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestQuantiles(t *testing.T) {
	t.Parallel()
	var whole histogram
	all := make([]time.Duration, 0, 40_000)
	for range 4 {
		var part histogram
		for range 10_000 {
			d := time.Duration(rand.ExpFloat64() * float64(10*time.Millisecond))
			part.add(d)
			all = append(all, d)
		}
		whole.merge(&part)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99, 1} {
		exact := all[int(q*float64(len(all)))-1]
		assert.InEpsilon(t, float64(exact), float64(whole.quantile(q)), 0.04, "quantile %g", q)
	}
	assert.Equal(t, all[len(all)-1], whole.max)
	assert.Zero(t, new(histogram).quantile(0.99))
}

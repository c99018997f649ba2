package config

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the code takes for granted about the tags.
func TestTags(t *testing.T) {
	t.Parallel()
	var c Config
	for _, f := range fieldsOf(&c) {
		low, high := f.tag.Get("min"), f.tag.Get("max")
		if _, isDuration := f.value.Interface().(time.Duration); !isDuration {
			for _, bound := range []string{low, high} {
				_, err := strconv.Atoi(bound)
				assert.True(t, bound == "" || err == nil, f.name)
			}
		}
		switch f.value.Interface().(type) {
		case time.Duration:
			least, err := time.ParseDuration(low)
			require.NoError(t, err, f.name)
			_, err = time.ParseDuration(high)
			require.NoError(t, err, f.name)
			assert.GreaterOrEqual(t, least, time.Duration(0), f.name)
		case int, Hundredths:
			assert.NotEmpty(t, low, f.name)
			assert.NotEmpty(t, high, f.name)
		case URL:
			assert.NotEmpty(t, f.tag.Get("schemes"), f.name)
		case Secret, []Secret:
			assert.Empty(t, f.tag.Get("default"), "%s: a default secret is known to everyone", f.name)
			assert.NotEmpty(t, high, f.name)
		}
		if text := f.defaultText(); text != "" {
			require.NoError(t, f.set(text), f.name)
		}
	}
	assert.Equal(t, "64", strconv.Itoa(maxConcurrency), "as in the tag of WORKER_CONCURRENCY")
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"LOG", "LOG", 0}, {"LOG", "LG", 1}, {"LG", "LOG", 1}, {"LOG", "LAG", 1}, {"LOG", "LGO", 2}, {"A", "ABCD", 3}, {"ABC", "XYZ", 3},
	} {
		assert.Equal(t, tt.want, editDistance(tt.a, tt.b), "%s %s", tt.a, tt.b)
	}
}

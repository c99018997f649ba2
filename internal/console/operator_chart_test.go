package console

import (
	"math"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func times(n int) (all []time.Time) {
	for i := range n {
		all = append(all, time.Date(2026, 11, 23, 10, i, 0, 0, time.UTC))
	}
	return all
}

func TestAxis(t *testing.T) {
	t.Parallel()
	for greatest, want := range map[float64]float64{0: 1, 1: 1, 1.5: 2, 3: 4, 7: 8, 8.1: 10, 99: 100, 101: 200, .03: .04} {
		assert.InDelta(t, want, axis(greatest), 1e-9, greatest)
	}
	assert.InDelta(t, 1, axis(math.NaN()), 0)
	for greatest, want := range map[float64]float64{0: .1, 3: 4, 11: 20, 41: 60, 61: 120, 3000: 3600, 90000: 172800, 1e7: 116 * 86400} {
		assert.GreaterOrEqual(t, timeAxis(greatest), greatest)
		if greatest < 1e7 {
			assert.InDelta(t, want, timeAxis(greatest), 1e-9, greatest)
		}
	}
}

// What is stacked fills a slot from below, without gaps, and stays within the drawing.
func TestStacked(t *testing.T) {
	t.Parallel()
	c := stacked(chart{Title: "Ends"}, times(3), []series{
		{"a", "good", []float64{1, 0, 6}, "7"}, {"b", "bad", []float64{3, 0, 2}, "5"},
	}, series{"ink", "asked", []float64{1, 2, 3}, "6"}, whole)
	assert.Equal(t, "8", c.Top)
	assert.Equal(t, "4", c.Middle)
	assert.Empty(t, c.Empty)
	require.Len(t, c.Bars, 2, "none for a slot without anything")
	assert.Equal(t, "10:00 UTC: good 1, bad 3", c.Bars[0].Title)
	for _, b := range c.Bars {
		y := chartHeight
		for _, p := range b.Parts {
			assert.InDelta(t, y, p.Y+p.Height, .02)
			y = p.Y
			assert.GreaterOrEqual(t, p.Y, 0.0)
		}
		assert.LessOrEqual(t, b.X+b.Width, chartWidth)
	}
	assert.InDelta(t, 0, c.Bars[1].Parts[1].Y, .01, "eight of eight reaches the top")
	require.Len(t, c.Lines, 1)
	assert.Equal(t, "Ends: asked 6, good 7, bad 5.", c.Says)
	assert.Equal(t, []string{"asked", "good", "bad"}, c.Heads)
	require.Len(t, c.Rows, 3)
	assert.Equal(t, []string{"3", "6", "2"}, c.Rows[2].Cells)
}

func TestCurves(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	c := curves(chart{Title: "Times", Empty: "None."}, times(4), []series{
		{"a", "half", []float64{nan, 5, nan, 20}, ""}, {"d", "most", []float64{nan, nan, nan, nan}, ""}, {"b", "one", []float64{nan, nan, 3, nan}, ""},
	}, timeAxis, inSeconds)
	assert.Equal(t, "20 s", c.Top)
	require.Len(t, c.Lines, 2, "none without a value")
	assert.Equal(t, "M200 120L600 0", c.Lines[0].Path)
	assert.Equal(t, "M200 120L600 0L600 160L200 160Z", c.Lines[0].Area)
	assert.Equal(t, "M400 136h6", c.Lines[1].Path, "one value alone is seen too")
	assert.Empty(t, c.Lines[1].Area)
	for _, l := range c.Lines {
		for _, n := range regexp.MustCompile(`-?[0-9.]+`).FindAllString(l.Path, -1) {
			v, err := strconv.ParseFloat(n, 64)
			require.NoError(t, err)
			assert.True(t, v >= 0 && v <= chartWidth, n)
		}
	}
	none := curves(chart{Empty: "None."}, times(2), []series{{"a", "x", []float64{nan, nan}, ""}}, axis, whole)
	assert.Equal(t, "None.", none.Empty)
	assert.Empty(t, none.Rows)
	none = stacked(chart{}, nil, nil, series{}, whole)
	assert.NotEmpty(t, none.Empty)
}

func TestTook(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 0: "0 s", time.Microsecond: "1 ms", 999 * time.Millisecond: "999 ms", 1040 * time.Millisecond: "1 s", 9400 * time.Millisecond: "9.4 s",
		41 * time.Second: "41 s", time.Minute: "1 min", 61 * time.Second: "1 min 1 s", time.Hour: "1 h", 90 * time.Minute: "1 h 30 min", 72 * time.Hour: "3 days",
	} {
		assert.Equal(t, want, took(d), d)
	}
	assert.Equal(t, "12\u202f345", number(12345))
	assert.Equal(t, "−1\u202f000", number(-1000))
	assert.Equal(t, "7", number(7))
}

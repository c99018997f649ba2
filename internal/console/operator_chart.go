package console

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// The charts are drawn here, as SVG: they are there without a script, weigh a few
// kilobytes, and a page that is refreshed brings the new ones along. Texts stand
// beside the drawing and not in it, since it is stretched to the width there is.
//
// A drawing is chartWidth units wide and chartHeight high; y grows downwards.
const (
	chartWidth  = 600.0
	chartHeight = 160.0
)

// chart is one drawing with what stands around it.
type chart struct {
	Title  string
	Says   string // the whole in one sentence, for who does not see it
	Top    string // the value at the upper edge
	Middle string
	Empty  string // "" if there is something to see; else why not
	From   time.Time
	Mid    time.Time
	To     time.Time
	Legend []legend
	Bars   []bar
	Lines  []line
	Rows   []chartRow // the same as a table
	Heads  []string   // of its columns
}

// legend names a look. Class is of the style sheet: "a" to "d".
type legend struct{ Class, Name, Value string }

// bar is one slot of time with what is stacked in it.
type bar struct {
	X, Width float64
	Title    string
	Parts    []barPart
}

type barPart struct {
	Class     string
	Y, Height float64
}

// line is a curve; Area closes it down to the lower edge.
type line struct {
	Class string
	Path  string
	Area  string
}

type chartRow struct {
	At    time.Time
	Cells []string
}

// series is one of the things that a chart shows, a value a slot; NaN: none.
type series struct {
	class, name string
	values      []float64
	total       string // for the legend
}

// axis is the upper edge that fits the greatest value: one whose half is round too.
func axis(greatest float64) float64 {
	if greatest <= 0 || math.IsNaN(greatest) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(greatest)))
	for _, step := range []float64{1, 2, 4, 6, 8} {
		if greatest <= step*power {
			return step * power
		}
	}
	return 10 * power
}

// timeAxis is likewise, for seconds.
func timeAxis(greatest float64) float64 {
	const minute, hour, day = 60.0, 3600.0, 86400.0
	for _, edge := range []float64{
		.1, .2, .5, 1, 2, 4, 10, 20, 40, minute, 2 * minute, 4 * minute, 10 * minute, 20 * minute, 40 * minute,
		hour, 2 * hour, 4 * hour, 8 * hour, 12 * hour, day, 2 * day, 4 * day, 10 * day, 20 * day, 60 * day,
	} {
		if greatest <= edge {
			return edge
		}
	}
	return axis(greatest/day) * day
}

// stacked draws bars, one a slot, the series on top of each other from the first; and
// over them a line, unless that has no values.
func stacked(c chart, slots []time.Time, all []series, over series, say func(float64) string) chart {
	greatest := 0.0
	for i := range slots {
		sum := 0.0
		for _, s := range all {
			sum += s.values[i]
		}
		greatest = math.Max(greatest, sum)
		if over.values != nil {
			greatest = math.Max(greatest, over.values[i])
		}
	}
	top := axis(greatest)
	named := all
	if over.values != nil {
		named = append([]series{over}, all...)
	}
	c.scale(slots, top, greatest > 0, named, say)
	width := chartWidth / float64(max(1, len(slots)))
	if over.values != nil && greatest > 0 {
		path, _ := trace(over.values, top, func(i int) float64 { return (float64(i) + .39) * width })
		c.Lines = []line{{Class: over.class, Path: path}}
	}
	for i, at := range slots {
		b := bar{X: round(float64(i) * width), Width: round(width * .78)}
		y := chartHeight
		var said []string
		for _, s := range all {
			if s.values[i] <= 0 {
				continue
			}
			said = append(said, s.name+" "+say(s.values[i]))
			height := math.Max(s.values[i]/top*chartHeight, 1.5) // a single one is seen too
			y -= height
			b.Parts = append(b.Parts, barPart{Class: s.class, Y: round(y), Height: round(height)})
		}
		if len(said) > 0 {
			b.Title = at.UTC().Format("15:04") + " UTC: " + strings.Join(said, ", ")
			c.Bars = append(c.Bars, b)
		}
	}
	return c
}

// curves draws lines through the values of each series; the first has its area shown.
func curves(c chart, slots []time.Time, all []series, edge func(float64) float64, say func(float64) string) chart {
	greatest := 0.0
	for _, s := range all {
		for _, v := range s.values {
			if !math.IsNaN(v) {
				greatest = math.Max(greatest, v)
			}
		}
	}
	top := edge(greatest)
	c.scale(slots, top, greatest > 0, all, say)
	step := chartWidth / math.Max(1, float64(len(slots)-1))
	for n, s := range all {
		l := line{Class: s.class}
		l.Path, l.Area = trace(s.values, top, func(i int) float64 { return float64(i) * step })
		if n > 0 {
			l.Area = ""
		}
		if l.Path != "" {
			c.Lines = append(c.Lines, l)
		}
	}
	return c
}

// trace is the path of a curve. Where a value is missing the one before it holds:
// a slot without a picture says nothing about how long they take.
func trace(values []float64, top float64, x func(i int) float64) (path, area string) {
	var b strings.Builder
	first, last := -1.0, 0.0
	for i, v := range values {
		if math.IsNaN(v) {
			continue
		}
		at, y := x(i), chartHeight-v/top*chartHeight
		if first < 0 {
			first = at
			b.WriteString("M")
		} else {
			b.WriteString("L")
		}
		last = at
		b.WriteString(coordinate(at) + " " + coordinate(y))
	}
	if first < 0 {
		return "", ""
	}
	if first == last { // one value alone: a short dash
		b.WriteString("h6")
		last += 6
	}
	path = b.String()
	return path, path + "L" + coordinate(last) + " " + coordinate(chartHeight) + "L" + coordinate(first) + " " + coordinate(chartHeight) + "Z"
}

// scale fills in what stands around the drawing.
func (c *chart) scale(slots []time.Time, top float64, some bool, all []series, say func(float64) string) {
	c.Top, c.Middle = say(top), say(top/2)
	if len(slots) > 0 {
		c.From, c.Mid, c.To = slots[0], slots[len(slots)/2], slots[len(slots)-1]
	}
	if !some && c.Empty == "" {
		c.Empty = "Nothing in this period."
	}
	if some {
		c.Empty = ""
	}
	said := []string{}
	for _, s := range all {
		c.Legend = append(c.Legend, legend{Class: s.class, Name: s.name, Value: s.total})
		c.Heads = append(c.Heads, s.name)
		if s.total != "" {
			said = append(said, s.name+" "+s.total)
		}
	}
	c.Says = c.Title
	if len(said) > 0 {
		c.Says += ": " + strings.Join(said, ", ")
	}
	c.Says += "."
	for i, at := range slots {
		row := chartRow{At: at}
		something := false
		for _, s := range all {
			cell := ""
			if v := s.values[i]; !math.IsNaN(v) {
				cell = say(v)
				something = something || v > 0
			}
			row.Cells = append(row.Cells, cell)
		}
		if something {
			c.Rows = append(c.Rows, row)
		}
	}
}

func round(v float64) float64 { return math.Round(v*100) / 100 }

func coordinate(v float64) string { return strconv.FormatFloat(round(v), 'f', -1, 64) }

package main

import (
	"image/color"
	"strconv"
	"strings"
)

// colourDepth is how many colours a terminal shows.
type colourDepth int

const (
	colourNone  colourDepth = iota
	colourFew               // the 8 or 16 that a user's theme decides
	colour256               // xterm's palette
	colour24Bit             // any
)

// depth is what the terminal says of itself: COLORTERM where it is set, else TERM.
// COLORTERM is lost on the way to another machine, so some are known by their name.
func (t terminal) depth() colourDepth {
	if !t.colours() {
		return colourNone
	}
	switch strings.ToLower(t.getenv("COLORTERM")) {
	case "truecolor", "24bit":
		return colour24Bit
	}
	name := t.getenv("TERM")
	for _, known := range []string{"-direct", "kitty", "alacritty", "wezterm", "ghostty", "foot"} {
		if strings.Contains(name, known) {
			return colour24Bit
		}
	}
	if strings.Contains(name, "256color") {
		return colour256
	}
	return colourFew
}

// canDraw: pictures made of coloured half blocks come out as pictures.
func (t terminal) canDraw() bool { return t.depth() >= colour256 && t.unicode() }

// sgr is the sequence's part that sets a colour; layer is 38 for the letter, 48 for
// what is behind it.
func (d colourDepth) sgr(layer int, c color.RGBA) string {
	if d == colour24Bit {
		return strconv.Itoa(layer) + ";2;" + strconv.Itoa(int(c.R)) + ";" + strconv.Itoa(int(c.G)) + ";" + strconv.Itoa(int(c.B))
	}
	return strconv.Itoa(layer) + ";5;" + strconv.Itoa(nearest256(c))
}

// cubeLevels are the steps of xterm's 6×6×6 colours, numbers 16 to 231. The greys from
// 232 to 255 are 8, 18 … 238.
var cubeLevels = [6]int{0, 95, 135, 175, 215, 255}

func nearest256(c color.RGBA) int {
	r, g, b := cubeStep(c.R), cubeStep(c.G), cubeStep(c.B)
	cube := distance(c, cubeLevels[r], cubeLevels[g], cubeLevels[b])
	grey := min(max((int(c.R)+int(c.G)+int(c.B))/3-3, 0)/10, 23)
	level := 8 + 10*grey
	if distance(c, level, level, level) < cube {
		return 232 + grey
	}
	return 16 + 36*r + 6*g + b
}

func cubeStep(v uint8) int {
	best := 0
	for i, level := range cubeLevels {
		if abs(int(v)-level) < abs(int(v)-cubeLevels[best]) {
			best = i
		}
	}
	return best
}

func distance(c color.RGBA, r, g, b int) int {
	dr, dg, db := int(c.R)-r, int(c.G)-g, int(c.B)-b
	return dr*dr + dg*dg + db*db
}

func abs(n int) int { return max(n, -n) }

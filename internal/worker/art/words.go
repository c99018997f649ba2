package art

import (
	"math"
	"strings"
	"unicode"
)

// theme is what a picture shows.
type theme int

const (
	themeNone theme = iota
	themeMountains
	themeForest
	themeDesert
	themeOcean
	themeCity
	themeSpace
	themeBokeh
	themeTiles
	themeShards
	themeRibbons
	themeMarble
	themeCount
)

// mood is what the words say about a picture.
type mood struct {
	hues   []float64 // OKLCh degrees of the words known, in their order, each once
	theme  theme     // what most words ask for; themeNone when none does
	night  bool
	sunset bool
	snow   bool
	chroma float64 // multiplies the palette's chroma; 1 is neutral
	light  float64 // added to the palette's lightness; 0 is neutral
}

// maxWords bounds the work for a prompt of any length; what matters is said early.
const maxWords = 120

// tokens splits text into lower-case words of letters and digits.
func tokens(text string) []string {
	// 16 bytes a word are plenty: the rest of a very long prompt is never looked at.
	text = text[:min(len(text), maxWords*16)]
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	return words[:min(len(words), maxWords)]
}

// lookup finds a word, or its singular, in a table.
func lookup[V any](table map[string]V, word string) (V, bool) {
	for _, suffix := range []string{"", "s", "es", "y"} {
		if stem, ok := strings.CutSuffix(word, suffix); ok {
			if v, ok := table[stem]; ok {
				return v, true
			}
		}
	}
	var none V
	return none, false
}

// readMood reads the words of the prompt and of the style.
func readMood(words []string) mood {
	m := mood{chroma: 1}
	var votes [themeCount]int
	for _, w := range words {
		if hue, ok := lookup(wordHue, w); ok {
			m.addHue(hue)
		}
		if t, ok := lookup(wordTheme, w); ok {
			votes[t]++
		}
		if e, ok := lookup(wordEffect, w); ok {
			e.apply(&m)
		}
	}
	for t := range themeCount {
		if votes[t] > votes[m.theme] {
			m.theme = t
		}
	}
	m.chroma = min(max(m.chroma, 0.08), 1.4)
	m.light = min(max(m.light, -0.15), 0.12)
	return m
}

// addHue keeps the first three hues that can be told apart.
func (m *mood) addHue(hue float64) {
	for _, h := range m.hues {
		if hueGap(h, hue) < 12 {
			return
		}
	}
	if len(m.hues) < 3 {
		m.hues = append(m.hues, hue)
	}
}

// hueTurn is the shorter way from one hue to another, -180–180 degrees.
func hueTurn(from, to float64) float64 { return math.Remainder(to-from, 360) }

// hueGap is the angle between two hues, 0–180 degrees.
func hueGap(a, b float64) float64 { return math.Abs(hueTurn(a, b)) }

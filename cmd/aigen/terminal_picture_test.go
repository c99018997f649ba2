package main

import (
	"image"
	"image/color"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var escape = regexp.MustCompile(`\x1b\[[0-9;?]*[a-zA-Z]`)

// plain is a picture of one colour.
func plain(w, h int, c color.Color) image.Image {
	p := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		p.Set(i%w, i/w, c)
	}
	return p
}

func TestHalfBlocksHoldTwoPixelsEach(t *testing.T) {
	t.Parallel()
	p := image.NewRGBA(image.Rect(0, 0, 2, 2))
	p.Set(0, 0, color.RGBA{255, 0, 0, 255})
	p.Set(1, 0, color.RGBA{255, 0, 0, 255})
	p.Set(0, 1, color.RGBA{0, 0, 255, 255})
	p.Set(1, 1, color.RGBA{0, 255, 0, 255})
	assert.Equal(t, []string{"\x1b[38;2;255;0;0;48;2;0;0;255m▀\x1b[48;2;0;255;0m▀\x1b[0m"}, halfBlocks(p, 2, colour24Bit))
	assert.Equal(t, []string{"\x1b[38;5;196;48;5;21m▀\x1b[48;5;46m▀\x1b[0m"}, halfBlocks(p, 2, colour256))
}

func TestAGalleryFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 8; n++ {
		for _, width := range []int{13, 14, 26, 27, 28, 40, 57, 80, 120, 200} {
			all := make([]image.Image, n)
			for i := range all {
				all[i] = plain(40+30*i, 100, color.RGBA{uint8(30 * i), 90, 200, 255})
			}
			all[n/2] = nil // could not be had
			lines := gallery(all, width, colour24Bit)
			require.NotEmpty(t, lines)
			text := escape.ReplaceAllString(strings.Join(lines, "\n"), "")
			for line := range strings.SplitSeq(text, "\n") {
				require.Less(t, columns(line), width, "%d pictures at %d columns", n, width)
			}
			for i := range n {
				require.Contains(t, text, string(rune('1'+i)), "each has its number")
			}
		}
	}
	assert.Empty(t, gallery([]image.Image{plain(1, 1, color.White)}, 12, colour24Bit), "too narrow")
	assert.Empty(t, gallery(nil, 80, colour24Bit))
}

func TestPicturesKeepTheirProportions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ w, h, cols, wantColumns, wantLines int }{
		{1024, 1024, 18, 18, 9},
		{1920, 1080, 36, 36, 10},
		{1080, 1920, 36, 18, 16}, // tall: bounded by its lines
		{10000, 1, 36, 36, 1},
		{1, 10000, 36, 1, 16},
	} {
		lines := halfBlocks(plain(tc.w, tc.h, color.White), tc.cols, colour24Bit)
		require.Len(t, lines, tc.wantLines, "%dx%d", tc.w, tc.h)
		assert.Equal(t, tc.wantColumns, strings.Count(lines[0], "▀"))
		assert.Equal(t, tc.cols, columns(escape.ReplaceAllString(lines[0], "")), "a cell is as wide as its neighbours")
	}
}

func TestNearestOf256(t *testing.T) {
	t.Parallel()
	for c, want := range map[color.RGBA]int{
		{0, 0, 0, 255}: 16, {255, 255, 255, 255}: 231, {255, 0, 0, 255}: 196, {0, 0, 255, 255}: 21,
		{8, 8, 8, 255}: 232, {118, 118, 118, 255}: 243, {238, 238, 238, 255}: 255, {95, 135, 175, 255}: 67,
	} {
		assert.Equal(t, want, nearest256(c), c)
	}
}

func TestDepthIsWhatTheTerminalSays(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		env  map[string]string
		tty  bool
		want colourDepth
	}{
		{map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, true, colour24Bit},
		{map[string]string{"TERM": "xterm", "COLORTERM": "24bit"}, true, colour24Bit},
		{map[string]string{"TERM": "xterm-kitty"}, true, colour24Bit},
		{map[string]string{"TERM": "xterm-direct"}, true, colour24Bit},
		{map[string]string{"TERM": "screen-256color"}, true, colour256},
		{map[string]string{"TERM": "xterm", "COLORTERM": "yes"}, true, colourFew},
		{map[string]string{"TERM": "dumb", "COLORTERM": "truecolor"}, true, colourNone},
		{map[string]string{"TERM": "xterm-256color", "NO_COLOR": "1", "COLORTERM": "truecolor"}, true, colourNone},
		{map[string]string{"TERM": "xterm-256color", "COLORTERM": "truecolor"}, false, colourNone},
	} {
		term := terminal{errTTY: tc.tty, getenv: func(name string) string { return tc.env[name] }}
		assert.Equal(t, tc.want, term.depth(), tc.env)
	}
}

package main

import (
	"image"
	"image/color"
	"image/draw"
	"strconv"
	"strings"

	xdraw "golang.org/x/image/draw"
)

// How large a picture is drawn, in columns and lines. A column is about half as wide as
// a line is high, and a line holds two pixels, one above the other: so pixels are square.
const (
	minPictureColumns = 12
	maxPictureColumns = 36
	maxPictureLines   = 16
	pictureGap        = 2 // columns
)

// gallery draws pictures side by side, as many as fit the width, with a number under
// each. One that is nil could not be had and leaves its place empty. No line is as wide
// as the terminal, so that none is broken. It is nil where the width is too small.
func gallery(pictures []image.Image, width int, depth colourDepth) []string {
	perRow := min(len(pictures), (width-1+pictureGap)/(minPictureColumns+pictureGap))
	if perRow < 1 {
		return nil
	}
	cols := min((width-1-pictureGap*(perRow-1))/perRow, maxPictureColumns)
	var lines []string
	for first := 0; first < len(pictures); first += perRow {
		row := pictures[first:min(first+perRow, len(pictures))]
		lines = append(lines, galleryRow(row, first+1, cols, depth)...)
	}
	return lines
}

func galleryRow(row []image.Image, number, cols int, depth colourDepth) []string {
	cells := make([][]string, len(row))
	height := 0
	for i, p := range row {
		cells[i] = halfBlocks(p, cols, depth)
		height = max(height, len(cells[i]))
	}
	gap, empty := strings.Repeat(" ", pictureGap), strings.Repeat(" ", cols)
	lines := make([]string, 0, height+1)
	for y := range height {
		parts := make([]string, len(cells))
		for i, cell := range cells {
			parts[i] = empty
			if y < len(cell) {
				parts[i] = cell[y]
			}
		}
		lines = append(lines, strings.Join(parts, gap))
	}
	captions := make([]string, len(row))
	for i := range row {
		captions[i] = centred(strconv.Itoa(number+i), cols)
	}
	return append(lines, strings.TrimRight(strings.Join(captions, gap), " "))
}

func centred(text string, cols int) string {
	left := max(0, cols-len(text)) / 2
	return strings.Repeat(" ", left) + text + strings.Repeat(" ", max(0, cols-left-len(text)))
}

// halfBlocks draws a picture as so many columns, or fewer where it is tall; each line
// has all of them.
func halfBlocks(picture image.Image, cols int, depth colourDepth) []string {
	if picture == nil || picture.Bounds().Empty() {
		return nil
	}
	w, h := fitted(picture.Bounds().Dx(), picture.Bounds().Dy(), cols)
	// Transparent parts become black; what is behind them here is not ours to know.
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.Black, image.Point{}, draw.Src)
	xdraw.CatmullRom.Scale(small, small.Bounds(), picture, picture.Bounds(), xdraw.Over, nil)
	left := (cols - w) / 2
	lines := make([]string, 0, h/2)
	for y := 0; y < h; y += 2 {
		lines = append(lines, strings.Repeat(" ", left)+blockLine(small, y, depth)+strings.Repeat(" ", cols-w-left))
	}
	return lines
}

// fitted is a size in pixels with the proportions of w×h, even in its height.
func fitted(w, h, cols int) (width, height int) {
	width, height = cols, cols*h/w
	if height > 2*maxPictureLines {
		width, height = max(2*maxPictureLines*w/h, 1), 2*maxPictureLines
	}
	return width, max(height+height%2, 2)
}

// blockLine draws two rows of pixels: the upper as letters, the lower behind them. A
// colour is set only where it changes.
func blockLine(p *image.RGBA, y int, depth colourDepth) string {
	var b strings.Builder
	var upper, lower color.RGBA
	for x := range p.Bounds().Dx() {
		var set []string
		if c := p.RGBAAt(x, y); x == 0 || c != upper {
			upper = c
			set = append(set, depth.sgr(38, c))
		}
		if c := p.RGBAAt(x, y+1); x == 0 || c != lower {
			lower = c
			set = append(set, depth.sgr(48, c))
		}
		if len(set) > 0 {
			b.WriteString("\x1b[" + strings.Join(set, ";") + "m")
		}
		b.WriteString("▀")
	}
	b.WriteString("\x1b[0m")
	return b.String()
}

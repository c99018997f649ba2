package art

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

const (
	// minCaptionSide is the shorter side in pixels under which no caption is set: its
	// letters would be too small to read, or hide the picture.
	minCaptionSide = 128
	minLetter      = 10 // pixels
	maxLines       = 3
	lineHeight     = 1.22 // in sizes of the letters
)

// boldFont is parsed once; it is only read afterwards.
var boldFont = sync.OnceValues(func() (*opentype.Font, error) { return opentype.Parse(gobold.TTF) })

// drawCaption sets the prompt at the bottom of the picture, on a fading ground that makes
// it legible whatever lies behind.
func drawCaption(img *image.RGBA, s Spec, w *work) error {
	if min(s.Width, s.Height) < minCaptionSide {
		return nil
	}
	f, err := boldFont()
	if err != nil {
		return fmt.Errorf("parse font: %w", err)
	}
	size := max(w.format.text/w.aa, minLetter)
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return fmt.Errorf("open font: %w", err)
	}
	defer face.Close()
	margin := 0.06 / w.aa
	width := float32(s.Width)*(1-w.format.right) - margin
	text := legible(s.Prompt, func(r rune) bool {
		i, err := f.GlyphIndex(nil, r)
		return err == nil && i != 0
	})
	lines := wrap(text, maxLines, func(t string) bool { return font.MeasureString(face, t) <= fixed.I(int(width)) })
	if len(lines) == 0 {
		return nil
	}
	ground, letters := w.pal.ink.scale(0.6), w.pal.paper
	if w.look.onPaper {
		ground, letters = w.pal.paper, w.pal.ink
	}
	last := float32(s.Height)*(1-w.format.bottom) - 0.25*size
	top := last - size*(lineHeight*float32(len(lines)-1)+1)
	scrim(img, top-2.2*size, top-0.3*size, ground)
	mark(img, margin, top-0.42*size, size, w.pal.accent)
	d := font.Drawer{Dst: img, Src: image.NewUniform(letters.opaque()), Face: face}
	for i, line := range lines {
		y := last - size*lineHeight*float32(len(lines)-1-i)
		d.Dot = fixed.Point26_6{X: fixed.Int26_6(margin * 64), Y: fixed.Int26_6(y * 64)}
		d.DrawString(line)
	}
	return nil
}

// scrim fades the picture into the ground from the row from, where nothing of it shows,
// to the row full, and holds it from there to the bottom.
func scrim(img *image.RGBA, from, full float32, ground rgb) {
	const strongest = 0.74
	b := img.Bounds()
	for y := max(int(from), 0); y < b.Dy(); y++ {
		k := strongest * smooth(from, full, float32(y))
		row := img.Pix[y*img.Stride:][:4*b.Dx()]
		for i := 0; i < len(row); i += 4 {
			row[i] = blend(row[i], ground.r, k)
			row[i+1] = blend(row[i+1], ground.g, k)
			row[i+2] = blend(row[i+2], ground.b, k)
		}
	}
}

func blend(have uint8, want, k float32) uint8 {
	return byte255(lerp(float32(have)/255, want, k))
}

// mark draws a short bar over the caption, in the accent colour: it ties text and
// picture together.
func mark(img *image.RGBA, x, y, size float32, c rgb) {
	bar := image.Rect(int(x), int(y-0.12*size), int(x+1.6*size), int(y))
	draw.Draw(img, bar, image.NewUniform(c.opaque()), image.Point{}, draw.Src)
}

func (c rgb) opaque() color.RGBA { return color.RGBA{byte255(c.r), byte255(c.g), byte255(c.b), 255} }

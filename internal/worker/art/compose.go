package art

import (
	"context"
	"image"
)

// frame is the picture's extent in units. A unit is the shorter side, but at least a
// quarter of the longer one: a banner of 64:1 would otherwise hold 64 pictures.
type frame struct {
	w, h float32
	aa   float32 // width of a pixel
}

func newFrame(width, height int) frame {
	unit := float32(max(min(width, height), (max(width, height)+3)/4))
	return frame{w: float32(width) / unit, h: float32(height) / unit, aa: 1 / unit}
}

// layer is one thing in a picture, painted over what lies behind it.
type layer interface {
	paint(behind rgb, p vec, s sample) rgb
}

// shader is a picture as a function of the point.
type shader func(p vec) rgb

// work is a composed picture, ready to be painted.
type work struct {
	frame
	pal    *palette
	look   look
	format layout
	shade  shader
	finish func(c rgb, p vec, px, py int) rgb
}

// studio is what the builders of layers share.
type studio struct {
	frame
	pal   *palette
	mood  mood
	look  look
	dice  *dice
	field *field
}

// compose decides everything about a picture but its pixels.
func compose(ctx context.Context, s Spec) (*work, error) {
	words, styleWords := tokens(s.Prompt), tokens(s.Style)
	// The prompt may name the technique too; what the style says goes first.
	lk := chooseLook(append(styleWords[:len(styleWords):len(styleWords)], words...))
	md := readMood(append(words[:len(words):len(words)], styleWords...))
	d := &dice{mix64(s.Seed ^ Seed(s.Prompt, s.Style, s.Format))}

	st := &studio{frame: newFrame(s.Width, s.Height), mood: md, look: lk, dice: d}
	st.pal = newPalette(md, lk, words, d.fork("palette"))
	if md.theme == themeNone {
		md.theme = abstractThemes[d.fork("theme").intn(len(abstractThemes))]
		st.mood.theme = md.theme
	}
	stretch := float32(1)
	if md.theme <= themeCity {
		stretch = 1.6 // skies and hills lie flat
	}
	var err error
	st.field, err = newField(ctx, st.frame, d.between(1.3, 2.2), stretch, uint32(d.next()>>32))
	if err != nil {
		return nil, err
	}
	w := &work{frame: st.frame, pal: st.pal, look: lk, format: layoutOf(s.Format)}
	w.shade = lk.technique(st, flatten(st.field, st.layers()))
	w.finish = lk.finisher(st)
	return w, nil
}

// abstractThemes are what a prompt without a known word may become.
var abstractThemes = []theme{
	themeMountains, themeDesert, themeOcean, themeTiles, themeShards,
	themeRibbons, themeRibbons, themeMarble, themeMarble, themeBokeh,
}

// layers builds the picture's theme, back to front.
func (st *studio) layers() []layer {
	switch st.mood.theme {
	case themeForest:
		return st.forest()
	case themeDesert:
		return st.desert()
	case themeOcean:
		return st.ocean()
	case themeCity:
		return st.city()
	case themeSpace:
		return st.space()
	case themeBokeh:
		return st.bokeh()
	case themeTiles:
		return st.tiles()
	case themeShards:
		return st.shards()
	case themeRibbons:
		return st.ribbons()
	case themeMarble:
		return st.marble()
	default:
		return st.mountains()
	}
}

// flatten makes one shader of the layers.
func flatten(f *field, layers []layer) shader {
	return func(p vec) rgb {
		s := f.at(p)
		var c rgb
		for _, l := range layers {
			c = l.paint(c, p, s)
		}
		return c
	}
}

// paint fills the picture.
func (w *work) paint(ctx context.Context, img *image.RGBA) error {
	width := img.Rect.Dx()
	return eachRow(ctx, img.Rect.Dy(), func(py int) {
		row := img.Pix[py*img.Stride:][:4*width]
		p := vec{y: (float32(py) + 0.5) * w.aa}
		for px := range width {
			p.x = (float32(px) + 0.5) * w.aa
			c := w.finish(w.shade(p), p, px, py)
			out := row[4*px:][:4]
			out[0], out[1], out[2], out[3] = byte255(c.r), byte255(c.g), byte255(c.b), 255
		}
	})
}

func byte255(x float32) uint8 { return uint8(clamp01(x)*255 + 0.5) }

package art

// lookName is a technique that a style's words name.
type lookName int

const (
	lookPoster lookName = iota
	lookWatercolour
	lookOil
	lookMinimal
	lookNeon
	lookPixel
	lookSketch
	lookRetro
	lookPhoto
	lookComic
)

// look says how a technique changes a picture.
type look struct {
	name     lookName
	chroma   float64 // multiplies the palette's
	light    float64 // added to the palette's lightness
	dark     bool    // always at night
	flat     bool    // no texture, few shapes
	onPaper  bool    // the caption stands on paper, not on a shadow
	grain    float32 // noise of a pixel, 0–1
	vignette float32 // darkness of the corners, 0–1
	paper    float32 // how much the grain of the paper shows, 0–1
}

// looks are the techniques; the poster is what none of the words ask for.
var looks = [...]look{
	lookPoster:      {chroma: 1, grain: 0.012, vignette: 0.20},
	lookWatercolour: {chroma: 0.80, light: 0.09, onPaper: true, paper: 0.10},
	lookOil:         {chroma: 1.15, vignette: 0.18},
	lookMinimal:     {chroma: 0.85, light: 0.03, flat: true},
	lookNeon:        {chroma: 1.35, dark: true, vignette: 0.40},
	lookPixel:       {chroma: 1.15},
	lookSketch:      {chroma: 0.6, onPaper: true, paper: 0.06},
	lookRetro:       {chroma: 0.95, onPaper: true, grain: 0.03, vignette: 0.16, paper: 0.07},
	lookPhoto:       {chroma: 0.9, grain: 0.03, vignette: 0.34},
	lookComic:       {chroma: 1.25, onPaper: true},
}

var wordLook = invert(lookWords)

var lookWords = map[lookName]string{
	lookWatercolour: "watercolour watercolor aquarelle wash gouache",
	lookOil:         "oil impasto painting painted painterly acrylic impressionist impressionism brush canvas",
	lookMinimal:     "minimal minimalist minimalism flat simple vector scandinavian",
	lookNeon:        "neon cyberpunk synthwave vaporwave glow glowing futuristic retrowave",
	lookPixel:       "pixel pixelart 8bit 16bit voxel arcade",
	lookSketch:      "sketch line lineart pencil drawing drawn engraving etching charcoal doodle",
	lookRetro:       "retro vintage old nostalgic 70 1970 50 1950 seventies fifties sepia",
	lookPhoto:       "photo photograph photographic photography photorealistic realistic cinematic film bokeh",
	lookComic:       "comic pop popart halftone cartoon manga anime",
}

// chooseLook takes the first word that names a technique.
func chooseLook(words []string) look {
	for _, w := range words {
		if name, ok := lookup(wordLook, w); ok {
			l := looks[name]
			l.name = name
			return l
		}
	}
	return looks[lookPoster]
}

// technique wraps the picture in what the look does to its points.
func (l look) technique(st *studio, base shader) shader {
	seed := uint32(st.dice.fork("technique").next() >> 32)
	switch l.name {
	case lookWatercolour:
		return watercolour(st, base, seed)
	case lookOil:
		return oil(st, base, seed)
	case lookPixel:
		return pixelArt(st, base)
	case lookSketch:
		return sketch(st, base, seed)
	case lookRetro:
		return retro(st, base, seed)
	case lookPhoto:
		return photo(st, base)
	case lookComic:
		return comic(st, base)
	case lookNeon:
		return neon(st, base)
	default:
		return base
	}
}

// finisher returns what is done to each pixel last: corners, paper, grain.
func (l look) finisher(st *studio) func(c rgb, p vec, px, py int) rgb {
	mid := vec{st.w / 2, st.h / 2}
	inv := 1 / mid.dot(mid)
	seed := uint32(st.dice.fork("finish").next() >> 32)
	return func(c rgb, p vec, px, py int) rgb {
		if l.vignette > 0 {
			q := p.sub(mid)
			k := q.dot(q) * inv
			c = c.scale(1 - l.vignette*k*k)
		}
		if l.paper > 0 {
			c = c.scale(1 + l.paper*(noise(p.x*210, p.y*210, seed)+0.6*noise(p.x*90, p.y*90, seed+1)))
		}
		if l.grain > 0 {
			// Grain is the one thing that lives in pixels: it also hides the steps of
			// the 8-bit gradients, which only grain as fine as they are can do.
			g := l.grain * (unit32(hash2(int32(px), int32(py), seed), 0) - 0.5) //nolint:gosec // pixels
			c = rgb{c.r + g, c.g + g, c.b + g}
		}
		return c
	}
}

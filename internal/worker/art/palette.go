package art

// palette is the set of colours of one picture.
type palette struct {
	sky    *ramp // top of the picture (0) to the horizon (1)
	full   *ramp // dark (0) to light (1), through all hues
	far    rgb   // land at the horizon
	near   rgb   // land at the viewer's feet
	cloud  rgb
	sun    rgb // sun, moon, lit windows
	glow   rgb // light around them
	accent rgb // the strongest colour, for edges and highlights
	second rgb // its partner
	ink    rgb // nearly black
	paper  rgb // nearly white
	chips  [6]rgb
	night  bool
}

// newPalette derives the colours: the words' hues first, then a harmony that the dice
// choose around them, then what mood and look make of it.
func newPalette(m mood, l look, unknown []string, d *dice) *palette {
	h := harmony(m, unknown, d)
	tone := func(lightness, chroma float64, k int) lch {
		return earthen(lch{
			l: min(max(lightness+m.light+l.light, 0.06), 0.985),
			c: min(chroma*m.chroma*l.chroma, 0.30),
			h: h[k],
		})
	}
	// On a gradient the hues stay near each other: between opposites lies mud.
	ramped := h
	ramped[1] = h[0] + min(max(hueTurn(h[0], h[1]), -75), 75)
	ramped[2] = ramped[1] + min(max(hueTurn(ramped[1], h[2]), -75), 75)
	onRamp := func(lightness, chroma float64, k int) lch {
		c := tone(lightness, chroma, k)
		c.h = ramped[k]
		return earthen(c)
	}
	p := &palette{
		accent: tone(0.70, 0.19, 2).rgb(), second: tone(0.64, 0.15, 1).rgb(),
		ink: tone(0.19, 0.04, 0).rgb(), paper: tone(0.965, 0.018, 1).rgb(),
		full: newRamp(onRamp(0.20, 0.06, 0), onRamp(0.38, 0.12, 0), onRamp(0.58, 0.15, 1),
			onRamp(0.76, 0.15, 2), onRamp(0.94, 0.05, 2)),
		chips: [6]rgb{
			tone(0.955, 0.025, 2).rgb(), tone(0.27, 0.07, 0).rgb(), tone(0.58, 0.16, 0).rgb(),
			tone(0.70, 0.19, 2).rgb(), tone(0.80, 0.13, 1).rgb(), tone(0.46, 0.13, 1).rgb(),
		},
		night: m.night || l.dark,
	}
	land := landHue(m.theme, h)
	switch {
	case p.night:
		p.nightSky(onRamp)
		p.far, p.near = tone(0.40, 0.10, land).rgb(), tone(0.12, 0.045, land).rgb()
	case m.sunset:
		// Whatever the other words, everybody knows these colours.
		shift := float64(d.between(-14, 14))
		evening := [3]float64{20 + shift, 300 + shift, 68 + shift/2}
		p.sunsetSky(func(lightness, chroma float64, k int) lch {
			c := tone(lightness, chroma, k)
			c.h = evening[k]
			return c
		})
		p.far, p.near = tone(0.60, 0.11, land).rgb(), tone(0.20, 0.07, land).rgb()
	case d.chance(0.2):
		p.sunsetSky(onRamp)
		p.far, p.near = tone(0.64, 0.12, land).rgb(), tone(0.20, 0.07, land).rgb()
	default:
		p.daySky(onRamp)
		p.far, p.near = tone(0.74, 0.085, land).rgb(), tone(0.30, 0.09, land).rgb()
	}
	return p
}

func (p *palette) nightSky(tone func(l, c float64, k int) lch) {
	p.sky = newRamp(tone(0.14, 0.05, 0), tone(0.24, 0.09, 0), tone(0.40, 0.13, 1), tone(0.58, 0.14, 2))
	p.cloud, p.sun, p.glow = tone(0.46, 0.11, 1).rgb(), tone(0.95, 0.04, 2).rgb(), tone(0.66, 0.14, 2).rgb()
}

func (p *palette) sunsetSky(tone func(l, c float64, k int) lch) {
	p.sky = newRamp(tone(0.40, 0.11, 1), tone(0.56, 0.14, 1), tone(0.74, 0.15, 0), tone(0.90, 0.09, 2))
	p.cloud, p.sun, p.glow = tone(0.84, 0.10, 2).rgb(), tone(0.97, 0.04, 2).rgb(), tone(0.82, 0.14, 2).rgb()
}

func (p *palette) daySky(tone func(l, c float64, k int) lch) {
	top, high := tone(0.66, 0.11, 1), tone(0.78, 0.08, 1)
	if hueGap(top.h, 95) < 50 { // a yellow sky is only clean where it is light
		top.l, high.l, top.c = top.l+0.16, high.l+0.09, top.c*0.85
	}
	p.sky = newRamp(top, high, tone(0.90, 0.05, 2), tone(0.95, 0.04, 2))
	p.cloud, p.glow = tone(0.97, 0.015, 2).rgb(), tone(0.95, 0.07, 2).rgb()
	disc := tone(0.82, 0.16, 2)
	if hueGap(disc.h, 50) > 60 {
		disc.l, disc.c = 0.965, disc.c*0.2 // no sun is green: a pale one goes with any sky
	}
	p.sun = disc.rgb()
}

// harmony returns three hues in degrees: base, partner and accent.
func harmony(m mood, unknown []string, d *dice) [3]float64 {
	var h [3]float64
	jitter := float64(d.between(-9, 9))
	turn := float64(d.sign())
	if len(m.hues) > 0 {
		h[0] = m.hues[0] + jitter
	} else {
		// Unknown words have a hue of their own, so that a brand name looks the same
		// wherever it is used.
		h[0] = float64(Seed(unknown...)%360) + jitter
	}
	switch d.intn(4) {
	case 0: // neighbours, with a complement for the accent
		h[1], h[2] = h[0]+turn*float64(d.between(25, 45)), h[0]+180+float64(d.between(-25, 25))
	case 1: // split complements
		h[1], h[2] = h[0]+turn*float64(d.between(40, 70)), h[0]-turn*float64(d.between(120, 150))
	default: // neighbours all
		h[1], h[2] = h[0]+turn*float64(d.between(20, 35)), h[0]+turn*float64(d.between(50, 75))
	}
	// Words beat the harmony: the second colour named is the accent, the third the partner.
	if len(m.hues) > 1 {
		h[2] = m.hues[1] + jitter
	}
	if len(m.hues) > 2 {
		h[1] = m.hues[2] + jitter
	}
	return h
}

// earthen turns dark yellows towards brown, as shaded gold and sand are: kept at their
// hue they would be olive.
func earthen(c lch) lch {
	if gap := hueTurn(98, c.h); gap > -25 && gap < 25 && c.l < 0.8 {
		c.h -= (25 + gap) * min((0.8-c.l)/0.35, 1)
	}
	return c
}

// landHue chooses which of the hues the land has: the one that is nearest to what one
// expects there, so that of "fox" and "forest" the trees get the green; else the base.
func landHue(t theme, h [3]float64) int {
	expected, ok := map[theme]float64{themeForest: 145, themeOcean: 225, themeDesert: 70, themeMountains: 250}[t]
	best, gap := 0, 45.0
	for k := range h {
		if g := hueGap(h[k], expected); ok && g < gap {
			best, gap = k, g
		}
	}
	return best
}

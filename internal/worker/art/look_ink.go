package art

// sketch draws the outlines with a pen and the shade with hatching, over a thin tint.
func sketch(st *studio, base shader, seed uint32) shader {
	const reach = 0.0028 // units: half the width of a line
	paper, pen := st.pal.paper.mix(rgb{0.98, 0.97, 0.94}, 0.6), st.pal.ink
	// In a picture of few pixels the strokes melt into the grey they stand for.
	melt := smooth(0.25, 0.6, hatches*st.aa)
	return func(p vec) rgb {
		// The hand trembles.
		q := p.add(vec{noise(p.x*13, p.y*13, seed), noise(p.x*13, p.y*13, seed+1)}.scale(0.004))
		c, right, low := base(q), base(q.add(vec{reach, 0})), base(q.add(vec{0, reach}))
		l := c.luma()
		dx, dy := right.luma()-l, low.luma()-l
		edge := smooth(0.025, 0.11, sqrt(dx*dx+dy*dy))
		press := 0.75 + 0.5*noise(p.x*40, p.y*40, seed+2)
		bare := (1 - hatch(q, 0.8, l, 0.62, melt, seed+3)) *
			(1 - hatch(q, -0.7, l, 0.42, melt, seed+4)) * (1 - hatch(q, 0.1, l, 0.24, melt, seed+5))
		tint := paper.mix(c, 0.22*smooth(1.0, 0.35, l)+0.16)
		return tint.mix(pen, clamp01(max(edge, (1-bare)*0.72)*press))
	}
}

// hatches is how many strokes of a hatching a unit holds.
const hatches = 92

// hatch is one set of parallel strokes at a slope, 0–1, where the picture's lightness l
// is under a level; the darker, the broader. melt is how much of a plain grey they are.
func hatch(p vec, slope, l, level, melt float32, seed uint32) float32 {
	if l >= level {
		return 0
	}
	t := (p.x*slope+p.y)*hatches + 0.35*noise(p.x*9, p.y*9, seed)
	f := abs(t-float32(floor(t))-0.5) * 2
	wide := 0.16 + 0.4*(level-l)
	return lerp(smooth(wide+0.16, wide-0.08, f), wide, melt) * smooth(level, level-0.07, l)
}

// dots is a printer's screen at p: how much ink covers it where the tone is t, both 0–1.
func dots(p vec, pitch, t, aa float32) float32 {
	q := p.scale(0.7071 / pitch)
	q = vec{q.x - q.y, q.x + q.y}
	q = q.sub(vec{float32(floor(q.x)) + 0.5, float32(floor(q.y)) + 0.5})
	return cover((q.length()-0.72*sqrt(clamp01(t)))*pitch, aa*1.5)
}

// comic flattens the tones, shades with dots and draws heavy outlines.
func comic(st *studio, base shader) shader {
	const reach = 0.004 // units
	ink, aa := st.pal.ink.scale(0.6), st.aa
	return func(p vec) rgb {
		c, right, low := base(p), base(p.add(vec{reach, 0})), base(p.add(vec{0, reach}))
		l := c.luma()
		dx, dy := right.luma()-l, low.luma()-l
		edge := smooth(0.05, 0.11, sqrt(dx*dx+dy*dy))
		// Tones in steps, each with its colour kept.
		step := (float32(floor(l*4.5)) + 0.75) / 4.5
		c = c.scale(step / max(l, 0.02)).saturate(1.3)
		c = c.mix(c.scale(0.62), dots(p, 0.0135, smooth(0.66, 0.15, l), aa))
		return c.mix(ink, edge)
	}
}

// retro prints with two worn inks on yellowed paper, slightly out of register.
func retro(st *studio, base shader, seed uint32) shader {
	cream, shade := rgb{0.957, 0.902, 0.79}, st.pal.ink.mix(rgb{0.22, 0.13, 0.10}, 0.5)
	aa, w, h := st.aa, st.w, st.h
	return func(p vec) rgb {
		c := base(p)
		off := base(p.add(vec{0.0035, -0.002}))
		c = rgb{c.r, c.g, off.b} // the blue plate slipped
		l := c.luma()
		// Faded: blacks are brown, whites are cream.
		c = shade.mix(cream, smooth(-0.05, 1.02, l)).mix(c, 0.68)
		c = c.mix(shade, 0.34*dots(p, 0.0088, smooth(0.62, 0.05, l), aa))
		worn := noise(p.x*60, p.y*60, seed) + noise(p.x*19, p.y*19, seed+1)
		c = c.mix(cream, 0.30*smooth(0.55, 0.95, worn))
		border := min(min(p.x, w-p.x), min(p.y, h-p.y))
		return cream.mix(c, cover(0.03-border, aa))
	}
}

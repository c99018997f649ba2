package art

// pixelAcross is how many blocks of pixel art a unit holds: 128 divides the usual sizes.
const pixelAcross = 128

// bayer is an ordered dither of 4×4, in 16ths.
var bayer = [4][4]float32{{0, 8, 2, 10}, {12, 4, 14, 6}, {3, 11, 1, 9}, {15, 7, 13, 5}}

// pixelArt paints in blocks, with few tones and the dither of an old screen.
func pixelArt(_ *studio, base shader) shader {
	const tones = 6
	return func(p vec) rgb {
		ix, iy := floor(p.x*pixelAcross), floor(p.y*pixelAcross)
		c := base(vec{(float32(ix) + 0.5) / pixelAcross, (float32(iy) + 0.5) / pixelAcross}).saturate(1.12)
		t := (bayer[iy&3][ix&3]+0.5)/16*0.8 + 0.1
		step := func(x float32) float32 { return float32(floor(clamp01(x)*(tones-1)+t)) / (tones - 1) }
		return rgb{step(c.r), step(c.g), step(c.b)}
	}
}

// neon shows the picture on a tube: the colours' edges part, lines run across.
func neon(st *studio, base shader) shader {
	const lines = 190 // in a unit
	// Where lines come too close for the pixels they fade, or they would beat with them.
	depth := 0.30 * smooth(0.65, 0.35, lines*st.aa)
	return func(p vec) rgb {
		c := base(p)
		// The light parts the screen's colours, more so away from the middle.
		side := base(p.add(vec{0.0022, 0}))
		c.r = lerp(c.r, side.r, 0.7)
		l := p.y * lines
		f := abs(l - float32(floor(l)) - 0.5)
		c = c.scale(0.93 + depth*(0.5-smooth(0.18, 0.42, f)))
		// Contrast: darks sink, lights glow.
		return rgb{glowCurve(c.r), glowCurve(c.g), glowCurve(c.b)}
	}
}

func glowCurve(x float32) float32 { return x * (0.78 + 0.34*min(x, 1)) }

// photo bends the tones like film and lets some light leak in at a corner.
func photo(st *studio, base shader) shader {
	d := st.dice.fork("photo")
	leak := vec{st.w * float32(d.intn(2)), st.h * d.between(0, 0.5)}
	warm := st.pal.glow.mix(rgb{1, 0.72, 0.42}, 0.6)
	soft := 0.0016 * d.between(0.8, 1.4)
	return func(p vec) rgb {
		// Two rays half a blur apart: a lens is never as sharp as a drawing.
		c := base(p.add(vec{soft, soft * 0.5})).mix(base(p.sub(vec{soft * 0.5, soft})), 0.5)
		k := p.sub(leak).length()
		c = c.screen(warm, 0.34/(1+9*k*k))
		return rgb{filmCurve(c.r), filmCurve(c.g) * 0.995, lerp(0.02, 0.975, filmCurve(c.b))}
	}
}

// filmCurve is a gentle S: soft shoulders, deep but not black shadows.
func filmCurve(x float32) float32 {
	x = clamp01(x)
	return 0.015 + 0.97*lerp(x, x*x*(3-2*x), 0.55)
}

package art

// tilted paints a layer in a turned picture.
type tilted struct {
	inner    layer
	r        rotation
	mid, off vec // what the turn leaves in place, and where it lands
}

func (t *tilted) paint(c rgb, p vec, s sample) rgb {
	return t.inner.paint(c, p.sub(t.mid).rotate(t.r).add(t.off), s)
}

// ribbons: sheets of paper in waves, each with a shadow on the one behind.
func (st *studio) ribbons() []layer {
	d := st.dice.fork("ribbons")
	count := 6 + d.intn(4)
	if st.look.flat {
		count = 4
	}
	span := sqrt(st.w*st.w + st.h*st.h)
	out := &ridges{aa: st.aa, light: 1, shadow: 0.42, reach: 0.075}
	lo, hi := float32(0.10), float32(0.95)
	if d.chance(0.5) {
		lo, hi = hi, lo
	}
	if st.pal.night {
		lo, hi = 0.02, 0.72
	}
	freq, phase := d.between(1.9, 3.6), d.between(0, 6.28)
	seed := uint32(d.next() >> 32)
	for k := range count {
		t := (float32(k) + 0.5) / float32(count)
		base, amp := span*(t*0.92+0.05), d.between(0.09, 0.19)
		sway := d.between(-0.35, 0.35)
		place := lerp(lo, hi, (float32(k)+1)/float32(count))
		sh := sheet{
			line: newProfile(span, func(x float32) float32 {
				return base + amp*sin(x*freq+phase+sway+t*1.3) + 0.10*fbm(x*0.9, t*2.2, 2, seed)
			}),
			top: st.pal.full.at(place + 0.10), low: st.pal.full.at(place - 0.10), fade: 0.22,
		}
		if st.look.name == lookNeon {
			sh.top, sh.low = st.pal.ink.mix(st.pal.second, 0.18), st.pal.ink.scale(0.6)
			sh.rim, sh.rimWidth = st.pal.accent.mix(st.pal.second, t), 0.0026
		}
		out.sheets = append(out.sheets, sh)
	}
	if st.look.flat {
		out.shadow = 0
	}
	turn := rotated(d.between(-0.75, 0.75))
	back := &backdrop{colors: st.pal.full, dir: vec{0, 1}, lo: lo, hi: lerp(lo, hi, 0.15), size: st.h}
	mid := vec{st.w / 2, st.h / 2}
	return []layer{back, &tilted{inner: out, r: turn, mid: mid, off: vec{span / 2, span / 2}}}
}

// ink is colour run into colour, with veins.
type ink struct {
	colors *ramp
	lo, hi float32
	vein   rgb
	veins  float32 // 0–1
	lines  float32 // contour lines across the whole range; 0 for none
}

func (k *ink) paint(_ rgb, _ vec, s sample) rgb {
	t := smooth(0.08, 0.92, s.warp*0.8+s.fold*0.25)
	c := k.colors.at(lerp(k.lo, k.hi, t))
	c = c.scale(0.86 + 0.34*s.fold)
	// Veins run where the warp passes the middle: there the ink is drawn thin.
	v := abs(s.warp-0.5) * 22
	c = c.screen(k.vein, k.veins/(1+v*v))
	if k.lines > 0 {
		l := s.warp * k.lines
		f := abs(l - float32(floor(l)) - 0.5)
		c = c.scale(1 - 0.16*smooth(0.06, 0.0, f))
	}
	return c
}

// marble: ink in water.
func (st *studio) marble() []layer {
	d := st.dice.fork("marble")
	k := &ink{colors: st.pal.full, lo: 0.04, hi: 1, vein: st.pal.glow, veins: d.between(0.2, 0.55)}
	if d.chance(0.5) {
		k.lo, k.hi = k.hi, k.lo
	}
	if st.pal.night {
		k.lo, k.hi = 0, 0.72
	}
	if d.chance(0.35) {
		k.lines, k.veins = d.between(9, 15), 0
	}
	layers := []layer{k, &lamp{
		at: vec{st.w * d.between(0.2, 0.8), st.h * d.between(0.15, 0.5)}, r: d.between(0.3, 0.6),
		color: st.pal.accent, power: 0.25,
	}}
	if st.look.flat {
		k.veins, k.lines = 0, 6
		return layers[:1]
	}
	return layers
}

// floorGrid is the plain of glowing lines of the eighties.
type floorGrid struct {
	horizon float32 // units from the top
	midX    float32
	line    rgb
	ground  rgb
	haze    rgb
	aa      float32
}

func (g *floorGrid) paint(c rgb, p vec, _ sample) rgb {
	depth := p.y - g.horizon
	if depth < -g.aa {
		return c
	}
	depth = max(depth, 0.002)
	z := 0.2 / depth
	// Distances to the next line, taken back from the plain to the picture.
	zl := z * 1.6
	dz := abs(zl-float32(floor(zl))-0.5) / (zl / depth)
	xl := (p.x - g.midX) * z * 2.2
	dx := abs(xl-float32(floor(xl))-0.5) / (2.2 * z)
	w := 0.0016 + 0.012*depth
	glow := 1/(1+dz*dz/(w*w)) + 1/(1+dx*dx/(w*w))
	ground := g.ground.mix(g.haze, 1/(1+depth*30))
	ground = ground.screen(g.line, min(glow, 1)*smooth(0, 0.09, depth))
	return c.mix(ground, cover(g.horizon-p.y, g.aa))
}

func (st *studio) neonFloor(horizon float32) layer {
	return &floorGrid{
		horizon: horizon, midX: st.w / 2, line: st.pal.accent, ground: st.pal.ink.scale(0.7),
		haze: st.pal.second, aa: st.aa,
	}
}

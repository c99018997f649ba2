package art

// shards is a sheet folded into triangles, each flat, as cut crystal.
type shards struct {
	cell   float32 // width of two triangles, in units
	seed   uint32
	colors *ramp
	lo, hi float32 // places on the ramp at the start and at the end
	dir    vec     // from start to end, per unit
	bias   float32
	rough  float32 // how far the folds stand out, 0–1
	edge   rgb
	line   float32 // strength of the bright edges, 0–1
	aa     float32
}

// corner is a corner of triangles: a lattice point, pushed aside, with its tone.
func (v *shards) corner(i, j int32) (at vec, tone float32) {
	h := hash2(i, j, v.seed)
	at = vec{
		(float32(i) + 0.7*(unit32(h, 0)-0.5)) * v.cell,
		(float32(j) + 0.7*(unit32(h, 16)-0.5)) * v.cell,
	}
	return at, at.dot(v.dir) + v.bias + v.rough*(unit32(h, 7)-0.5)
}

func (v *shards) paint(_ rgb, p vec, _ sample) rgb {
	ix, iy := floor(p.x/v.cell), floor(p.y/v.cell)
	// Pushed corners carry a triangle over its lattice square, mostly not: own square first.
	for _, o := range [9][2]int32{{0, 0}, {-1, 0}, {0, -1}, {1, 0}, {0, 1}, {-1, -1}, {1, -1}, {-1, 1}, {1, 1}} {
		if c, ok := v.square(p, ix+o[0], iy+o[1]); ok {
			return c
		}
	}
	return v.colors.at(lerp(v.lo, v.hi, clamp01(p.dot(v.dir)+v.bias)))
}

// square paints p if one of the two triangles of square i, j holds it.
func (v *shards) square(p vec, i, j int32) (rgb, bool) {
	a, ta := v.corner(i, j)
	c, tc := v.corner(i+1, j+1)
	b, tb := v.corner(i+1, j)
	if side(a, c, p) > 0 {
		b, tb = v.corner(i, j+1)
	}
	wa, wb, wc := side(b, c, p), side(c, a, p), side(a, b, p)
	area := wa + wb + wc
	if area < 0 {
		wa, wb, wc, area = -wa, -wb, -wc, -area
	}
	if min(wa, wb, wc) < 0 || area == 0 {
		return rgb{}, false
	}
	gap := min(wa/c.sub(b).length(), wb/a.sub(c).length(), wc/b.sub(a).length())
	// Across an edge only the tone that runs from corner to corner is continuous: a pixel
	// wide it takes the place of the flat tone, so the edge has no steps.
	running := (wa*ta + wb*tb + wc*tc) / area
	flat := (ta+tb+tc)/3 + 0.35*(running-(ta+tb+tc)/3)
	tone := lerp(flat, running, cover(gap-v.aa/2, v.aa))
	out := v.colors.at(lerp(v.lo, v.hi, clamp01(tone)))
	return out.screen(v.edge, v.line*cover(gap-0.0008, v.aa*1.5)), true
}

// side is twice the signed area of the triangle a, b, p.
func side(a, b, p vec) float32 { return (b.x-a.x)*(p.y-a.y) - (b.y-a.y)*(p.x-a.x) }

// shards: a field of them from dark to light, with a light behind.
func (st *studio) shards() []layer {
	d := st.dice.fork("shards")
	angle := rotated(d.between(0.3, 1.25))
	angle.cos *= d.sign()
	length := st.w*abs(angle.cos) + st.h*angle.sin
	v := &shards{
		cell: d.between(0.09, 0.17), seed: uint32(d.next() >> 32), colors: st.pal.full,
		lo: 0.04, hi: 0.98, dir: vec{angle.cos, angle.sin}.scale(1 / length), rough: 0.55,
		edge: st.pal.paper, line: 0.22, aa: st.aa,
	}
	v.bias = max(0, -angle.cos) * st.w / length
	if d.chance(0.5) {
		v.lo, v.hi = v.hi, v.lo
	}
	if st.pal.night {
		v.lo, v.hi, v.edge = 0, 0.62, st.pal.accent
	}
	if st.look.flat {
		v.line, v.cell = 0, v.cell*2
	}
	return []layer{v, &lamp{
		at: vec{st.w * d.between(0.2, 0.8), st.h * d.between(0.2, 0.6)}, r: d.between(0.25, 0.5),
		color: st.pal.accent, power: 0.30,
	}}
}

// lamp is soft light on what is painted so far.
type lamp struct {
	at    vec
	r     float32 // units, where it has lost most of its strength
	color rgb
	power float32 // 0–1
}

func (l *lamp) paint(c rgb, p vec, _ sample) rgb {
	k := p.sub(l.at).length() / l.r
	return c.screen(l.color, l.power/(1+3*k*k))
}

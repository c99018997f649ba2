package art

// shards are the cells around scattered points, each flat, as cut crystal.
type shards struct {
	cell   float32 // mean width, in units
	seed   uint32
	colors *ramp
	lo, hi float32 // places on the ramp at the dark and at the light end
	dir    vec     // from light to dark, per unit
	bias   float32
	edge   rgb
	line   float32 // strength of the bright edges, 0–1
	aa     float32
}

func (v *shards) paint(_ rgb, p vec, s sample) rgb {
	q := p.scale(1 / v.cell)
	ix, iy := floor(q.x), floor(q.y)
	best, second := float32(99), float32(99)
	var site, other vec
	var id uint32
	for j := iy - 1; j <= iy+1; j++ {
		for i := ix - 1; i <= ix+1; i++ {
			h := hash2(i, j, v.seed)
			at := vec{float32(i) + 0.1 + 0.8*unit32(h, 0), float32(j) + 0.1 + 0.8*unit32(h, 16)}
			o := at.sub(q)
			switch d := o.dot(o); {
			case d < best:
				second, other = best, site
				best, site, id = d, at, h
			case d < second:
				second, other = d, at
			}
		}
	}
	// The distance to the border is half the difference of the squares over the distance
	// of the two points.
	gap := (second - best) / (2*other.sub(site).length() + 1e-6) * v.cell
	center := site.scale(v.cell)
	t := center.dot(v.dir) + v.bias + 0.42*(unit32(id, 7)-0.5) + 0.25*(s.warp-0.5)
	// A slope across each shard, so that light seems to fall on it.
	t += 0.30 * q.sub(site).dot(vec{unit32(id, 3) - 0.5, unit32(id, 11) - 0.5})
	c := v.colors.at(lerp(v.lo, v.hi, clamp01(t)))
	return c.screen(v.edge, v.line*cover(gap-0.0012, v.aa*1.5))
}

// shards: a field of them from dark to light, with a disc shining through.
func (st *studio) shards() []layer {
	d := st.dice.fork("shards")
	angle := rotated(d.between(0.3, 1.25))
	if d.chance(0.5) {
		angle.cos = -angle.cos
	}
	dir := vec{angle.cos, angle.sin}.scale(1 / (st.w*abs(angle.cos) + st.h*angle.sin))
	v := &shards{
		cell: d.between(0.10, 0.2), seed: uint32(d.next() >> 32), colors: st.pal.full, //nolint:gosec // 32 bits remain
		lo: 0.04, hi: 0.98, dir: dir, edge: st.pal.paper, line: 0.30, aa: st.aa,
	}
	if angle.cos < 0 {
		v.bias = -angle.cos * st.w / (st.w*abs(angle.cos) + st.h*angle.sin)
	}
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
		color: st.pal.accent, power: 0.38,
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

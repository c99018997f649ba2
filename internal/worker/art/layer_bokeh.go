package art

// disc is one blurred light.
type disc struct {
	at    vec
	r     float32 // units
	soft  float32 // width of its edge, in units
	color rgb
	alpha float32
}

// discs are many of them, sorted into buckets so that a point asks only those near it.
type discs struct {
	all     []disc
	buckets [][]uint16
	nx, ny  int
	aa      float32
}

// discBucket is the side of a bucket in units.
const discBucket = 0.125

func newDiscs(f frame, all []disc) *discs {
	out := &discs{all: all, nx: int(f.w/discBucket) + 1, ny: int(f.h/discBucket) + 1, aa: f.aa}
	out.buckets = make([][]uint16, out.nx*out.ny)
	for i := range all {
		c := &all[i]
		// 0.05 more: techniques that move the point read beside their bucket.
		reach := c.r + c.soft + 0.05
		x0, x1 := out.column(c.at.x-reach), out.column(c.at.x+reach)
		y0, y1 := out.row(c.at.y-reach), out.row(c.at.y+reach)
		for y := y0; y <= y1; y++ {
			for x := x0; x <= x1; x++ {
				out.buckets[y*out.nx+x] = append(out.buckets[y*out.nx+x], uint16(i))
			}
		}
	}
	return out
}

func (b *discs) column(x float32) int { return min(int(max(x/discBucket, 0)), b.nx-1) }
func (b *discs) row(y float32) int    { return min(int(max(y/discBucket, 0)), b.ny-1) }

func (b *discs) paint(c rgb, p vec, _ sample) rgb {
	for _, i := range b.buckets[b.row(p.y)*b.nx+b.column(p.x)] {
		o := &b.all[i]
		d := p.sub(o.at).length() - o.r
		k := cover(d, max(o.soft, b.aa))
		if k == 0 {
			continue
		}
		// A lens gathers light at the rim of the circle of confusion.
		rim := smooth(-0.25*o.r, 0, d)
		c = c.screen(o.color, k*o.alpha*(0.72+0.5*rim))
	}
	return c
}

// bokeh: lights out of focus before a dark gradient, faint ones behind bright ones.
func (st *studio) bokeh() []layer {
	d := st.dice.fork("bokeh")
	dark := st.pal.full
	back := &backdrop{colors: dark, dir: vec{d.between(-0.5, 0.5), 1}, lo: 0.46, hi: 0.04, turn: 0.10, size: st.h}
	tints := [4]rgb{st.pal.accent, st.pal.second, st.pal.glow, st.pal.chips[4]}
	count := int(64 * st.w * st.h)
	if st.look.flat {
		count /= 3
	}
	// The lights lie along a band, as of a street or a garland, rather than anywhere.
	angle, mid := rotated(d.between(-0.7, 0.7)), vec{st.w / 2, st.h * d.between(0.4, 0.6)}
	all := make([]disc, 0, count)
	for i := range count {
		near := float32(i) / float32(count)
		along := vec{d.between(-0.9, 0.9) * (st.w + st.h) / 2, (d.unit() + d.unit() - 1) * (0.55 + 0.3*near) * st.h}
		r := lerp(0.018, 0.125, near*near) * d.between(0.6, 1.25)
		all = append(all, disc{
			at: mid.add(along.rotate(angle)), r: r, soft: lerp(0.03, 0.006, near) + r*d.between(0.04, 0.3),
			color: tints[d.intn(4)].mix(st.pal.paper, d.between(0, 0.35)), alpha: d.between(0.16, 0.62),
		})
	}
	return []layer{back, newDiscs(st.frame, all)}
}

// backdrop is a slanted gradient of a ramp that the field bends.
type backdrop struct {
	colors *ramp
	dir    vec
	lo, hi float32 // places on the ramp at the start and at the end
	turn   float32
	size   float32 // units from start to end
}

func (b *backdrop) paint(_ rgb, p vec, s sample) rgb {
	t := p.dot(b.dir)/b.size + b.turn*(s.warp-0.5)
	return b.colors.at(lerp(b.lo, b.hi, t))
}

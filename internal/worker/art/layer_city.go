package art

// block is a row of houses along one street.
type block struct {
	lot      float32 // width of a lot, in units
	base     float32 // street level, units from the top
	low, top float32 // least and greatest height of a house, in units
	wall     rgb
	foot     rgb // wall colour at street level, where the haze lies
	lit      [2]rgb
	windows  float32 // share of lit windows, 0–1
	seed     uint32
	aa       float32
}

func (b *block) paint(c rgb, p vec, _ sample) rgb {
	if p.y < b.base-b.top*1.25-b.aa {
		return c
	}
	lot := floor(p.x / b.lot)
	// A house may reach over its lot by a tenth on both sides: there the neighbours count.
	within, near := p.x-float32(lot)*b.lot, 0.1*b.lot+b.aa
	if within < near {
		c = b.house(c, p, lot-1)
	}
	c = b.house(c, p, lot)
	if within > b.lot-near {
		c = b.house(c, p, lot+1)
	}
	return c
}

// house paints house i of the row: a box, some with a set-back top or a mast.
func (b *block) house(c rgb, p vec, i int32) rgb {
	h := hash2(i, 7, b.seed)
	center := (float32(i) + 0.5) * b.lot
	half := b.lot * (0.34 + 0.26*unit32(h, 0))
	t := unit32(h, 8)
	height := lerp(b.low, b.top, t*t)
	q := vec{p.x - center, b.base - p.y} // y up from the street
	d := max(abs(q.x)-half, q.y-height)
	if h&3 == 1 { // set back
		d = min(d, max(abs(q.x)-half*0.6, q.y-height*1.1))
	}
	if h&7 == 2 { // mast
		d = min(d, max(abs(q.x)-b.lot*0.02, q.y-height*1.25))
	}
	k := cover(d, b.aa)
	if k == 0 {
		return c
	}
	wall := b.wall.mix(b.foot, smooth(height*0.9, 0, q.y)*0.8)
	if q.x < 0 {
		wall = wall.scale(0.93) // one side in the shade gives the box a body
	}
	return c.mix(b.window(wall, q, half, height, h), k)
}

// window paints the lit windows of a house onto its wall.
func (b *block) window(wall rgb, q vec, half, height float32, h uint32) rgb {
	pitch := vec{b.lot * (0.11 + 0.05*unit32(h, 16)), b.lot * 0.15}
	if b.windows == 0 || abs(q.x) > half-pitch.x*0.4 || q.y > height-pitch.y*0.6 {
		return wall
	}
	ix, iy := floor(q.x/pitch.x), floor(q.y/pitch.y)
	w := hash2(ix, iy, h)
	if unit32(w, 0) > b.windows {
		return wall
	}
	fx, fy := abs(q.x/pitch.x-float32(ix)-0.5), abs(q.y/pitch.y-float32(iy)-0.5)
	d := max((fx-0.30)*pitch.x, (fy-0.32)*pitch.y)
	light := b.lit[w>>20&1].scale(0.55 + 0.45*unit32(w, 5))
	return wall.mix(light, cover(d, b.aa))
}

// city: streets one before the other, lit at night.
func (st *studio) city() []layer {
	d := st.dice.fork("city")
	horizon := st.h * d.between(0.66, 0.76)
	layers := st.heaven(horizon * 0.92)
	rows := 4
	if st.look.flat {
		rows = 3
	}
	for k := range rows {
		near := float32(k) / float32(rows-1)
		b := &block{
			lot: lerp(0.055, 0.15, near) * d.between(0.85, 1.15), base: lerp(horizon, st.h*1.04, near),
			low: 0.08 + 0.06*near, top: lerp(0.36, 0.40, near) * d.between(0.85, 1.2),
			wall: st.pal.far.mix(st.pal.near, 0.15+0.85*near), seed: uint32(d.next() >> 32), aa: st.aa,
			lit: [2]rgb{st.pal.sun, st.pal.glow},
		}
		b.foot = b.wall.mix(st.pal.sky.at(0.9), 0.6*(1-near))
		b.windows = 0.10 + 0.16*near
		if st.pal.night {
			b.windows = 0.22 + 0.3*near
		}
		if st.look.name == lookNeon {
			b.wall, b.lit = st.pal.ink.mix(st.pal.second, 0.22*(1-near)+0.03), [2]rgb{st.pal.accent, st.pal.second}
			b.foot = b.wall.mix(st.pal.accent, 0.45*(1-0.6*near))
		}
		if st.look.flat {
			b.windows = 0
		}
		layers = append(layers, b)
		if k < rows-1 {
			layers = append(layers, st.mist(b.base, 0.10, 0.3*(1-near)))
		}
	}
	return layers
}

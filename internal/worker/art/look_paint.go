package art

// watercolour lays two washes over each other, each run off its outline by itself, lets
// the pigment gather in the hollows of the paper, and leaves a ragged white border.
func watercolour(st *studio, base shader, seed uint32) shader {
	white := st.pal.paper.mix(rgb{1, 0.995, 0.98}, 0.6)
	w, h := st.w, st.h
	return func(p vec) rgb {
		n1, n2 := noise(p.x*7, p.y*7, seed), noise(p.x*7, p.y*7, seed+1)
		f1, f2 := noise(p.x*31, p.y*31, seed+2), noise(p.x*31, p.y*31, seed+3)
		a := base(p.add(vec{n1, n2}.scale(0.016).add(vec{f1, f2}.scale(0.006))))
		b := base(p.add(vec{n2, -n1}.scale(0.022).add(vec{f2, f1}.scale(0.004))))
		c := a.mix(b, 0.45)
		// Where the washes differ an edge has dried: darker, more colour.
		dried := min(abs(a.luma()-b.luma())*1.6, 0.35)
		c = c.saturate(1 + dried).scale(1 - 0.35*dried)
		pool := 0.5 + 0.5*n1 + 0.35*f1
		c = c.mix(white, clamp01(0.10+0.26*pool))
		border := min(min(p.x, w-p.x), min(p.y, h-p.y))
		ragged := border - 0.035 + 0.022*n2 + 0.012*f2
		wet := smooth(0, 0.006, ragged)
		c = c.scale(1 - 0.14*smooth(0.016, 0.002, ragged)) // pigment dries darkest at the rim
		return white.mix(c, wet)
	}
}

// strokeCell is the spacing of brush strokes, in units: coarse ones first, fine ones over.
var strokeCell = [2]float32{0.026, 0.014}

// oil covers the picture with brush strokes that follow the field, each of one colour
// with the bristles' furrows in it.
func oil(st *studio, base shader, seed uint32) shader {
	return func(p vec) rgb {
		var c rgb
		for pass, cell := range strokeCell {
			at, along, across, ok := topStroke(st.field, p, cell, seed+uint32(pass))
			if !ok {
				if pass == 0 {
					c = base(p)
				}
				continue
			}
			furrow := noise(along*2.2/cell, across*9/cell, seed+7)
			ridge := noise(along*2.2/cell, across*9/cell+0.35, seed+7)
			k := base(at)
			k = k.scale(1 + 0.10*furrow + 0.30*(ridge-furrow))
			if pass == 0 {
				c = k
				continue
			}
			c = c.mix(k, smooth(0.34, 0.20, abs(across)/cell)) // the brush lifts off at its sides
		}
		return c.saturate(1.1)
	}
}

// topStroke finds the stroke that lies on top at p: its middle, and where p lies on it,
// along and across, in units.
func topStroke(f *field, p vec, cell float32, seed uint32) (at vec, along, across float32, ok bool) {
	// One direction for the whole neighbourhood: reading it for each stroke would cost
	// nine lookups, and it hardly turns within three cells.
	ix, iy := floor(p.x/cell), floor(p.y/cell)
	s := f.at(vec{(float32(ix) + 0.5) * cell, (float32(iy) + 0.5) * cell})
	turn := rotated(0.6 - 3.2*s.warp)
	best := uint32(0)
	for j := iy - 1; j <= iy+1; j++ {
		for i := ix - 1; i <= ix+1; i++ {
			h := hash2(i, j, seed)
			if h < best {
				continue
			}
			mid := vec{(float32(i) + unit32(h, 0)) * cell, (float32(j) + unit32(h, 8)) * cell}
			q := p.sub(mid).rotate(turn)
			if abs(q.x) < cell*0.95 && abs(q.y) < cell*(0.26+0.14*unit32(h, 16)) {
				best, at, along, across, ok = h, mid, q.x, q.y, true
			}
		}
	}
	return at, along, across, ok
}

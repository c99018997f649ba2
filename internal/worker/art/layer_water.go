package art

// water is a sea seen at a slant, from the horizon to the bottom.
type water struct {
	horizon, bottom float32 // units from the top
	far, near       rgb
	glint           rgb
	sunX            float32 // where the light falls, in units
	seed            uint32
	calm            bool // no ripples
	aa              float32
}

func (w *water) paint(c rgb, p vec, s sample) rgb {
	depth := p.y - w.horizon
	if depth < -w.aa {
		return c
	}
	t := clamp01(depth / (w.bottom - w.horizon))
	sea := w.far.mix(w.near, sqrt(t))
	if !w.calm {
		// Perspective: ripples grow with nearness. Close to the horizon they are finer
		// than a pixel and fade out rather than flicker.
		z := 0.09 / (max(depth, 0) + 0.03)
		fade := smooth(0, 0.05, depth)
		n := noise((p.x-w.sunX)*z*9, z*46, w.seed) + 0.5*noise((p.x-w.sunX)*z*21, z*97, w.seed+1)
		sea = sea.scale(1 + 0.22*n*fade + 0.25*(s.cloud-0.5))
		off := abs(p.x-w.sunX) / (0.07 + 0.42*t)
		shine := smooth(1, 0, off)
		sea = sea.screen(w.glint, shine*(0.18+0.8*smooth(0.05, 0.3, n)*fade))
	}
	return c.mix(sea, cover(-depth, w.aa))
}

// ocean: sun over water, and waves before it.
func (st *studio) ocean() []layer {
	d := st.dice.fork("ocean")
	horizon := st.h * d.between(0.40, 0.55)
	layers := st.heaven(horizon)
	sunX := st.w / 2
	for _, l := range layers {
		if u, ok := l.(*sun); ok {
			sunX = u.at.x
			u.at.y = horizon - u.r*d.between(-0.2, 1.6)
		}
	}
	deep := st.pal.near
	layers = append(layers, &water{
		horizon: horizon, bottom: st.h, far: st.pal.far.mix(st.pal.sky.at(0.8), 0.25), near: deep,
		glint: st.pal.glow, sunX: sunX, seed: uint32(d.next() >> 32), calm: st.look.flat, aa: st.aa,
	})
	return append(layers, st.waves(d, horizon))
}

// waves builds the rollers in the foreground, each with a crest of foam.
func (st *studio) waves(d *dice, horizon float32) layer {
	out := &ridges{aa: st.aa, light: 1, relief: 0, shadow: 0.25, reach: 0.05}
	count := 3 + d.intn(3)
	if st.look.flat {
		out.shadow = 0
	}
	from := lerp(horizon, st.h, 0.45)
	for k := range count {
		near := (float32(k) + 1) / float32(count)
		base, amp := lerp(from, st.h*0.96, near), 0.012+0.045*near
		freq, phase := d.between(6, 9)-3*near, d.between(0, 6.28)
		seed := uint32(d.next() >> 32)
		top := st.pal.far.mix(st.pal.near, 0.25+0.6*near).mix(st.pal.second, 0.22)
		sh := sheet{
			line: newProfile(st.w, func(x float32) float32 {
				swell := abs(sin(x*freq/2 + phase + 1.2*noise(x*1.3, near, seed)))
				return base + amp*(1.6*swell-1.1) + 0.03*noise(x*1.1, 4, seed)
			}),
			top: top, low: top.mix(st.pal.near, 0.85), fade: 0.06 + 0.09*near, grain: 0.18,
			rim: st.pal.paper.scale(0.34), rimWidth: 0.0016 + 0.0012*near,
		}
		if st.look.name == lookNeon {
			sh.rim = st.pal.accent
		}
		if st.look.flat {
			sh.grain = 0
		}
		out.sheets = append(out.sheets, sh)
	}
	return out
}

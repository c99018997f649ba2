package art

// nebula is coloured gas in the dark.
type nebula struct {
	colors *ramp
	dark   rgb
}

func (n *nebula) paint(_ rgb, _ vec, s sample) rgb {
	gas := smooth(0.38, 0.95, s.warp*0.75+s.cloud*0.4)
	c := n.dark.mix(n.colors.at(0.15+0.7*s.fold), 0.85*gas)
	return c.screen(n.colors.at(0.9), 0.30*smooth(0.72, 1, s.warp))
}

// planet is a ball with bands, lit from one side, perhaps with a ring.
type planet struct {
	at        vec
	r         float32 // units
	sun       vec     // direction the light comes from, of length 1
	colors    *ramp
	rim, ring rgb
	ringed    bool
	tilt      rotation
	bands     float32
	seed      uint32
	aa        float32
}

func (b *planet) paint(c rgb, p vec, s sample) rgb {
	q := p.sub(b.at)
	dist := q.length()
	// A thin air glows on the lit side.
	if a := (dist - b.r) / b.r; a > 0 && a < 0.5 {
		lit := clamp01(0.35 + 0.65*q.dot(b.sun)/dist)
		c = c.screen(b.rim, 0.5*lit/(1+160*a*a))
	}
	t := q.rotate(b.tilt)
	if b.ringed && t.y < 0 {
		c = b.ringAt(c, t)
	}
	if d := dist - b.r; d < b.aa {
		c = c.mix(b.ball(q, t, s), cover(d, b.aa))
	}
	if b.ringed && t.y >= 0 {
		c = b.ringAt(c, t)
	}
	return c
}

// ball shades the globe at q, which is t in the planet's own, tilted axes.
func (b *planet) ball(q, t vec, s sample) rgb {
	n := q.scale(1 / b.r)
	z := sqrt(max(0, 1-n.dot(n)))
	v := t.y / b.r
	band := noise(v*b.bands+1.4*(s.warp-0.5), 0.3*t.x/b.r/(z+0.4), b.seed)
	c := b.colors.at(0.55 + 0.5*band + 0.18*(s.cloud-0.5))
	light := n.dot(b.sun)*0.82 + z*0.57
	edge := 1 - z
	return c.scale(0.04+1.05*smooth(-0.15, 0.95, light)).screen(b.rim, 0.45*edge*edge*edge*clamp01(light+0.3))
}

// ringAt paints the ring at t: an ellipse around the ball, split in bands.
func (b *planet) ringAt(c rgb, t vec) rgb {
	k := vec{t.x, t.y * 3.6}.length() / b.r
	if k < 1.3 || k > 2.25 {
		return c
	}
	alpha := smooth(1.3, 1.36, k) * smooth(2.25, 2.15, k) * (0.5 + 0.9*noise(k*13, 0, b.seed))
	return c.mix(b.ring.scale(0.85+0.3*t.x/b.r*b.sun.x), clamp01(alpha)*0.85)
}

// space: gas, stars, and a planet or two.
func (st *studio) space() []layer {
	d := st.dice.fork("space")
	layers := []layer{&nebula{colors: st.pal.full, dark: st.pal.ink.scale(0.5)}}
	for _, cell := range []float32{0.03, 0.075} {
		layers = append(layers, &stars{
			cell: cell, seed: uint32(d.next() >> 32), color: st.pal.paper, tint: st.pal.glow,
			horizon: st.h * 6, aa: st.aa,
		})
	}
	angle := d.between(0.4, 1.2) * d.sign()
	light := vec{sin(angle), -cos(angle)}
	for k := range 1 + d.intn(2) {
		b := &planet{
			at: vec{st.w * d.between(0.3, 0.7), st.h * d.between(0.3, 0.62)}, r: d.between(0.17, 0.3),
			sun: light, colors: st.pal.full, rim: st.pal.glow, ring: st.pal.second.mix(st.pal.paper, 0.4),
			ringed: d.chance(0.6), tilt: rotated(d.between(-0.6, 0.6)), bands: d.between(2, 5),
			seed: uint32(d.next() >> 32), aa: st.aa,
		}
		if k == 1 { // a moon, away from the planet
			b.r, b.ringed = d.between(0.035, 0.07), false
			b.at = vec{st.w * d.between(0.06, 0.94), st.h * d.between(0.06, 0.22)}
		}
		layers = append(layers, b)
	}
	return layers
}
